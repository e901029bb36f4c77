import type { Decider } from '@tidings/contracts/decider';
import { type Command, decide, type Rejection } from './decide.ts';
import type { PushEvent } from './events.ts';
import { evolve, initial, type State } from './state.ts';
import { category } from './stream.ts';

export const push: Decider<State, Command, PushEvent, Rejection> = { category, initial, evolve, decide };

export type { Command as PushCommand, Rejection as PushRejection } from './decide.ts';
export type { State as PushState } from './state.ts';
export { pushKey } from './stream.ts';
