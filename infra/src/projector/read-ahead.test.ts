import type { Position } from '@tidings/contracts/ports/event-log';
import { describe, expect, it } from 'vitest';
import { positionOf } from '../event-log/positions.ts';
import { ReadAhead } from './read-ahead.ts';
import type { SourcePage } from './page-source.ts';

const at = positionOf;
const pageTo = (n: number): SourcePage => ({ events: [], faults: [], next: at(n) });
/** All that is under way has a chance to go on. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A log of pages of ten positions; what was read of it, and pages held back until they are given. */
const logOf = (head: number) => {
  const reads: Position[] = [];
  const given: ((page: SourcePage | Error) => void)[] = [];
  const read = (after: Position): Promise<SourcePage> => {
    reads.push(after);
    return new Promise((resolve, reject) => given.push((page) => (page instanceof Error ? reject(page) : resolve(page))));
  };
  return { reads, given, ahead: new ReadAhead(read, (after) => after >= at(head)) };
};

describe('reading ahead', () => {
  it('reads one page ahead of the one taken, and no further', async () => {
    const { reads, given, ahead } = logOf(1_000);
    const first = ahead.take(at(0));
    given[0]?.(pageTo(10));
    expect((await first).next).toBe(at(10));
    expect(reads).toEqual([at(0), at(10)]);
    given[1]?.(pageTo(20));
    await settled();
    expect(reads).toHaveLength(2);
    expect((await ahead.take(at(10))).next).toBe(at(20));
    expect(reads).toEqual([at(0), at(10), at(20)]);
  });

  it('stops where the shared tail takes over, and where nothing moves', async () => {
    const { reads, given, ahead } = logOf(20);
    const first = ahead.take(at(0));
    given[0]?.(pageTo(10));
    await first;
    given[1]?.(pageTo(20));
    await ahead.take(at(10));
    expect(reads).toEqual([at(0), at(10)]);
    const still = logOf(1_000);
    const page = still.ahead.take(at(5));
    still.given[0]?.(pageTo(5));
    await page;
    expect(still.reads).toEqual([at(5)]);
  });

  it('reads anew for who stands elsewhere, and after a failure', async () => {
    const { reads, given, ahead } = logOf(1_000);
    const first = ahead.take(at(0));
    given[0]?.(pageTo(10));
    await first;
    given[1]?.(new Error('no log today'));
    await expect(ahead.take(at(10))).rejects.toThrow('no log today');
    const again = ahead.take(at(10));
    given[2]?.(pageTo(20));
    expect((await again).next).toBe(at(20));
    const elsewhere = ahead.take(at(15));
    expect(reads.at(-1)).toBe(at(15));
    given.at(-1)?.(pageTo(25));
    expect((await elsewhere).next).toBe(at(25));
    ahead.drop();
    await settled();
    expect(reads).toEqual([at(0), at(10), at(10), at(20), at(15), at(25)]);
  });
});
