import type { Decider } from '@tidings/contracts/decider';
import { type Command, decide, type Rejection } from './decide.ts';
import type { RelationshipEvent } from './events.ts';
import { evolve, initial, type State } from './state.ts';
import { category } from './stream.ts';

export const relationship: Decider<State, Command, RelationshipEvent, Rejection> = { category, initial, evolve, decide };

export type { Command as RelationshipCommand, Rejection as RelationshipRejection } from './decide.ts';
export { isBlocked, isBlockedBy, type State as RelationshipState } from './state.ts';
export { relationshipKey } from './stream.ts';
