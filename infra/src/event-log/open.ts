/** The event log that is configured. */
import { type EventLog, LogNotInUse, START } from '@tidings/contracts/ports/event-log';
import type { Signals } from '@tidings/contracts/ports/signals';
import type { Logger } from 'pino';
import { openPool } from '../postgres/pools.ts';
import { type LogSide, MoveRefused } from './moving/side.ts';
import { giveUpWhenEmpty } from './postgres/in-use.ts';
import { openPostgresLog } from './postgres/postgres-log.ts';
import { openPostgresSide } from './postgres/postgres-side.ts';

/** `kurrentdb` is where that is, when it keeps the log. */
export interface LogPlace {
  readonly type: 'postgres' | 'kurrentdb';
  readonly kurrentdb: string | null;
}

/** As it is unless configured. */
export const DEFAULT_LOG: LogPlace = { type: 'postgres', kurrentdb: null };

export interface LogParts {
  /** Of Postgres. */
  readonly url: string;
  readonly logger: Logger;
  readonly signals?: Signals;
}

/** @throws LogUnavailable; LogNotInUse when the log of this installation is in the other place */
export const openLog = async ({ type, kurrentdb }: LogPlace, parts: LogParts): Promise<EventLog> => {
  if (type === 'postgres') return openPostgresLog(parts);
  if (kurrentdb === null) throw new Error('no KurrentDB is configured'); // the configuration sees to it
  const { isEmpty } = await leavePostgres(parts);
  // Loaded only where it is used: its client brings gRPC along.
  const { openKurrentLog } = await import('./kurrentdb/kurrentdb-log.ts');
  const log = await openKurrentLog({ url: kurrentdb, logger: parts.logger });
  if (isEmpty || (await log.head(0)) !== START) return log;
  await log.close();
  throw new LogNotInUse(
    'KURRENTDB_URL leads to an empty KurrentDB, but the log of this installation was moved from Postgres to another one',
  );
};

/** Of one end of a move. @throws LogUnavailable, MoveRefused */
export const openSide = async ({ type, kurrentdb }: LogPlace, { url, logger }: LogParts): Promise<LogSide> => {
  if (type === 'postgres') return openPostgresSide({ url, logger });
  if (kurrentdb === null) throw new MoveRefused('KURRENTDB_URL must say where the KurrentDB is');
  const { openKurrentSide } = await import('./kurrentdb/kurrentdb-side.ts');
  return openKurrentSide({ url: kurrentdb, logger });
};

/** An empty log in Postgres is given up for good, so that nobody takes it up again by a forgotten setting. */
const leavePostgres = async ({ url, logger }: LogParts): Promise<{ readonly isEmpty: boolean }> => {
  const pool = openPool({ url, name: 'tidings log', max: 1, logger });
  try {
    return await giveUpWhenEmpty(pool, 'kurrentdb');
  } finally {
    await pool.end();
  }
};
