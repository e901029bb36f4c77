import type { Decider } from '@tidings/contracts/decider';
import { type Command, decide, type Rejection } from './decide.ts';
import type { MailingEvent } from './events.ts';
import { evolve, initial, type State } from './state.ts';
import { category } from './stream.ts';

export const mailing: Decider<State, Command, MailingEvent, Rejection> = { category, initial, evolve, decide };

export type { Command as MailingCommand } from './decide.ts';
export { isPlanned, type Standing, type State as MailingState } from './state.ts';
export { mailingKey } from './stream.ts';
