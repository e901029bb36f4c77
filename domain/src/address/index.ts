import type { Decider } from '@tidings/contracts/decider';
import { type Command, decide, type Rejection } from './decide.ts';
import type { AddressEvent } from './events.ts';
import { evolve, initial, type State } from './state.ts';
import { category } from './stream.ts';

export const address: Decider<State, Command, AddressEvent, Rejection> = { category, initial, evolve, decide };

export type { Command as AddressCommand, Rejection as AddressRejection } from './decide.ts';
export type { State as AddressState } from './state.ts';
export { addressKey } from './stream.ts';
export { speaksForDomain } from './trusted.ts';
