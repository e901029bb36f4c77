import type { Decider } from '@tidings/contracts/decider';
import { type Command, decide, type Rejection } from './decide.ts';
import type { MailClaimEvent } from './events.ts';
import { evolve, initial, type State } from './state.ts';
import { category } from './stream.ts';

export const mailClaim: Decider<State, Command, MailClaimEvent, Rejection> = { category, initial, writtenOnce: true, evolve, decide };

export type { Command as MailClaimCommand } from './decide.ts';
export { mailClaimKey } from './stream.ts';
