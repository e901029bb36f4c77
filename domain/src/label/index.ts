import type { Decider } from '@tidings/contracts/decider';
import { type Command, decide, type Rejection } from './decide.ts';
import type { LabelEvent } from './events.ts';
import { evolve, initial, type State } from './state.ts';
import { category } from './stream.ts';

export const label: Decider<State, Command, LabelEvent, Rejection> = { category, initial, evolve, decide };

export { type Command as LabelCommand, type LabelChanges, MOST_LABELS, type Rejection as LabelRejection } from './decide.ts';
export type { State as LabelState } from './state.ts';
export { labelsKey } from './stream.ts';
