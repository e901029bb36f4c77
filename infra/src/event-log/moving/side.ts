/** One end of a move of the log: what the mover asks of either adapter beside reading (docs/decisions/058). */
import type { EventLog, LoggedEvent, LogPage, Position } from '@tidings/contracts/ports/event-log';
import type { LogPlace } from '../open.ts';

/** `receiving`: it is written to by a mover alone. `moved`: it was in use, another one is now. Only an `open` one takes appends. */
export type LogState = 'open' | 'receiving' | 'moved';

export interface LogSide {
  readonly name: LogPlace['type'];
  /** Reads whatever the state; takes no appends. */
  readonly log: Pick<EventLog, 'readAll' | 'head' | 'readStream'>;
  state(): Promise<LogState>;

  /** Appends are refused as overloaded for `HOLD_MS` from now on, or until `release`; all nodes know when it resolves. Asked again, it goes on. */
  hold(): Promise<void>;
  release(): Promise<void>;
  /** From a place in its order on, nothing is added; what stands before it is all there is. Asked again, nothing happens. */
  seal(to: LogPlace['type']): Promise<void>;

  /** From now on it is written to by `copy` alone. @throws MoveRefused when it is in use and holds events */
  receive(): Promise<void>;
  /**
   * Writes what is not there yet, in order and durably; positions, ids, revisions and times stay. The events follow what was copied before.
   * @throws MoveRefused for what stands in the way
   */
  copy(events: readonly LoggedEvent[]): Promise<void>;
  /** What was copied, as `readAll` of shard 0, read again from where it is kept. */
  readBack(after: Position, limit: number): Promise<LogPage>;
  /** It is the log in use: after everything was copied, or again after it was sealed. */
  open(): Promise<void>;
  close(): Promise<void>;
}

/** Longer than the tail of a log takes to be copied, shorter than anybody waits. */
export const HOLD_MS = 15_000;

/** The move cannot go on as asked; nothing was lost. The message says why and what helps. */
export class MoveRefused extends Error {
  override readonly name = 'MoveRefused';
}
