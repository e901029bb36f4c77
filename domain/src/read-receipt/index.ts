import type { Decider } from '@tidings/contracts/decider';
import { type Command, decide, type Rejection } from './decide.ts';
import type { ReadReceiptEvent } from './events.ts';
import { evolve, initial, type State } from './state.ts';
import { category } from './stream.ts';

export const readReceipt: Decider<State, Command, ReadReceiptEvent, Rejection> = { category, initial, evolve, decide };

export type { Command as ReadReceiptCommand, Rejection as ReadReceiptRejection } from './decide.ts';
export type { State as ReadReceiptState } from './state.ts';
export { readReceiptKey } from './stream.ts';
