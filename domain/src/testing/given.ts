/**
 * The words in which deciders are specified: `given(...events).when(command).then(...events)`. Only tests import this.
 */
import type { Decider } from '@tidings/contracts/decider';
import type { AnyEvent } from '@tidings/contracts/events/definition';
import * as E from 'fp-ts/lib/Either.js';
import { expect } from 'vitest';

export interface Given<Command, Event, Rejection extends { readonly type: string }> {
  readonly when: (command: Command) => When<Event, Rejection>;
}
export interface When<Event, Rejection extends { readonly type: string }> {
  /** Exactly these events, in this order. */
  readonly then: (...events: readonly [Event, ...Event[]]) => void;
  /** Accepted, and nothing changes. */
  readonly thenNothing: () => void;
  /** Refused for this reason; fields that are not named do not matter. */
  readonly thenRejected: (rejection: Partial<Rejection> & { readonly type: Rejection['type'] }) => void;
}

/** The specification language of one decider. */
export const specify =
  <State, Command, Event extends AnyEvent, Rejection extends { readonly type: string }>(
    decider: Decider<State, Command, Event, Rejection>,
  ): ((...events: readonly Event[]) => Given<Command, Event, Rejection>) =>
  (...events) => ({
    when: (command) => {
      const decided = decider.decide(command, events.reduce(decider.evolve, decider.initial));
      return {
        // oxlint-disable-next-line unicorn/no-thenable -- the word of the specification; nobody awaits it
        then: (...expected) => expect(decided).toEqual(E.right(expected)),
        thenNothing: () => expect(decided).toEqual(E.right([])),
        thenRejected: (rejection) => expect(decided).toMatchObject(E.left(rejection)),
      };
    },
  });
