import type { Decider } from '@tidings/contracts/decider';
import { type Command, decide, type Rejection } from './decide.ts';
import type { OutboundEvent } from './events.ts';
import { evolve, initial, type State } from './state.ts';
import { category } from './stream.ts';

export const outbound: Decider<State, Command, OutboundEvent, Rejection> = { category, initial, evolve, decide };

export type { Command as OutboundCommand, Outcome, Rejection as OutboundRejection, Report as OutboundReport } from './decide.ts';
export { type Progress, type Queued as QueuedOutbound, recipientAt, type RecipientState, type State as OutboundState } from './state.ts';
export { outboundKey } from './stream.ts';
