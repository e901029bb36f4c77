import type { Decider } from '@tidings/contracts/decider';
import { type Command, decide, type Rejection } from './decide.ts';
import type { MailboxEvent } from './events.ts';
import { evolve, initial, type State } from './state.ts';
import { category } from './stream.ts';

export const mailbox: Decider<State, Command, MailboxEvent, Rejection> = { category, initial, evolve, decide };

export type { Command as MailboxCommand, Rejection as MailboxRejection } from './decide.ts';
export { roleOf, type State as MailboxState } from './state.ts';
export { blockableSender, blocks } from './senders.ts';
export { mailboxKey } from './stream.ts';
