import type { ReactionEvent } from './events.ts';

/** What one user has put on one message. */
export interface State {
  readonly emoji: readonly string[];
}

export const initial: State = { emoji: [] };

export const evolve = (state: State, event: ReactionEvent): State => {
  switch (event.type) {
    case 'ReactionAdded':
      return { emoji: [...without(state.emoji, event.data.emoji), event.data.emoji] };
    case 'ReactionRemoved':
      return { emoji: without(state.emoji, event.data.emoji) };
    default:
      return state;
  }
};

const without = (all: readonly string[], one: string): readonly string[] => all.filter((each) => each !== one);
