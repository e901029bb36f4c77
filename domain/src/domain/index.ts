import type { Decider } from '@tidings/contracts/decider';
import { type Command, decide } from './decide.ts';
import type { DomainEvent } from './events.ts';
import { evolve, initial, type State } from './state.ts';
import { category } from './stream.ts';

export const domain: Decider<State, Command, DomainEvent, never> = { category, initial, evolve, decide };

export type { Command as DomainCommand } from './decide.ts';
export type { State as DomainState } from './state.ts';
export { domainKey } from './stream.ts';
