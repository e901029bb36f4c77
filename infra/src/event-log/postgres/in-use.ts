/** Whether the log in Postgres is the one in use, and what its refusals mean. */
import { LogNotInUse } from '@tidings/contracts/ports/event-log';
import pg from 'pg';
import type { LogState } from '../moving/side.ts';

export interface HeadState {
  readonly state: LogState;
  readonly movedTo: string | null;
  /** Positions up to here may have gaps. */
  readonly gapsBelow: number;
  /** How many events stand up to there. */
  readonly eventsBelow: number;
  readonly isEmpty: boolean;
}

/** While events are copied in, nobody knows yet where gaps end. */
const ANYWHERE = Number.MAX_SAFE_INTEGER;

/** Of all shards together: they move as one. @param pool with `int8` as numbers @returns null without a shard */
export const headState = async (pool: pg.Pool): Promise<HeadState | null> => {
  const { rows } = await pool.query<{ state: LogState; moved_to: string | null; gaps_below: number; events_below: number; last: number }>(
    'select state, moved_to, gaps_below, events_below, max(position) over () last from log.shard_head order by shard limit 1',
  );
  const [row] = rows;
  if (row === undefined) return null;
  const { state, moved_to: movedTo, gaps_below: below, events_below: eventsBelow, last } = row;
  return { state, movedTo, gapsBelow: state === 'receiving' ? ANYWHERE : below, eventsBelow, isEmpty: last === 0 };
};

/** @throws LogNotInUse */
export const assertInUse = ({ state, movedTo }: Pick<HeadState, 'state' | 'movedTo'>): void => {
  if (state === 'moved')
    throw new LogNotInUse(`the log was moved from Postgres to ${movedTo}: start with EVENT_LOG=${movedTo}, or move it back`);
  if (state === 'receiving')
    throw new LogNotInUse('the log is being moved to Postgres: until that is done, start with the EVENT_LOG of before');
};

/**
 * For who starts on a log elsewhere: this one holds nothing, and is marked as moved, or was moved before.
 * @throws LogNotInUse when it is in use, or is being written to
 */
export const giveUpWhenEmpty = async (pool: pg.Pool, to: string): Promise<{ readonly isEmpty: boolean }> => {
  await pool.query(`update log.shard_head set state = 'moved', moved_to = $1, moved_at = now() where state = 'open' and position = 0`, [
    to,
  ]);
  const found = await headState(pool);
  if (found !== null && found.state !== 'moved')
    throw new LogNotInUse(
      `the log of this installation is in Postgres: start with EVENT_LOG=postgres, or move it by "tidings migrate --from postgres --to ${to}"`,
    );
  return { isEmpty: found?.isEmpty ?? true };
};

/** What the head row's trigger says (schema-moving.ts). */
export const isHeld = (error: unknown): boolean => error instanceof pg.DatabaseError && error.code === 'TL001';
export const isNotInUse = (error: unknown): boolean => error instanceof pg.DatabaseError && error.code === 'TL002';
