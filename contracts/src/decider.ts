/** The shape of every aggregate in `domain`: what is remembered, and what may happen next (style.md, "The shape of a piece"). */
import type { Either } from 'fp-ts/lib/Either.js';
import type { AnyEvent } from './events/definition.ts';

export interface Decider<State, Command, Event extends AnyEvent, Rejection extends { readonly type: string }> {
  /** First part of the stream id. */
  readonly category: string;
  readonly initial: State;
  /**
   * Set when a stream of this category is normally written once, by the command that makes it (a message, a received mail). Commands then
   * decide on `initial` without reading first, and the log's `append(none)` finds the stream that does exist.
   */
  readonly writtenOnce?: true;
  /** Total: never throws, ignores events it does not know. */
  readonly evolve: (state: State, event: Event) => State;
  /** Pure. The same command run again on the state it led to emits nothing. */
  readonly decide: (command: Command, state: State) => Either<Rejection, readonly Event[]>;
}
