import type { Decider } from '@tidings/contracts/decider';
import { type Command, decide, type Rejection } from './decide.ts';
import type { ReportEvent } from './events.ts';
import { evolve, initial, type State } from './state.ts';
import { category } from './stream.ts';

export const report: Decider<State, Command, ReportEvent, Rejection> = { category, initial, evolve, decide };

export type { Command as ReportCommand, Rejection as ReportRejection } from './decide.ts';
export type { State as ReportState } from './state.ts';
export { reportIdOf, reportKey } from './stream.ts';
