/**
 * How TLS went, counted by day, domain and outcome: in memory, and every few seconds in a table for all nodes. A crash loses those seconds, which a
 * count can bear; an event for each connection would cost more than the mail (docs/decisions/053).
 */
import { timestamp } from '@tidings/contracts/time';
import { type Counted, dayOf } from '@tidings/infra/tls-report/report';
import type { TlsResult } from '@tidings/infra/tls-report/result';
import { createHash } from 'node:crypto';
import type { Pool, PoolClient } from 'pg';
import type { Logger } from 'pino';

export interface TlsCounts {
  readonly add: (result: TlsResult) => void;
  /** Writes what was counted, and counts no more. */
  readonly close: () => Promise<void>;
}

const WRITE_AFTER_MS = 2_000;
/** Ways to go in memory; a database that is away for long must not fill it. */
const MOST_WAYS = 20_000;
const MOST_WORDS = 200;

const ADD = `
  insert into egress.tls_result as r (day, domain, way, result, sessions)
  select * from unnest($1::date[], $2::text[], $3::bytea[], $4::json[], $5::bigint[])
  on conflict (day, domain, way) do update set sessions = r.sessions + excluded.sessions`;

interface Way {
  readonly day: string;
  readonly domain: string;
  readonly result: string;
  count: number;
}

export const countTls = (pool: Pool, now: () => number, logger: Pick<Logger, 'warn'>): TlsCounts => {
  let ways = new Map<string, Way>();
  let timer: NodeJS.Timeout | null = null;
  let writing = Promise.resolve();

  const count = (way: Way): void => {
    const key = `${way.day} ${way.domain} ${way.result}`;
    const known = ways.get(key);
    if (known !== undefined) known.count += way.count;
    else if (ways.size < MOST_WAYS) ways.set(key, way);
  };
  const write = async (): Promise<void> => {
    const all = [...ways.values()];
    ways = new Map();
    if (all.length === 0) return;
    const column = (of: (way: Way) => unknown): readonly unknown[] => all.map(of);
    const hashes = column(({ result }) => createHash('sha256').update(result).digest());
    try {
      await pool.query(ADD, [
        column((way) => way.day),
        column((way) => way.domain),
        hashes,
        column((way) => way.result),
        column((way) => way.count),
      ]);
    } catch (error) {
      logger.warn({ err: error }, 'how TLS went could not be counted; trying again');
      for (const way of all) count(way);
      later();
    }
  };
  const later = (): void => {
    timer ??= setTimeout(() => {
      timer = null;
      writing = writing.then(write);
    }, WRITE_AFTER_MS).unref();
  };
  return {
    add: ({ domain, policy, host, address, failure }) => {
      if (domain.startsWith('[')) return; // an address publishes no wish to be told
      const words = failure?.words.slice(0, MOST_WORDS) ?? '';
      const result: Omit<Counted, 'count'> = { policy, host, address, failure: failure?.type ?? null, words };
      count({ day: dayOf(now()), domain, result: JSON.stringify(result), count: 1 });
      later();
    },
    close: async () => {
      await writing;
      await write();
      if (timer !== null) clearTimeout(timer);
    },
  };
};

/** Days of domains with counts, up to and with a day. */
export const countedDays = async (pool: Pool, until: string): Promise<readonly { readonly domain: string; readonly day: string }[]> =>
  (
    await pool.query<{ domain: string; day: string }>(
      'select distinct domain, day::text as day from egress.tls_result where day <= $1 order by 2, 1',
      [until],
    )
  ).rows;

/** Whoever takes them, has them: nobody else finds them any more once the transaction is over. */
export const takeCounts = async (client: PoolClient, domain: string, day: string): Promise<readonly Counted[]> => {
  const { rows } = await client.query<{ result: Omit<Counted, 'count'>; sessions: string }>(
    'delete from egress.tls_result where domain = $1 and day = $2 returning result, sessions::text as sessions',
    [domain, day],
  );
  return rows.map(({ result, sessions }) => ({ ...result, count: Number(sessions) }));
};

/** Of those whose domains could not be asked for so long. */
export const forgetCounts = (pool: Pool, now: number): Promise<unknown> =>
  pool.query(`delete from egress.tls_result where day < ($1::timestamptz at time zone 'utc')::date - 3`, [timestamp(now)]);
