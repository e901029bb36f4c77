/** The load–decide–append loop, once (architecture §3): decide on the cached state, append at that revision, reload on conflict. */
import type { Decider } from '@tidings/contracts/decider';
import type { Recorded, TidingsEvent } from '@tidings/contracts/events/index';
import type { Position } from '@tidings/contracts/ports/event-log';
import type { Timestamp } from '@tidings/contracts/time';
import type { Either } from 'fp-ts/lib/Either.js';
import type { CommandContext } from '../event-store/event-store.ts';

export interface Outcome<State, Event> {
  /** After the events. */
  readonly state: State;
  /** What this command added; empty when it changed nothing. */
  readonly events: readonly Event[];
  readonly revision: number;
  /** Of the stream's last event as far as known; `START` for a stream without events. Readers wait for it. */
  readonly position: Position;
  /** Of the last event added; null when none was. */
  readonly recordedAt: Timestamp | null;
}

export interface Commands {
  /**
   * @param key the stream id's part after the category
   * @throws Overloaded, LogUnavailable, TooManyConflicts
   */
  transact<State, Command, Event extends TidingsEvent, Rejection extends { readonly type: string }>(
    decider: Decider<State, Command, Event, Rejection>,
    key: string,
    command: Command,
    context: CommandContext,
  ): Promise<Either<Rejection, Outcome<State, Event>>>;

  /**
   * The state of a stream for a decision about another one (membership for a message). At most `maxAgeMs` (default `FRESH_FOR_MS`) behind writes
   * of other nodes, never behind this one's. Whoever appends to the stream next may take an older one: the append finds out.
   */
  load<State, Command, Event extends TidingsEvent, Rejection extends { readonly type: string }>(
    decider: Decider<State, Command, Event, Rejection>,
    key: string,
    maxAgeMs?: number,
  ): Promise<{ readonly state: State; readonly revision: number; readonly position: Position }>;

  /** For who follows the log and is at its head: this event was just read there, so the stream need not be read for it. */
  learn<State, Command, Event extends TidingsEvent, Rejection extends { readonly type: string }>(
    decider: Decider<State, Command, Event, Rejection>,
    key: string,
    event: Recorded<Event>,
  ): void;
}
