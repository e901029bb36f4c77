import type { Decider } from '@tidings/contracts/decider';
import { type Command, decide } from './decide.ts';
import type { UploadEvent } from './events.ts';
import { evolve, initial, type State } from './state.ts';
import { category } from './stream.ts';

export const upload: Decider<State, Command, UploadEvent, never> = { category, initial, evolve, decide };

export type { Command as UploadCommand } from './decide.ts';
export { uploadKey } from './stream.ts';
