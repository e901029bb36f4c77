import type { Decider } from '@tidings/contracts/decider';
import { type Command, decide } from './decide.ts';
import type { FilingEvent } from './events.ts';
import { evolve, initial, type State } from './state.ts';
import { category } from './stream.ts';

export const filing: Decider<State, Command, FilingEvent, never> = { category, initial, writtenOnce: true, evolve, decide };

export type { Command as FilingCommand } from './decide.ts';
export type { FilingOutcome, State as FilingState } from './state.ts';
export { filingKey } from './stream.ts';
