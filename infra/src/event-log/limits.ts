/** What every adapter refuses at the door, before anything is queued. */
import type { StreamId } from '@tidings/contracts/ids';
import { EventTooLarge, MAX_APPEND_EVENTS, MAX_EVENT_BYTES, type NewEvent } from '@tidings/contracts/ports/event-log';
import { validate } from 'uuid';

/** Names are kept plain, so that no adapter ever has to escape them. */
const STREAM = /^[a-z][a-z0-9]*-[A-Za-z0-9_.@+-]{1,200}$/;
const TYPE = /^[A-Za-z][A-Za-z0-9]{0,79}$/;

export interface Encoded {
  readonly data: string;
  readonly meta: string;
}

/**
 * The events' JSON, one pair per event.
 * @throws EventTooLarge; RangeError for a malformed name or id, no events or more than `MAX_APPEND_EVENTS` (bugs of the caller)
 */
export const admit = (stream: StreamId, events: readonly NewEvent[]): readonly Encoded[] => {
  if (!STREAM.test(stream)) throw new RangeError(`"${stream}" is not a stream id`);
  if (events.length === 0) throw new RangeError('an append needs at least one event');
  if (events.length > MAX_APPEND_EVENTS) throw new RangeError(`an append takes at most ${MAX_APPEND_EVENTS} events`);
  return events.map((event) => {
    if (!TYPE.test(event.type)) throw new RangeError(`"${event.type}" is not an event type`);
    if (!validate(event.id)) throw new RangeError(`"${event.id}" is not an event id`);
    const data = JSON.stringify(event.data);
    const bytes = Buffer.byteLength(data);
    if (bytes > MAX_EVENT_BYTES) throw new EventTooLarge(bytes);
    return { data, meta: JSON.stringify(event.meta) };
  });
};
