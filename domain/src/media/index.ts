import type { Decider } from '@tidings/contracts/decider';
import { type Command, decide, type Rejection } from './decide.ts';
import type { MediaEvent } from './events.ts';
import { evolve, initial, type State } from './state.ts';
import { category } from './stream.ts';

export const media: Decider<State, Command, MediaEvent, Rejection> = { category, initial, writtenOnce: true, evolve, decide };

export type { Command as MediaCommand, Rejection as MediaRejection } from './decide.ts';
export type { State as MediaState } from './state.ts';
export { mediaKey } from './stream.ts';
