/** The event log that is configured. */
import type { EventLog } from '@tidings/contracts/ports/event-log';
import type { Signals } from '@tidings/contracts/ports/signals';
import type { Logger } from 'pino';
import { openPostgresLog } from './postgres/postgres-log.ts';

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

/** @throws LogUnavailable */
export const openLog = async ({ type, kurrentdb }: LogPlace, parts: LogParts): Promise<EventLog> => {
  if (type === 'postgres') return openPostgresLog(parts);
  if (kurrentdb === null) throw new Error('no KurrentDB is configured'); // the configuration sees to it
  // Loaded only where it is used: its client brings gRPC along.
  const { openKurrentLog } = await import('./kurrentdb/kurrentdb-log.ts');
  return openKurrentLog({ url: kurrentdb, logger: parts.logger });
};
