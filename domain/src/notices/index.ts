import type { Decider } from '@tidings/contracts/decider';
import { type Command, decide, type Rejection } from './decide.ts';
import type { NoticesEvent } from './events.ts';
import { evolve, initial, type State } from './state.ts';
import { category } from './stream.ts';

export const notices: Decider<State, Command, NoticesEvent, Rejection> = { category, initial, evolve, decide };

export { type Command as NoticesCommand, MOST_DIGESTS_A_DAY, type Rejection as NoticesRejection } from './decide.ts';
export { isTimeZone, nextDigest } from './next-digest.ts';
export { DEFAULT_DIGEST, type DigestTimes, policyIn, type State as NoticesState } from './state.ts';
export { noticesKey } from './stream.ts';
