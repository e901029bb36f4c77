/**
 * Where a record stands in `$all`: commit and prepare, both kept. They differ only in what was written by transactions of old, so the text is the commit, as
 * wide as every position of ours, and the prepare behind it where it is another one; that sorts as KurrentDB does.
 */
import { type Position, START } from '@tidings/contracts/ports/event-log';

export interface AllPosition {
  readonly commit: bigint;
  readonly prepare: bigint;
}

/** Before every record. */
export const BEGIN: AllPosition = { commit: -1n, prepare: -1n };

/** Whether `a` stands behind `b`. */
export const isBehind = (a: AllPosition, b: AllPosition): boolean => (a.commit === b.commit ? a.prepare > b.prepare : a.commit > b.commit);

export const shifted = ({ commit, prepare }: AllPosition, by: bigint): AllPosition => ({ commit: commit + by, prepare: prepare + by });

/** Ten petabytes of log. */
const MOST = 9_999_999_999_999_999n;

export const textOf = ({ commit, prepare }: AllPosition): Position => {
  if (commit < 0n || commit > MOST) throw new RangeError(`${commit} is beyond the positions that we can write down`);
  const wide = (value: bigint): string => value.toString().padStart(START.length, '0');
  return (commit === prepare ? wide(commit) : `${wide(commit)}.${wide(prepare)}`) as Position;
};

/** @throws RangeError for what was never a position of this log */
export const allPositionOf = (position: Position): AllPosition => {
  const [, commit, prepare = commit] = /^(\d{16})(?:\.(\d{16}))?$/.exec(position) ?? [];
  if (commit === undefined || prepare === undefined) throw new RangeError(`"${position}" is not a position of this log`);
  return { commit: BigInt(commit), prepare: BigInt(prepare) };
};
