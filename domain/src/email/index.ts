import type { Decider } from '@tidings/contracts/decider';
import { type Command, decide, type Rejection } from './decide.ts';
import type { EmailEvent } from './events.ts';
import { evolve, initial, type State } from './state.ts';
import { category } from './stream.ts';

export const email: Decider<State, Command, EmailEvent, Rejection> = { category, initial, writtenOnce: true, evolve, decide };

export type { Command as EmailCommand, Rejection as EmailRejection } from './decide.ts';
export type { State as EmailState } from './state.ts';
export { emailKey } from './stream.ts';
