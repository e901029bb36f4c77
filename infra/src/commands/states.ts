/** States folded from streams, the recently used ones kept with the revision they stand for. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Decider } from '@tidings/contracts/decider';
import type { Recorded, TidingsEvent } from '@tidings/contracts/events/index';
import type { CommandId, StreamId } from '@tidings/contracts/ids';
import { type Position, START } from '@tidings/contracts/ports/event-log';
import { atMost } from '../cache/at-most.ts';
import { LRUCache } from 'lru-cache';
import type { EventStore } from '../event-store/event-store.ts';
import type { Outcome } from './commands.ts';

export interface Loaded<State> {
  readonly state: State;
  /** -1 for a stream without events. */
  readonly revision: number;
  readonly position: Position;
  /** When it was last known to be the newest. */
  readonly checkedAt: number;
}

/** What of a decider folding needs. */
type Folding<State, Event extends TidingsEvent> = Pick<Decider<State, never, Event, never>, 'initial' | 'evolve'>;

export interface States {
  cached<State, Event extends TidingsEvent>(folding: Folding<State, Event>, stream: StreamId): Loaded<State> | null;
  /** The state of a stream taken to be empty. */
  unread<State, Event extends TidingsEvent>(folding: Folding<State, Event>): Loaded<State>;
  /** At most `maxAgeMs` behind the log; overlapping reads of one stream share one. */
  recent<State, Event extends TidingsEvent>(folding: Folding<State, Event>, stream: StreamId, maxAgeMs: number): Promise<Loaded<State>>;
  /** Folds what the log holds after `from`, now. */
  refresh<State, Event extends TidingsEvent>(folding: Folding<State, Event>, stream: StreamId, from: Loaded<State>): Promise<Loaded<State>>;
  /** Folds the whole stream and says what a command has already added to it, if anything. */
  readFor<State, Event extends TidingsEvent>(
    folding: Folding<State, Event>,
    stream: StreamId,
    command: CommandId,
  ): Promise<{ readonly loaded: Loaded<State>; readonly applied: Outcome<State, Event> | null }>;
  /** After an append of one's own. */
  keep<State, Event extends TidingsEvent>(folding: Folding<State, Event>, stream: StreamId, loaded: Omit<Loaded<State>, 'checkedAt'>): void;
  /** The event that follows what is known; or the first one of a stream. Others tell nothing. */
  learn<State, Event extends TidingsEvent>(folding: Folding<State, Event>, stream: StreamId, event: Recorded<Event>): void;
  forget(stream: StreamId): void;
}

export const createStates = (store: EventStore, options: { readonly cacheSize: number; readonly now: () => number }): States => {
  const { cacheSize, now } = options;
  const cache = new LRUCache<StreamId, { readonly folding: object; readonly loaded: Loaded<unknown> }>(atMost(cacheSize));
  const reading = new Map<StreamId, { readonly folding: object; readonly result: Promise<Loaded<unknown>> }>();

  // Entries are only handed to the decider that made them, so `State` is that decider's own; hence the casts below.
  const cached: States['cached'] = <State>(folding: object, stream: StreamId) => {
    const entry = cache.get(stream);
    return entry?.folding === folding ? (entry.loaded as Loaded<State>) : null;
  };

  /** Never replaces a newer state by an older one: reads and appends of one stream may overlap. Gives the newer one. */
  const keep = <State>(folding: object, stream: StreamId, loaded: Loaded<State>): Loaded<State> => {
    const entry = cache.get(stream);
    if (entry?.folding === folding && entry.loaded.revision > loaded.revision) return entry.loaded as Loaded<State>;
    cache.set(stream, { folding, loaded });
    return loaded;
  };

  const fold = <State, Event extends TidingsEvent>(
    { evolve }: Folding<State, Event>,
    from: Loaded<State>,
    events: readonly Recorded[],
    checkedAt: number,
  ): Loaded<State> => {
    const last = events.at(-1);
    return {
      // A stream holds its own decider's events, and `evolve` ignores those it does not know.
      state: events.reduce((state, event) => evolve(state, event as unknown as Event), from.state),
      revision: last?.revision ?? from.revision,
      position: last?.position ?? from.position,
      checkedAt,
    };
  };

  const unread: States['unread'] = ({ initial }) => ({
    state: initial,
    revision: -1,
    position: START,
    checkedAt: Number.NEGATIVE_INFINITY,
  });

  const refresh: States['refresh'] = async (folding, stream, from) => {
    const asked = now();
    const events = await store.readStream(stream, from.revision + 1);
    return keep(folding, stream, fold(folding, from, events, asked));
  };

  /** Streams asked about since the last sweep. */
  const used = new Set<StreamId>();
  let sweeping: Promise<void> | null = null;

  /** One look at the log for all states in use that are getting old: those that still stand are as good as read. */
  const sweep = async (revisions: NonNullable<EventStore['revisions']>, maxAgeMs: number): Promise<void> => {
    await nextTurn(); // with all that are asked about in this one
    const asked = now();
    const due = [...used].flatMap((stream) => {
      const entry = cache.peek(stream);
      return entry !== undefined && asked - entry.loaded.checkedAt > maxAgeMs / 2 ? [{ stream, entry }] : [];
    });
    used.clear();
    const found = await revisions(due.map(({ stream }) => stream));
    for (const { stream, entry } of due) {
      const stands = (found.get(stream) ?? -1) === entry.loaded.revision && cache.peek(stream) === entry;
      if (stands) cache.set(stream, { ...entry, loaded: { ...entry.loaded, checkedAt: asked } });
    }
  };

  const recent: States['recent'] = async <State, Event extends TidingsEvent>(
    folding: Folding<State, Event>,
    stream: StreamId,
    maxAgeMs: number,
  ) => {
    used.add(stream);
    let known = cached(folding, stream);
    if (known !== null && now() - known.checkedAt <= maxAgeMs) return known;
    if (known !== null && store.revisions !== undefined) {
      sweeping ??= sweep(store.revisions, maxAgeMs).finally(() => {
        sweeping = null;
      });
      await sweeping;
      known = cached(folding, stream);
      if (known !== null && now() - known.checkedAt <= maxAgeMs) return known;
    }
    const running = reading.get(stream);
    if (running?.folding === folding) return running.result as Promise<Loaded<State>>;
    const result = refresh(folding, stream, known ?? unread(folding)).finally(() => reading.delete(stream));
    reading.set(stream, { folding, result });
    return result;
  };

  return {
    cached,
    unread,
    recent,
    refresh,
    readFor: async <State, Event extends TidingsEvent>(folding: Folding<State, Event>, stream: StreamId, command: CommandId) => {
      const asked = now();
      const events = await store.readStream(stream);
      const loaded = keep(folding, stream, fold(folding, unread(folding), events, asked));
      const own = events.filter(({ meta }) => meta.commandId === command);
      const last = own.at(-1);
      if (last === undefined) return { loaded, applied: null };
      const { state } = fold(folding, unread(folding), events.slice(0, last.revision + 1), asked);
      const { revision, position, recordedAt } = last;
      return { loaded, applied: { state, events: own as unknown as readonly Event[], revision, position, recordedAt } };
    },
    keep: (folding, stream, loaded) => {
      keep(folding, stream, { ...loaded, checkedAt: now() });
    },
    learn: (folding, stream, event) => {
      const known = cached(folding, stream) ?? unread(folding);
      if (event.revision === known.revision + 1) keep(folding, stream, fold(folding, known, [event], now()));
    },
    forget: (stream) => {
      cache.delete(stream);
    },
  };
};
