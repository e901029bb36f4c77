/** How many recipients a mailbox, or all mailboxes of a domain, may send to in a time: counted in windows of that length, by all nodes together. */
import type { MailboxId } from '@tidings/contracts/ids';
import { timestamp } from '@tidings/contracts/time';
import type { Limit } from '@tidings/infra/config/mail-out';
import { inTransaction } from '@tidings/infra/projector/session';
import type { Pool, PoolClient } from 'pg';

/** Within the limit counts, else tells when the window ends. One of more recipients than the whole limit goes alone. */
const SPEND = `
  insert into egress.spent as s (whose, window_start, recipients) values ($1, $2, $3)
  on conflict (whose, window_start) do update set recipients = s.recipients + $3 where s.recipients + $3 <= $4
  returning recipients`;

export interface Allowance {
  readonly whose: string;
  readonly limit: Limit;
  /** For the sender: who may do no more, and by which setting. */
  readonly rule: string;
}

/** An allowance that is used up, and until when. */
export interface UsedUp {
  readonly until: number;
  readonly rule: string;
}

/** @returns null when all of them have room and were counted, else which has none; then none was counted */
export const spend = async (pool: Pool, allowances: readonly Allowance[], recipients: number, now: number): Promise<UsedUp | null> => {
  if (allowances.length === 0) return null;
  let usedUp: UsedUp | null = null;
  class Full extends Error {}
  try {
    await inTransaction(pool, async (client) => {
      for (const { whose, limit, rule } of allowances) {
        if (await spent(client, whose, limit, recipients, now)) continue;
        usedUp = { until: windowStart(limit, now) + limit.windowMs, rule };
        throw new Full();
      }
    });
  } catch (error) {
    if (!(error instanceof Full)) throw error;
  }
  return usedUp;
};

const spent = async (client: PoolClient, whose: string, limit: Limit, recipients: number, now: number): Promise<boolean> => {
  const { rowCount } = await client.query(SPEND, [whose, timestamp(windowStart(limit, now)), recipients, limit.count]);
  return rowCount === 1;
};

const windowStart = ({ windowMs }: Limit, now: number): number => Math.floor(now / windowMs) * windowMs;

/** Windows that are over count no more. */
export const forgetSpent = (pool: Pool, now: number): Promise<unknown> =>
  pool.query(`delete from egress.spent where window_start < $1::timestamptz - interval '2 days'`, [timestamp(now)]);

export const mailboxAllowance = (mailboxId: MailboxId, limit: Limit | null): readonly Allowance[] =>
  limit === null
    ? []
    : [{ whose: `mailbox ${mailboxId}`, limit, rule: `this mailbox may send to ${inWords(limit)} (EGRESS_MAILBOX_LIMIT)` }];

export const domainAllowance = (domain: string, limit: Limit | null): readonly Allowance[] =>
  limit === null
    ? []
    : [{ whose: `domain ${domain}`, limit, rule: `all of ${domain} may send to ${inWords(limit)} (EGRESS_DOMAIN_LIMIT)` }];

const inWords = ({ count, windowMs }: Limit): string => `${count} recipients in ${PERIODS[windowMs] ?? `${windowMs / 1_000} seconds`}`;
const PERIODS: Readonly<Record<number, string>> = { 60_000: 'a minute', 3_600_000: 'an hour', 86_400_000: 'a day' };
