import type { Decider } from '@tidings/contracts/decider';
import { type Command, decide, type Rejection } from './decide.ts';
import type { NotificationEvent } from './events.ts';
import { evolve, initial, type State } from './state.ts';
import { category } from './stream.ts';

export const notification: Decider<State, Command, NotificationEvent, Rejection> = { category, initial, writtenOnce: true, evolve, decide };

export type { Command as NotificationCommand, Rejection as NotificationRejection } from './decide.ts';
export type { State as NotificationState } from './state.ts';
export { notificationIdOf, notificationKey } from './stream.ts';
