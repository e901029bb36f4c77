import type { Decider } from '@tidings/contracts/decider';
import { type Command, decide, type Rejection } from './decide.ts';
import type { MessageEvent } from './events.ts';
import { evolve, initial, type State } from './state.ts';
import { category } from './stream.ts';

export const message: Decider<State, Command, MessageEvent, Rejection> = { category, initial, writtenOnce: true, evolve, decide };

export type { Command as MessageCommand, DeleteMessage, EditMessage, Rejection as MessageRejection, SendMessage } from './decide.ts';
export type { State as MessageState } from './state.ts';
export { messageKey } from './stream.ts';
