import type { Decider } from '@tidings/contracts/decider';
import { type Command, decide, type Rejection } from './decide.ts';
import type { GatewayEvent } from './events.ts';
import { evolve, initial, type State } from './state.ts';
import { category } from './stream.ts';

export const gateway: Decider<State, Command, GatewayEvent, Rejection> = { category, initial, evolve, decide };

export type { Command as GatewayCommand, Rejection as GatewayRejection } from './decide.ts';
export { currentRecipients, type Recipient, recipientByNumber, replyAddressFor, type State as GatewayState } from './state.ts';
export { gatewayKey, mailPersonIdOf } from './stream.ts';
