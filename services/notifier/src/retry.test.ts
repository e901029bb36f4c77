import { describe, expect, it } from 'vitest';
import { LONGEST_PAUSE_MS, nextAttempt, type Failed } from './retry.ts';

const schedule = { firstMs: 1_000, forMs: 48 * 3_600_000 };
const failed: Failed = { attempts: 1, since: 0, now: 0, retryAfterMs: null, chance: 0.5 };

describe('nextAttempt', () => {
  it('doubles from a second to six hours', () => {
    const pauses = [1, 2, 3, 11, 15, 16, 60, 10_000].map((attempts) => nextAttempt(schedule, { ...failed, attempts }));
    expect(pauses).toEqual([1_000, 2_000, 4_000, 1_024_000, 16_384_000, LONGEST_PAUSE_MS, LONGEST_PAUSE_MS, LONGEST_PAUSE_MS]);
  });

  it('spreads by chance, a quarter either way', () => {
    expect([0, 1].map((chance) => nextAttempt(schedule, { ...failed, chance }))).toEqual([750, 1_250]);
  });

  it('waits as long as it was asked to, within six hours', () => {
    expect(nextAttempt(schedule, { ...failed, retryAfterMs: 90_000 })).toBe(90_000);
    expect(nextAttempt(schedule, { ...failed, retryAfterMs: 1 })).toBe(1_000);
    expect(nextAttempt(schedule, { ...failed, retryAfterMs: 10 * LONGEST_PAUSE_MS })).toBe(LONGEST_PAUSE_MS);
  });

  it('gives up after its time', () => {
    const now = schedule.forMs - 500;
    expect(nextAttempt(schedule, { ...failed, now })).toBeNull();
    expect(nextAttempt(schedule, { ...failed, now: now - 1_000 })).toBe(now);
    expect(nextAttempt(schedule, { ...failed, now, since: 1_000 })).toBe(now + 1_000);
  });
});
