import type { Decider } from '@tidings/contracts/decider';
import { type Command, decide, type Rejection } from './decide.ts';
import type { AnsweredEvent } from './events.ts';
import { evolve, initial, type State } from './state.ts';
import { category } from './stream.ts';

/** Answers that were given: automatic replies to one sender, or whether one mail's author was told that it was read. */
export const answered: Decider<State, Command, AnsweredEvent, Rejection> = { category, initial, evolve, decide };

export type { Command as AnsweredCommand, Rejection as AnsweredRejection } from './decide.ts';
export type { State as AnsweredState } from './state.ts';
export { answeredToKey, receiptKey } from './stream.ts';
