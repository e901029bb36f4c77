/** The MTA-STS policies that other domains told us, for all nodes and beyond restarts. */
import { timestamp } from '@tidings/contracts/time';
import type { StsMemory, StsPolicy } from '@tidings/infra/mail-policy/mta-sts';
import type { Pool } from 'pg';

const LOAD = `
  select id, mode, mx, (extract(epoch from fetched_at) * 1000)::float8 as "fetchedAt", (extract(epoch from expires_at) * 1000)::float8 as "expiresAt"
  from egress.sts_policy where domain = $1`;

const SAVE = `
  insert into egress.sts_policy as p (domain, id, mode, mx, fetched_at, expires_at) values ($1, $2, $3, $4, $5, $6)
  on conflict (domain) do update set
    id = excluded.id, mode = excluded.mode, mx = excluded.mx, fetched_at = excluded.fetched_at, expires_at = excluded.expires_at
  where p.fetched_at <= excluded.fetched_at`;

export const stsPoliciesIn = (pool: Pool): StsMemory => ({
  load: async (domain) => (await pool.query<StsPolicy>(LOAD, [domain])).rows[0] ?? null,
  save: async (domain, { id, mode, mx, fetchedAt, expiresAt }) => {
    await pool.query(SAVE, [domain, id, mode, mx, timestamp(fetchedAt), timestamp(expiresAt)]);
  },
});

/** Those that count no more. By index sts_policy_expires. */
export const forgetStsPolicies = (pool: Pool, now: number): Promise<unknown> =>
  pool.query('delete from egress.sts_policy where expires_at < $1', [timestamp(now)]);
