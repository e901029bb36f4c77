import type { Decider } from '@tidings/contracts/decider';
import { type Command, decide, type Rejection } from './decide.ts';
import type { UserEvent } from './events.ts';
import { evolve, initial, type State } from './state.ts';
import { category } from './stream.ts';

export const user: Decider<State, Command, UserEvent, Rejection> = { category, initial, evolve, decide };

export type { Command as UserCommand, Rejection as UserRejection } from './decide.ts';
export type { State as UserState } from './state.ts';
export { userKey } from './stream.ts';
