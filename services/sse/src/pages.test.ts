import type { Position } from '@tidings/contracts/ports/event-log';
import { timestamp } from '@tidings/contracts/time';
import type { FeedRow } from '@tidings/projections/feed/queries';
import { describe, expect, it } from 'vitest';
import { PAGE, wholePage } from './pages.ts';

/** So many rows at each position. */
const feedOf = (...counts: readonly number[]): readonly FeedRow[] =>
  counts.flatMap((count, at) =>
    Array.from({ length: count }, (_, index) => ({
      position: String(at + 1).padStart(16, '0') as Position, // as the Postgres log writes them
      index,
      audience: 'user:x',
      type: 'NewRoom',
      payload: '{}',
      recordedAt: timestamp(0),
      leftBefore: [],
      blockedBefore: [],
    })),
  );
const read = (...counts: readonly number[]) => wholePage((limit) => Promise.resolve(feedOf(...counts).slice(0, limit)));

describe('a page of the feed', () => {
  it('ends between positions', async () => {
    expect(await read(3, 2)).toEqual({ rows: feedOf(3, 2), full: false });
    expect(await read(PAGE - 1, 2)).toEqual({ rows: feedOf(PAGE - 1), full: true });
    expect(await read(PAGE, 1)).toEqual({ rows: feedOf(PAGE, 1), full: false });
  });

  it('holds all that one event gave rise to, however much: a new group of a thousand', async () => {
    expect(await read(2 * PAGE, 1)).toEqual({ rows: feedOf(2 * PAGE, 1), full: false });
    expect((await read(4 * PAGE + 5, 1)).rows).toEqual(feedOf(4 * PAGE + 5, 1));
  });
});
