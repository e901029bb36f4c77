import type { Decider } from '@tidings/contracts/decider';
import { type Command, decide, type Rejection } from './decide.ts';
import type { ThreadEvent } from './events.ts';
import { evolve, initial, type State } from './state.ts';
import { category } from './stream.ts';

export const thread: Decider<State, Command, ThreadEvent, Rejection> = { category, initial, evolve, decide };

export type { Command as ThreadCommand, EmailToFile, SharedEmail, Rejection as ThreadRejection } from './decide.ts';
export type { Flags as ThreadFlags } from './flags.ts';
export { type Leaving, staying, type Stays, toDestroy, toSplitOff } from './leaving.ts';
export { remainderOf } from './remainder.ts';
export { marksToTakeOver, takingOver } from './taking-over.ts';
export { accessOf, heldBy, type HeldEmail, holdersOf, type Holding, isSeen, type State as ThreadState } from './state.ts';
export { threadKey, threadSplitAt, threadStartedBy } from './stream.ts';
