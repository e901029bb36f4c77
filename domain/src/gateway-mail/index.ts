import type { Decider } from '@tidings/contracts/decider';
import { type Command, decide, type Rejection } from './decide.ts';
import type { GatewayMailEvent } from './events.ts';
import { evolve, initial, type State } from './state.ts';
import { category } from './stream.ts';

export const gatewayMail: Decider<State, Command, GatewayMailEvent, Rejection> = { category, initial, evolve, decide };

export type { Command as GatewayMailCommand, Rejection as GatewayMailRejection } from './decide.ts';
export type { State as GatewayMailState } from './state.ts';
export { gatewayMailKey } from './stream.ts';
