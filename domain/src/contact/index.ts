import type { Decider } from '@tidings/contracts/decider';
import { type Command, decide } from './decide.ts';
import type { ContactEvent } from './events.ts';
import { evolve, initial, type State } from './state.ts';
import { category } from './stream.ts';

export const contact: Decider<State, Command, ContactEvent, never> = { category, initial, evolve, decide };

export type { Command as ContactCommand } from './decide.ts';
export type { State as ContactState } from './state.ts';
export { contactKey } from './stream.ts';
