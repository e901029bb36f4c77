/** An event of the log as a message of Kafka, and back. What is sealed stays sealed. */
import * as t from 'io-ts';
import * as E from 'fp-ts/lib/Either.js';
import { decode } from '@tidings/contracts/codec';
import type { EventId, StreamId } from '@tidings/contracts/ids';
import type { JsonObject, LoggedEvent, Position } from '@tidings/contracts/ports/event-log';
import { Timestamp } from '@tidings/contracts/time';
import type { KafkaRecord } from './producer.ts';

/** In the order of its shard, `previous` is where the event before it stands: whoever is there lacks nothing. */
export interface Relayed {
  readonly event: LoggedEvent;
  readonly previous: Position;
}

const Message = t.readonly(
  t.type({
    id: t.string,
    type: t.string,
    version: t.number,
    stream: t.string,
    revision: t.number,
    shard: t.number,
    position: t.string,
    previous: t.string,
    recordedAt: Timestamp,
    meta: t.UnknownRecord,
    data: t.UnknownRecord,
  }),
);

/**
 * Streams of one room, mailbox or thread share a key, and so a partition, where their order holds: `message-<room>.<message>` goes where
 * `room-<room>` goes, as in a shard of the log.
 */
export const keyOf = (stream: StreamId): string => {
  const from = stream.indexOf('-') + 1;
  const dot = stream.indexOf('.', from);
  return stream.slice(from, dot === -1 ? stream.length : dot);
};

export const recordFor = ({ event, previous }: Relayed): KafkaRecord => ({
  key: keyOf(event.stream),
  value: JSON.stringify({ ...event, previous }),
  headers: { type: event.type },
});

/** @returns null for what is no event of ours */
export const relayedIn = (value: Buffer | null): Relayed | null => {
  const message = decode(Message, jsonOf(value));
  if (E.isLeft(message)) return null;
  const { previous, id, stream, position, data, ...rest } = message.right;
  return {
    previous: previous as Position, // written by the relay from a log's own
    event: {
      ...rest,
      id: id as EventId,
      stream: stream as StreamId,
      position: position as Position,
      data: data as JsonObject, // JSON that was parsed just now
    },
  };
};

const jsonOf = (value: Buffer | null): unknown => {
  try {
    return JSON.parse(value?.toString() ?? '');
  } catch {
    return null; // the codec says what it is not
  }
};
