/**
 * Positions of the log and where KurrentDB keeps them. They are the same in a log that was never moved. Events that were copied from another log keep the
 * positions that they had there; where in `$all` those are is found by landmarks, which the mover writes into a stream in their order (docs/decisions/058).
 */
import * as t from 'io-ts';
import * as E from 'fp-ts/lib/Either.js';
import { type EventStoreDBClient, jsonEvent } from '@eventstore/db-client';
import { decode } from '@tidings/contracts/codec';
import type { StreamId } from '@tidings/contracts/ids';
import { type LoggedEvent, type Position, START } from '@tidings/contracts/ports/event-log';
import { LRUCache } from 'lru-cache';
import { type Markers, spanAt } from './markers.ts';
import { type AllPosition, allPositionOf, BEGIN, isBehind, shifted, textOf } from './positions.ts';
import { OWN_STREAMS, type Recorded } from './records.ts';
import { readStreamPage, within } from './session.ts';

/** The event at `position` stands at `at`. */
interface Landmark {
  readonly position: Position;
  readonly at: AllPosition;
}

export interface Places {
  /** @returns null for what does not count: it was written after the log had been moved away */
  readonly logged: (recorded: Recorded) => LoggedEvent | null;
  /** Of a new event's place, whoever wrote it; null where none count. */
  readonly positionOf: (at: AllPosition) => Position | null;
  /** Where to read on for what stands behind `position`: there or before it, never behind. @throws the client's errors */
  readonly before: (position: Position) => Promise<AllPosition>;
  /** Writes a landmark, unless there is one as far. @throws the client's errors */
  readonly mark: (landmark: Landmark) => Promise<void>;
}

const LANDMARKS = `${OWN_STREAMS}landmarks` as StreamId;
const Written = t.type({ position: t.string, at: t.string });
const REMEMBERED = 1_000;

export const createPlaces = (client: EventStoreDBClient, markers: Markers, tryMs: number): Places => {
  const remembered = new LRUCache<Position, AllPosition>({ max: REMEMBERED });
  const landmarks = new LRUCache<number, Landmark>({ max: REMEMBERED });

  const landmarksFrom = async (from: number | 'end'): Promise<readonly [revision: number, Landmark] | null> => {
    const known = from === 'end' ? undefined : landmarks.get(from);
    if (known !== undefined && from !== 'end') return [from, known];
    const [found] = await readStreamPage(client, LANDMARKS, { from, limit: 1, ms: tryMs });
    if (found?.event === undefined) return null;
    const written = decode(Written, found.event.data);
    if (E.isLeft(written)) throw new Error(`landmark ${found.event.revision} of this log is of a newer version of Tidings`);
    const landmark = { position: written.right.position as Position, at: allPositionOf(written.right.at as Position) }; // we wrote them
    landmarks.set(Number(found.event.revision), landmark);
    return [Number(found.event.revision), landmark];
  };

  /** The last one that is not behind `position`, by halves. */
  const landmarkBefore = async (position: Position): Promise<Landmark | null> => {
    const last = await landmarksFrom('end');
    if (last === null || last[1].position <= position) return last?.[1] ?? null;
    let best: Landmark | null = null;
    let [low, high] = [0, last[0] - 1];
    while (low <= high) {
      const middle = (low + high) >> 1;
      const found = await landmarksFrom(middle);
      if (found !== null && found[1].position <= position) {
        best = found[1];
        low = middle + 1;
      } else high = middle - 1;
    }
    return best;
  };

  const positionOf = (at: AllPosition): Position | null => {
    const span = spanAt(markers.spans, at);
    return span === null ? null : textOf(shifted(at, span.shift));
  };

  return {
    positionOf,
    logged: ({ event, at, position }) => {
      if (position !== null) remembered.set(position, at); // whoever reads on there need not look for it
      const here = position ?? positionOf(at);
      return here === null ? null : { ...event, position: here };
    },
    before: async (position) => {
      if (position === START) return BEGIN;
      const known = remembered.get(position);
      if (known !== undefined) return known;
      const span = markers.spans.findLast(({ base }) => position > base);
      if (span === undefined) return (await landmarkBefore(position))?.at ?? BEGIN;
      if (span.until === null || span.last === null || position <= span.last) return shifted(allPositionOf(position), -span.shift);
      // Behind the end of a part that was moved away: what follows was copied.
      const landmark = await landmarkBefore(position);
      return landmark !== null && isBehind(landmark.at, span.until) ? landmark.at : span.until;
    },
    mark: async ({ position, at }) => {
      const last = await landmarksFrom('end');
      if (last !== null && last[1].position >= position) return;
      const sent = client.appendToStream(LANDMARKS, jsonEvent({ type: 'Landmark', data: { position, at: textOf(at) } }), {
        expectedRevision: last === null ? 'no_stream' : BigInt(last[0]),
        deadline: tryMs,
      });
      sent.catch(() => undefined); // may come after we gave up on it
      await within(tryMs, sent);
    },
  };
};
