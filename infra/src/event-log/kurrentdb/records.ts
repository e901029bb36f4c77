/** Our events as records of KurrentDB, and back. What of an event has no field there stands in the record's metadata. */
import * as t from 'io-ts';
import * as E from 'fp-ts/lib/Either.js';
import { jsonEvent, type ResolvedEvent } from '@eventstore/db-client';
import { decode } from '@tidings/contracts/codec';
import type { EventId, StreamId } from '@tidings/contracts/ids';
import type { JsonObject, LoggedEvent, NewEvent, Position } from '@tidings/contracts/ports/event-log';
import { Timestamp, timestamp } from '@tidings/contracts/time';
import type { AllPosition } from './positions.ts';

/** `append` tells one call from another that carries the same events: KurrentDB answers both alike. What was copied from another log keeps its place and time. */
const Metadata = t.intersection([
  t.type({ version: t.number, append: t.string, meta: t.UnknownRecord }),
  t.partial({ copied: t.type({ position: t.string, recordedAt: Timestamp }) }),
]);

/** Streams of the adapter itself begin like this; no stream of events does (limits.ts). */
export const OWN_STREAMS = 'tidings.';

export interface Recorded {
  readonly event: Omit<LoggedEvent, 'position'>;
  readonly append: string;
  /** Where KurrentDB keeps it. */
  readonly at: AllPosition;
  /** Of an event that was copied: its position in the log that it comes from. */
  readonly position: Position | null;
}

export const recordOf = ({ id, type, version, data, meta }: NewEvent, append: string): ReturnType<typeof jsonEvent> =>
  jsonEvent({ id, type, data, metadata: { version, append, meta } });

/** Whoever appends it again finds a duplicate: no append of ours is called so. */
const COPIED = 'copied';

export const copyOf = ({ id, type, version, data, meta, position, recordedAt }: LoggedEvent): ReturnType<typeof jsonEvent> =>
  jsonEvent({ id, type, data, metadata: { version, append: COPIED, meta, copied: { position, recordedAt } } });

/** @returns null for what KurrentDB and this adapter keep for themselves. @throws for a record of somebody else's */
export const recordedIn = ({ event }: ResolvedEvent): Recorded | null => {
  if (event === undefined || event.type.startsWith('$') || event.streamId.startsWith('$') || event.streamId.startsWith(OWN_STREAMS))
    return null;
  const metadata = decode(Metadata, event.metadata);
  if (E.isLeft(metadata) || event.position === undefined || !event.isJson)
    throw new Error(`event ${event.revision} of stream ${event.streamId} was not written by Tidings: it needs a KurrentDB of its own`);
  const { version, append, meta, copied } = metadata.right;
  return {
    append,
    at: event.position,
    position: (copied?.position ?? null) as Position | null, // we wrote it
    event: {
      id: event.id as EventId, // ids of ours are all that is written
      type: event.type,
      version,
      data: event.data as unknown as JsonObject, // JSON that the client parsed
      meta,
      shard: 0,
      stream: event.streamId as StreamId,
      revision: Number(event.revision),
      recordedAt: copied?.recordedAt ?? timestamp(event.created.getTime()),
    },
  };
};
