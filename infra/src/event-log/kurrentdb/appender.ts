/**
 * Appends to KurrentDB. Every append names the exact revision it goes behind, also where its caller does not mind: then the same ids sent again are
 * recognised by the server at their very places, so that an append whose answer was lost is sent again until it is known what became of it.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { type EventStoreDBClient, StreamDeletedError, WrongExpectedVersionError } from '@eventstore/db-client';
import type { StreamId } from '@tidings/contracts/ids';
import {
  type AppendResult,
  type Expected,
  LogNotInUse,
  LogUnavailable,
  type NewEvent,
  Overloaded,
} from '@tidings/contracts/ports/event-log';
import type { Markers } from './markers.ts';
import type { Places } from './places.ts';
import { recordedIn, recordOf } from './records.ts';
import { mayPass, readStreamPage, within } from './session.ts';

export interface AppenderOptions {
  readonly client: EventStoreDBClient;
  readonly markers: Markers;
  readonly places: Places;
  readonly queueLimit: number;
  /** For one try, and for all of them together. */
  readonly tryMs: number;
  readonly deadlineMs: number;
}

/** @throws Overloaded while the log is held, LogUnavailable when it is not the one in use @param isSent tried before, without an answer */
const refuseWhenClosed = (markers: Markers, isSent: boolean): void => {
  if (markers.state === 'open' && !markers.isHeld()) return;
  if (markers.state === 'open' && !isSent) throw new Overloaded('the log is being moved');
  throw new LogUnavailable(isSent ? 'unknown' : 'not-applied', notInUse(markers));
};

const notInUse = ({ movedTo }: Markers): LogNotInUse => new LogNotInUse(`the log was moved${movedTo === null ? '' : ` to ${movedTo}`}`);

export type Append = (stream: StreamId, expected: Expected, events: readonly NewEvent[]) => Promise<AppendResult>;

const PAUSE_MS = { first: 20, most: 1_000 } as const;
const NONE = -1;

export const createAppender = ({ client, markers, places, queueLimit, tryMs, deadlineMs }: AppenderOptions): Append => {
  /** The last append of each stream that is under way: the next one waits for it. */
  const lanes = new Map<StreamId, Promise<unknown>>();
  let underWay = 0;

  /** The last revision of a stream, or `NONE`. */
  const lastOf = async (stream: StreamId): Promise<number> => {
    const [last] = await readStreamPage(client, stream, { from: 'end', limit: 1, ms: tryMs });
    return last?.event === undefined ? NONE : Number(last.event.revision);
  };

  /** What stands behind `revision`: our events by this append, by another one, or something else. */
  const judged = async (stream: StreamId, revision: number, events: readonly NewEvent[], append: string): Promise<AppendResult> => {
    const [page] = await Promise.all([
      readStreamPage(client, stream, { from: revision + 1, limit: events.length, ms: tryMs }),
      // Whether it was still the log in use when they came to stand there: no marker that comes later is before them.
      markers.refresh(),
    ]);
    const there = page.flatMap((resolved) => recordedIn(resolved) ?? []);
    const last = there.at(-1);
    if (last === undefined || !events.every(({ id }, at) => there[at]?.event.id === id)) {
      const current = await lastOf(stream);
      return { type: 'conflict', current: current === NONE ? null : current };
    }
    const logged = places.logged(last);
    if (logged === null) throw new LogUnavailable('not-applied', notInUse(markers));
    const { revision: at, position, recordedAt } = logged;
    return { type: last.append === append ? 'appended' : 'duplicate', revision: at, position, recordedAt };
  };

  const send = async (stream: StreamId, revision: number, events: readonly NewEvent[], append: string): Promise<AppendResult> => {
    try {
      const sent = client.appendToStream(
        stream,
        events.map((event) => recordOf(event, append)),
        { expectedRevision: revision === NONE ? 'no_stream' : BigInt(revision), deadline: tryMs },
      );
      sent.catch(() => undefined); // may come after we gave up on it
      await within(tryMs, sent);
    } catch (error) {
      if (!(error instanceof WrongExpectedVersionError)) throw error;
    }
    // The server answers alike whether it wrote them now or had them: who wrote them stands beside them.
    return judged(stream, revision, events, append);
  };

  const settle: Append = async (stream, expected, events) => {
    const append = randomUUID();
    const deadline = performance.now() + deadlineMs;
    let isSent = false;
    let behind: number | null = expected === 'none' ? NONE : typeof expected === 'object' ? expected.revision : null;
    for (let pause: number = PAUSE_MS.first; ;) {
      try {
        if (behind === null) {
          behind = await lastOf(stream);
          if (behind === NONE && expected === 'exists') return { type: 'conflict', current: null };
        }
        refuseWhenClosed(markers, isSent);
        isSent = true;
        const result = await send(stream, behind, events, append);
        if (result.type !== 'conflict' || (expected !== 'any' && expected !== 'exists')) return result;
        // Somebody else was faster, and nothing of ours can come to stand there any more.
        behind = null;
      } catch (error) {
        if (error instanceof StreamDeletedError || !mayPass(error)) throw error;
        if (performance.now() + pause > deadline) throw new LogUnavailable('unknown', error);
        await delay(pause * (0.5 + Math.random() / 2));
        pause = Math.min(pause * 2, PAUSE_MS.most);
      }
    }
  };

  return async (stream, expected, events) => {
    if (underWay >= queueLimit) throw new Overloaded();
    underWay += 1;
    const mine = (lanes.get(stream) ?? Promise.resolve()).then(() => settle(stream, expected, events));
    const done = mine.catch(() => undefined); // its caller is told; the next in the lane goes on
    lanes.set(stream, done);
    try {
      return await mine;
    } finally {
      underWay -= 1;
      if (lanes.get(stream) === done) lanes.delete(stream);
    }
  };
};
