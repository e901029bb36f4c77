import type { Decider } from '@tidings/contracts/decider';
import { type Command, decide, type Rejection } from './decide.ts';
import type { ImportEvent } from './events.ts';
import { evolve, initial, type State } from './state.ts';
import { category } from './stream.ts';

/** `import` is a word of the language. */
export const mailImport: Decider<State, Command, ImportEvent, Rejection> = { category, initial, evolve, decide };

export type { Command as ImportCommand, Rejection as ImportRejection } from './decide.ts';
export { type Brought, broughtAs, type Known as KnownMail } from './bring.ts';
export { nothingDone, type Progress as ImportProgressState, type Request as ImportRequest, type State as ImportState } from './state.ts';
export { importKey } from './stream.ts';
