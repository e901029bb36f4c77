import type { Decider } from '@tidings/contracts/decider';
import { type Command, decide, type Rejection } from './decide.ts';
import type { DraftEvent } from './events.ts';
import { evolve, initial, type State } from './state.ts';
import { category } from './stream.ts';

export const draft: Decider<State, Command, DraftEvent, Rejection> = { category, initial, evolve, decide };

export type { Command as DraftCommand, Outgoing, Rejection as DraftRejection } from './decide.ts';
export { mailboxOf, type Saved as SavedDraft, type State as DraftState, type Submission } from './state.ts';
export { draftKey, emailOfDraft } from './stream.ts';
