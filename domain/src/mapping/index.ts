import type { Decider } from '@tidings/contracts/decider';
import { type Command, decide, type Rejection } from './decide.ts';
import type { MappingEvent } from './events.ts';
import { evolve, initial, type State } from './state.ts';
import { category } from './stream.ts';

export const mapping: Decider<State, Command, MappingEvent, Rejection> = { category, initial, writtenOnce: true, evolve, decide };

export type { Command as MappingCommand } from './decide.ts';
export type { State as MappingState } from './state.ts';
export { mappingKey } from './stream.ts';
