import type { Decider } from '@tidings/contracts/decider';
import { type Command, decide, type Rejection } from './decide.ts';
import type { WebhookEvent } from './events.ts';
import { evolve, initial, type State } from './state.ts';
import { category } from './stream.ts';

export const webhook: Decider<State, Command, WebhookEvent, Rejection> = { category, initial, evolve, decide };

export type { Command as WebhookCommand, Rejection as WebhookRejection } from './decide.ts';
export type { State as WebhookState } from './state.ts';
export { webhookKey } from './stream.ts';
