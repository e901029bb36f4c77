import type { Decider } from '@tidings/contracts/decider';
import { type Command, decide } from './decide.ts';
import type { AnsweringEvent } from './events.ts';
import { evolve, initial, type State } from './state.ts';
import { category } from './stream.ts';

export const answering: Decider<State, Command, AnsweringEvent, never> = { category, initial, evolve, decide };

export type { Command as AnsweringCommand } from './decide.ts';
export { type Guard, guardOf, type MailToAnswer } from './guards.ts';
export { isActiveAt } from './schedule.ts';
export type { Autoreply, State as AnsweringState } from './state.ts';
export { answeringKey } from './stream.ts';
