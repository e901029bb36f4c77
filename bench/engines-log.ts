/** Load on any event log, through its port. */
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { type EventId, streamId } from '@tidings/contracts/ids';
import type { EventLog, NewEvent, Position } from '@tidings/contracts/ports/event-log';
import { percentile, sortedCopy } from './harness.ts';

const CALLERS = 200;
const PAGE = 1_000;
/** Events a second while somebody follows. */
const EASY_RATE = 100;
const TEXT = 'x'.repeat(380);

const event = (): NewEvent => ({
  id: randomUUID() as EventId,
  type: 'Bench',
  version: 1,
  data: { id: randomUUID(), at: '2026-11-20T18:00:00.000Z', text: TEXT },
  meta: {},
});

/** One event of ~500 bytes to a stream of its own. @returns where it stands */
export const appendOne = async (log: EventLog): Promise<Position> => {
  const result = await log.append(streamId('bench', randomUUID()), 'none', [event()]);
  if (result.type !== 'appended') throw new Error(`append: ${result.type}`);
  return result.position;
};

/** Events a second by many callers at once. */
export const appendFor = async (log: EventLog, seconds: number): Promise<number> => {
  const start = performance.now();
  let appended = 0;
  const caller = async (): Promise<void> => {
    while (performance.now() < start + seconds * 1_000) {
      await appendOne(log);
      appended += 1;
    }
  };
  await Promise.all(Array.from({ length: CALLERS }, caller));
  return appended / ((performance.now() - start) / 1_000);
};

/** Events a second, read page by page and thrown away. */
export const replayFrom = async (log: EventLog, from: Position): Promise<number> => {
  const start = performance.now();
  let read = 0;
  for (let after = from; ;) {
    const page = await log.readAll(0, after, PAGE);
    read += page.events.length;
    after = page.next;
    if (page.atHead) return read / ((performance.now() - start) / 1_000);
  }
};

export interface Followed {
  readonly events: number;
  /** Milliseconds from the call of `append` to the event at who follows. */
  readonly p50: number;
  readonly p99: number;
}

/** @param hears resolves when the event at this position came */
export const followedBy = async (log: EventLog, seconds: number, hears: (position: Position) => Promise<number>): Promise<Followed> => {
  const begun = performance.now();
  const waits: Promise<number>[] = [];
  for (let n = 0; n < seconds * EASY_RATE; n += 1) {
    await delay(Math.max(0, begun + (n * 1_000) / EASY_RATE - performance.now()));
    const called = performance.now();
    waits.push(appendOne(log).then(async (position) => (await hears(position)) - called));
  }
  const sorted = sortedCopy(await Promise.all(waits));
  return { events: sorted.length, p50: percentile(sorted, 0.5), p99: percentile(sorted, 0.99) };
};

/** When each position came, and who waits for it. */
export class Hearing {
  readonly #at = new Map<Position, PromiseWithResolvers<number>>();

  #entry(position: Position): PromiseWithResolvers<number> {
    const entry = this.#at.get(position) ?? Promise.withResolvers<number>();
    this.#at.set(position, entry);
    return entry;
  }

  came(position: Position): void {
    this.#entry(position).resolve(performance.now());
  }

  /** @returns when it came, of `performance.now` */
  readonly when = (position: Position): Promise<number> => this.#entry(position).promise;
}

/** By the log's own tail, in this process. */
export const followAt = async (log: EventLog, seconds: number): Promise<Followed> => {
  const hearing = new Hearing();
  const enough = new AbortController();
  const following = (async (): Promise<void> => {
    for await (const page of log.tail(0, await log.head(0), { limit: PAGE, signal: enough.signal }))
      for (const { position } of page.events) hearing.came(position);
  })();
  try {
    return await followedBy(log, seconds, hearing.when);
  } finally {
    enough.abort();
    await following;
  }
};
