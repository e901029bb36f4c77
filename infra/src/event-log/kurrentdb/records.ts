/** Our events as records of KurrentDB, and back. What of an event has no field there stands in the record's metadata. */
import * as t from 'io-ts';
import { either as E } from 'fp-ts';
import { jsonEvent, type ResolvedEvent } from '@eventstore/db-client';
import { decode } from '@tidings/contracts/codec';
import type { EventId, StreamId } from '@tidings/contracts/ids';
import type { JsonObject, LoggedEvent, NewEvent } from '@tidings/contracts/ports/event-log';
import { timestamp } from '@tidings/contracts/time';
import { textOf } from './positions.ts';

/** `append` tells one call from another that carries the same events: KurrentDB answers both alike. */
const Metadata = t.type({ version: t.number, append: t.string, meta: t.UnknownRecord });

export interface Recorded {
  readonly event: LoggedEvent;
  readonly append: string;
}

export const recordOf = ({ id, type, version, data, meta }: NewEvent, append: string): ReturnType<typeof jsonEvent> =>
  jsonEvent({ id, type, data, metadata: { version, append, meta } });

/** @returns null for what KurrentDB keeps for itself: statistics, links, metadata of streams. @throws for a record of somebody else's */
export const recordedIn = ({ event }: ResolvedEvent): Recorded | null => {
  if (event === undefined || event.type.startsWith('$') || event.streamId.startsWith('$')) return null;
  const metadata = decode(Metadata, event.metadata);
  if (E.isLeft(metadata) || event.position === undefined || !event.isJson)
    throw new Error(`event ${event.revision} of stream ${event.streamId} was not written by Tidings: it needs a KurrentDB of its own`);
  return {
    append: metadata.right.append,
    event: {
      id: event.id as EventId, // ids of ours are all that is written
      type: event.type,
      version: metadata.right.version,
      data: event.data as unknown as JsonObject, // JSON that the client parsed
      meta: metadata.right.meta,
      shard: 0,
      position: textOf(event.position),
      stream: event.streamId as StreamId,
      revision: Number(event.revision),
      recordedAt: timestamp(event.created.getTime()),
    },
  };
};
