/**
 * The log: the one place where facts are kept. Small enough for Postgres, KurrentDB and memory to honour alike (architecture §2).
 * Adapters deal in stored JSON; `contracts/src/events` gives it types, `infra/src/event-store` joins the two.
 */
import type { EventId, Id, StreamId } from '../ids.ts';
import type { Timestamp } from '../time.ts';

/** Opaque, fixed-width, sorts as text within one shard; `START` comes before every event. */
export type Position = Id<'Position'>;
export const START = '0000000000000000' as Position;

/** What the stream must look like for the append to be taken; revisions count from 0. */
export type Expected = 'any' | 'none' | 'exists' | { readonly revision: number };

export interface NewEvent {
  readonly id: EventId;
  readonly type: string;
  readonly version: number;
  /** JSON, at most `MAX_EVENT_BYTES` when encoded as UTF-8. */
  readonly data: JsonObject;
  readonly meta: EventMeta;
}

/** Facts about how an event came to be; never personal, never needed to rebuild state. */
export interface EventMeta {
  /** W3C trace id (32 hex digits) of the request or SMTP session that caused it. */
  readonly traceId?: string;
  readonly commandId?: string;
  readonly causationId?: string;
}

export interface LoggedEvent extends NewEvent {
  readonly shard: number;
  readonly position: Position;
  readonly stream: StreamId;
  readonly revision: number;
  /** Never goes back within a shard. */
  readonly recordedAt: Timestamp;
}

export type AppendResult =
  | { readonly type: 'appended'; readonly revision: number; readonly position: Position; readonly recordedAt: Timestamp }
  /** The very same events (by id) already stand where they would have been written: a retry after a lost answer. */
  | { readonly type: 'duplicate'; readonly revision: number; readonly position: Position; readonly recordedAt: Timestamp }
  /** `current` is the stream's last revision, null when it does not exist. */
  | { readonly type: 'conflict'; readonly current: number | null };

export interface LogPage {
  readonly events: readonly LoggedEvent[];
  /** Where to read on: the last position examined, which filters may put past the last event given. */
  readonly next: Position;
  /** True when nothing stood behind `next` as this page was read. */
  readonly atHead: boolean;
}

export interface ReadFilter {
  readonly types?: readonly string[];
  /** `meta` may come empty: nothing is rebuilt from it, and a replay that reads it does so a million times. */
  readonly withoutMeta?: boolean;
}

export const MAX_EVENT_BYTES = 256 * 1024;
export const MAX_APPEND_EVENTS = 500;

export interface EventLog {
  /** Shard numbers, from 0. */
  readonly shards: readonly number[];
  /**
   * All of `events` or none, at the end of `stream`.
   * @throws EventTooLarge, Overloaded (nothing was written, try later), LogUnavailable (see its `outcome`)
   */
  append(stream: StreamId, expected: Expected, events: readonly NewEvent[], options?: AppendOptions): Promise<AppendResult>;
  /** Up to `limit` events of one stream from revision `from` (inclusive), in order; empty when there are none. */
  readStream(stream: StreamId, from: number, limit: number): Promise<readonly LoggedEvent[]>;
  /**
   * The last revision of each of these streams, those without events left out: one look for all who remember a state. Adapters that would
   * have to look at each one by itself do without.
   */
  readonly revisions?: (streams: readonly StreamId[]) => Promise<ReadonlyMap<StreamId, number>>;
  /** Up to `limit` events of a shard behind `after`, in order; never skips one that will appear later. */
  readAll(shard: number, after: Position, limit: number, filter?: ReadFilter): Promise<LogPage>;
  /** The events at these positions of a shard, in order; those that are not there are left out. For a few hundred at a time. */
  readAt(shard: number, positions: readonly Position[]): Promise<readonly LoggedEvent[]>;
  /** Position of the shard's last event, or `START`. */
  head(shard: number): Promise<Position>;
  /** Pages for ever, waiting at the head; ends when `signal` aborts. Survives outages of the store by itself. */
  tail(shard: number, after: Position, options: TailOptions): AsyncIterable<LogPage>;
  /** Events from `from` to `to` when positions are dense, else null (KurrentDB). */
  distance(from: Position, to: Position): number | null;
  /**
   * Told, as soon as this process hears of it, how far a shard reaches by appends of others, and of what types those were (absent: any). Hints: they may
   * be lost or wrong. Adapters that hear of nothing do without. Returns the function that ends it.
   */
  readonly onGrown?: (listener: GrowthListener) => () => void;
  close(): Promise<void>;
}

export interface AppendOptions {
  /** Nobody waits for it as it happens: it may wait a moment for others to travel with, where travelling together is cheaper. */
  readonly patient?: boolean;
}

export type GrowthListener = (shard: number, position: Position, types?: readonly string[]) => void;

export interface TailOptions {
  readonly limit: number;
  readonly filter?: ReadFilter;
  readonly signal: AbortSignal;
}

export type JsonValue = string | number | boolean | null | readonly JsonValue[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: JsonValue;
}

export class EventTooLarge extends Error {
  override readonly name = 'EventTooLarge';
  readonly bytes: number;
  constructor(bytes: number) {
    super(`an event of ${bytes} bytes is over the limit of ${MAX_EVENT_BYTES}; put bodies in blobs`);
    this.bytes = bytes;
  }
}

export class Overloaded extends Error {
  override readonly name = 'Overloaded';
  constructor(why = 'the append queue is full') {
    super(`${why}; nothing was written`);
  }
}

/** This is not the log in use, or not yet: its events are elsewhere. The message says where, and what to do. */
export class LogNotInUse extends Error {
  override readonly name = 'LogNotInUse';
}

/** `not-applied`: surely nothing was written. `unknown`: the answer was lost; retry with the same event ids to learn. */
export class LogUnavailable extends Error {
  override readonly name = 'LogUnavailable';
  readonly outcome: 'not-applied' | 'unknown';
  constructor(outcome: 'not-applied' | 'unknown', cause: unknown) {
    super(`the event log is not reachable (${outcome === 'unknown' ? 'outcome unknown' : 'nothing was written'})`, { cause });
    this.outcome = outcome;
  }
}
