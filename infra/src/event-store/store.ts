/** `EventStore` over any log and any keys. */
import { definitionOf, type Recorded, type TidingsEvent } from '@tidings/contracts/events/index';
import { eventIdOf, type StreamId, type SubjectId } from '@tidings/contracts/ids';
import {
  type EventLog,
  type EventMeta,
  type JsonObject,
  type LoggedEvent,
  LogUnavailable,
  type NewEvent,
} from '@tidings/contracts/ports/event-log';
import type { SubjectKeys } from '@tidings/contracts/ports/subject-keys';
import * as E from 'fp-ts/lib/Either.js';
import { decodeData } from './decoding.ts';
import type { CommandContext, EventStore, OpenedPage } from './event-store.ts';
import { addSubjectsToOpen, isBoxed, open, seal, subjectsToSeal, type Keys } from './sealing.ts';

/** Streams are read in pages of this many events. */
const STREAM_PAGE = 500;

/** Somebody emitted what its own codec refuses: a bug on our side, and the log must not keep it. */
export class InvalidEvent extends Error {
  override readonly name = 'InvalidEvent';
}
/** A stream holds what this version of the code cannot read; deciding without it would be guessing. */
export class UnreadableStream extends Error {
  override readonly name = 'UnreadableStream';
}

export const createEventStore = (log: EventLog, keys: SubjectKeys): EventStore => {
  const listeners = new Set<(event: Recorded) => void>();
  const shard = log.shards.length === 1 ? log.shards[0] : undefined; // an append does not say which of several it went to

  const openPage = async (events: readonly LoggedEvent[]): Promise<OpenedPage> => {
    const subjects = new Set<SubjectId>();
    for (const { data } of events) addSubjectsToOpen(subjects, data);
    const found = await fetchKeys([...subjects], (wanted) => keys.find(wanted));
    const opened: Recorded[] = [];
    const faults: { event: LoggedEvent; reason: string }[] = [];
    let unknown = 0;
    for (const event of events) {
      const read = readEvent(event, found);
      if (read === null) unknown += 1;
      else if (E.isRight(read)) opened.push(read.right);
      else faults.push({ event, reason: read.left });
    }
    return { events: opened, unknown, faults };
  };

  return {
    append: async (stream, expected, events, context) => {
      const encoded = events.map(encode);
      const subjects = [...new Set(encoded.flatMap(({ definition, data }) => subjectsToSeal(definition.personal, data)))];
      const obtained = await fetchKeys(subjects, (wanted) => keys.obtain(wanted));
      const meta = metaOf(context);
      const sealed = encoded.map(({ definition, data }, index): NewEvent => {
        const id = eventIdOf(context.commandId, index);
        return {
          id,
          type: definition.type,
          version: definition.version,
          data: seal(definition.personal, data, { stream, id }, obtained),
          meta,
        };
      });
      const result = await log.append(stream, expected, sealed, context.patient === true ? { patient: true } : undefined);
      const [only] = encoded;
      // With a destroyed key among them, readers get less than was given here.
      const whole = subjects.every((subject) => (obtained.get(subject) ?? null) !== null);
      if (listeners.size > 0 && result.type === 'appended' && encoded.length === 1 && only !== undefined && whole && shard !== undefined) {
        const { position, revision, recordedAt } = result;
        const id = sealed[0]?.id;
        // What `readEvent` gives: the codec's own output under its definition's type.
        const event = { type: only.definition.type, data: only.typed, shard, position, stream, revision, id, meta, recordedAt } as Recorded;
        for (const listener of listeners) listener(event);
      }
      return result;
    },

    ...(log.revisions === undefined ? {} : { revisions: log.revisions }),

    onAppended: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },

    readStream: async (stream, from = 0) => {
      const all: Recorded[] = [];
      for (let next = from; ; next += STREAM_PAGE) {
        const logged = await log.readStream(stream, next, STREAM_PAGE);
        const page = await openPage(logged);
        assertReadable(stream, page);
        all.push(...page.events);
        if (logged.length < STREAM_PAGE) return all;
      }
    },

    open: openPage,
  };
};

/** Without its keys the log can neither be written nor read, and to callers that is one and the same outage. */
const fetchKeys = async (subjects: readonly SubjectId[], fetch: (subjects: readonly SubjectId[]) => Promise<Keys>): Promise<Keys> => {
  if (subjects.length === 0) return new Map();
  try {
    return await fetch(subjects);
  } catch (cause) {
    throw new LogUnavailable('not-applied', cause);
  }
};

/** Null: a type or version that only a newer node knows. Left: why it cannot be read. */
const readEvent = (event: LoggedEvent, keys: Keys): E.Either<string, Recorded> | null => {
  const definition = definitionOf(event.type);
  if (definition === undefined || event.version > definition.version) return null;
  let opened: JsonObject;
  try {
    opened = open(event.data, event, keys);
  } catch (error) {
    return E.left(error instanceof Error ? error.message : String(error));
  }
  const data = decodeData(definition, event.version, opened, isBoxed(definition.personal, event.data));
  if (E.isLeft(data)) return data;
  const { type, shard, position, stream, revision, id, meta, recordedAt } = event;
  // The definition's codec has just accepted `data` for this `type`; the compiler cannot follow the look-up by name.
  return E.right({ type, data: data.right, shard, position, stream, revision, id, meta, recordedAt } as Recorded);
};

const encode = (event: TidingsEvent) => {
  const definition = definitionOf(event.type);
  if (definition === undefined) throw new InvalidEvent(`there is no event type ${event.type}`);
  const checked = decodeData(definition, definition.version, event.data as unknown as JsonObject); // typed data is JSON-shaped
  if (E.isLeft(checked)) throw new InvalidEvent(`${event.type} does not match its codec: ${checked.left}`);
  return { definition, typed: checked.right, data: definition.data.encode(checked.right) as JsonObject };
};

const metaOf = ({ commandId, traceId, causationId }: CommandContext): EventMeta => ({
  commandId,
  ...(traceId !== undefined && { traceId }),
  ...(causationId !== undefined && { causationId }),
});

const assertReadable = (stream: StreamId, page: OpenedPage): void => {
  const [fault] = page.faults;
  if (fault !== undefined) throw new UnreadableStream(`event ${fault.event.revision} of ${stream} cannot be read: ${fault.reason}`);
  if (page.unknown > 0) throw new UnreadableStream(`${stream} holds events of a newer version of Tidings`);
};
