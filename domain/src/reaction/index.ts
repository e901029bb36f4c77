import type { Decider } from '@tidings/contracts/decider';
import { type Command, decide, type Rejection } from './decide.ts';
import type { ReactionEvent } from './events.ts';
import { evolve, initial, type State } from './state.ts';
import { category } from './stream.ts';

export const reaction: Decider<State, Command, ReactionEvent, Rejection> = { category, initial, evolve, decide };

export { type Command as ReactionCommand, MOST_REACTIONS, type Rejection as ReactionRejection } from './decide.ts';
export type { State as ReactionState } from './state.ts';
export { reactionKey } from './stream.ts';
