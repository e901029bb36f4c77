import type { Decider } from '@tidings/contracts/decider';
import { type Command, decide, type Rejection } from './decide.ts';
import type { CommentEvent } from './events.ts';
import { evolve, initial, type State } from './state.ts';
import { category } from './stream.ts';

export const comment: Decider<State, Command, CommentEvent, Rejection> = { category, initial, evolve, decide };

export { type Command as CommentCommand, EDITED_WITHIN_MS, type Rejection as CommentRejection } from './decide.ts';
export type { State as CommentState } from './state.ts';
export { commentKey } from './stream.ts';
