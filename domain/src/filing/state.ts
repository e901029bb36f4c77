import type { FilingEvent } from './events.ts';

/** A thread, or nowhere: the mailbox holds the same mail already, or a webhook wants it dropped. */
export type FilingOutcome = FilingEvent['data']['outcome'];

export type State = { readonly kind: 'open' } | { readonly kind: 'decided'; readonly outcome: FilingOutcome };

export const initial: State = { kind: 'open' };

export const evolve = (state: State, event: FilingEvent): State => {
  switch (event.type) {
    case 'FilingDecided':
      return { kind: 'decided', outcome: event.data.outcome };
    default:
      return state;
  }
};
