import type { AnswerSchedule } from '@tidings/contracts/events/answering';
import type { Timestamp } from '@tidings/contracts/time';
import { describe, expect, it } from 'vitest';
import { isActiveAt } from './schedule.ts';

const at = (written: string): Timestamp => written as Timestamp;
const active = (schedule: AnswerSchedule, ...times: readonly string[]): readonly boolean[] =>
  times.map((time) => isActiveAt({ isActive: true, schedule }, at(time)));

describe('an automatic reply is on', () => {
  it('always, or never while it is switched off', () => {
    expect(active({ type: 'always' }, '2026-11-02T10:00:00.000Z')).toEqual([true]);
    expect(isActiveAt({ isActive: false, schedule: { type: 'always' } }, at('2026-11-02T10:00:00.000Z'))).toBe(false);
  });

  it('from a time to another one', () => {
    const schedule = { type: 'range', from: at('2026-07-01T00:00:00.000Z'), to: at('2026-07-15T00:00:00.000Z') } as const;
    expect(
      active(schedule, '2026-06-30T23:59:59.999Z', '2026-07-01T00:00:00.000Z', '2026-07-14T23:59:00.000Z', '2026-07-15T00:00:00.000Z'),
    ).toEqual([...[false, true, true, false]]);
  });

  it('at hours of the week, as clocks there show them in summer and in winter', () => {
    const schedule = {
      ...({ type: 'weekly', timeZone: 'Europe/Paris' } as const),
      hours: [{ from: { day: 1, time: '18:00' }, to: { day: 1, time: '20:00' } }],
    };
    // Mondays: 18:00 is 17:00 UTC in November, and 16:00 UTC in July.
    expect(active(schedule, '2026-11-02T16:59:00.000Z', '2026-11-02T17:00:00.000Z', '2026-11-02T19:00:00.000Z')).toEqual([
      false,
      true,
      false,
    ]);
    expect(active(schedule, '2026-07-06T15:59:00.000Z', '2026-07-06T16:00:00.000Z', '2026-07-07T16:00:00.000Z')).toEqual([
      false,
      true,
      false,
    ]);
  });

  it('over the end of the week', () => {
    const schedule = {
      ...({ type: 'weekly', timeZone: 'UTC' } as const),
      hours: [{ from: { day: 5, time: '18:00' }, to: { day: 1, time: '08:30' } }],
    };
    const weekend = [
      '2026-11-06T17:59:00.000Z',
      '2026-11-06T18:00:00.000Z',
      '2026-11-08T23:59:00.000Z',
      '2026-11-09T08:29:00.000Z',
      '2026-11-09T08:30:00.000Z',
    ];
    expect(active(schedule, ...weekend)).toEqual([false, true, true, true, false]);
  });
});
