/** The log in Postgres as one end of a move. Its state stands in the head rows; a change of it waits for the appends that are under way, and no later one gets in. */
import { type LoggedEvent, LogUnavailable } from '@tidings/contracts/ports/event-log';
import type { Logger } from 'pino';
import { openPool } from '../../postgres/pools.ts';
import { HOLD_MS, type LogSide, MoveRefused } from '../moving/side.ts';
import { numberOf } from '../positions.ts';
import { isNotInUse, headState } from './in-use.ts';
import { PARTITION_SPAN } from './migrate.ts';
import { openPostgresLog } from './postgres-log.ts';
import { createReader } from './reader.ts';
import { APPEND_SETTINGS, READ_SETTINGS, withSettings } from './session.ts';

export interface PostgresSideOptions {
  readonly url: string;
  readonly logger: Logger;
  /** As given to `migrateEventLog`. */
  readonly partitionSpan?: number;
}

/** Of partitions for positions of KurrentDB, which are places in its files: some million events. */
const WIDE_SPAN = 4_000_000_000;

/** The last partition is read through once, to prove its bounds. */
const STATEMENT_LIMIT_MS = 600_000;

/** @throws LogUnavailable; MoveRefused when it has several shards */
export const openPostgresSide = async ({ url, logger, partitionSpan = PARTITION_SPAN }: PostgresSideOptions): Promise<LogSide> => {
  const log = await openPostgresLog({ url, logger, partitionSpan, whateverItsState: true });
  const settings = { ...APPEND_SETTINGS, statement_timeout: STATEMENT_LIMIT_MS };
  const pool = openPool({ url: withSettings(url, settings), name: 'tidings log move', max: 2, logger });
  const reading = openPool({ url: withSettings(url, READ_SETTINGS), name: 'tidings log read back', max: 1, logger });
  const close = async (): Promise<void> => {
    await Promise.all([log.close(), pool.end(), reading.end()]);
  };
  const back = createReader(reading, Number.MAX_SAFE_INTEGER);
  let ceiling = 0; // positions below it have a partition

  const state = async () => {
    const found = await headState(pool).catch((error: unknown) => Promise.reject(new LogUnavailable('not-applied', error)));
    if (found === null) throw new LogUnavailable('not-applied', new Error('the log has no shards: run its migrations first'));
    return found;
  };
  if (log.shards.length !== 1) {
    await close();
    throw new MoveRefused(`the log in Postgres has ${log.shards.length} shards; one of a single shard can be moved`);
  }

  return {
    name: 'postgres',
    log,
    state: async () => (await state()).state,

    hold: async () => {
      await pool.query(`update log.shard_head set held_until = clock_timestamp() + $1 * interval '1 ms'`, [HOLD_MS]);
    },
    release: async () => {
      await pool.query(`update log.shard_head set held_until = '-infinity'`);
    },
    seal: async (to) => {
      await pool.query(
        `update log.shard_head set state = 'moved', moved_to = $1, moved_at = now(), held_until = '-infinity' where state = 'open'`,
        [to],
      );
    },

    receive: async () => {
      const { rowCount } = await pool.query(
        `update log.shard_head set state = 'receiving',
                copied = case state when 'receiving' then copied else 0 end,
                events_below = case state when 'receiving' then events_below else events_below + position - gaps_below end,
                gaps_below = case state when 'receiving' then gaps_below else position end
          where state in ('moved', 'receiving') or (state = 'open' and position = 0)`,
      );
      if (rowCount === 0) throw new MoveRefused('the log in Postgres is in use and holds events of its own: nothing can be moved into it');
    },
    copy: async (events) => {
      const last = events.at(-1);
      if (last === undefined) return;
      const until = numberOf(last.position) + 1;
      if (until > ceiling) {
        const { rows } = await pool.query<{ ceiling: number }>('select log.add_partitions($1, $2) ceiling', [until, WIDE_SPAN]);
        ceiling = rows[0]?.ceiling ?? 0;
      }
      await pool.query(COPY, [...valuesOf(events)]).catch((error: unknown) => {
        throw isNotInUse(error) ? new MoveRefused('the log in Postgres no longer receives another one: begin again') : error;
      });
    },
    readBack: (after, limit) => back.readAll(0, after, limit),
    open: async () => {
      const { state: now } = await state();
      if (now === 'open') return;
      if (now === 'receiving') {
        await pool.query('select log.end_partition(0, $1)', [partitionSpan]);
        await pool.query('select log.add_partitions((select max(position) from log.shard_head) + $1, $1)', [partitionSpan]);
      }
      await pool.query(
        `update log.shard_head set state = 'open', moved_to = null, moved_at = null, held_until = '-infinity',
                gaps_below = case state when 'receiving' then position else gaps_below end,
                events_below = case state when 'receiving' then events_below + copied else events_below end`,
      );
    },
    close,
  };
};

const COPY = 'select log.copy_batch(0, $1, $2, $3, $4, $5, $6, $7, $8, $9)';

/** Arrays of what has no separators in it, lines of what has no line ends: JSON has none. */
const valuesOf = (events: readonly LoggedEvent[]): readonly unknown[] => {
  const lines = (field: (event: LoggedEvent) => string): string => events.map(field).join('\n');
  return [
    events.map(({ position }) => numberOf(position)),
    lines(({ stream }) => stream),
    events.map(({ revision }) => revision),
    events.map(({ id }) => id),
    lines(({ type }) => type),
    events.map(({ version }) => version),
    events.map(({ recordedAt }) => recordedAt),
    lines(({ data }) => JSON.stringify(data)),
    lines(({ meta }) => JSON.stringify(meta)),
  ];
};
