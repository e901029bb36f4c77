/** The tables of what is due (`egress.recipient`, `egress.lane`). Written by the owner of the shard alone, within its fenced transactions. */
import type { AttemptId, EmailId, MailboxId } from '@tidings/contracts/ids';
import { timestamp } from '@tidings/contracts/time';
import type { Pool, PoolClient } from 'pg';
import type { Change } from './changes.ts';

export interface DueRecipient {
  readonly emailId: EmailId;
  readonly recipient: number;
  readonly mailboxId: MailboxId;
  readonly domain: string;
  readonly queuedAt: number;
}

/** Once more with the same changes changes nothing. */
export const applyChanges = async (client: PoolClient, shard: number, changes: readonly Change[]): Promise<void> => {
  if (changes.length === 0) return;
  const gone = changes.filter(({ waiting }) => waiting === null);
  const kept = changes.flatMap((change) => (change.waiting === null ? [] : [change]));
  const added = kept.flatMap((change) => (change.added === undefined ? [] : [{ ...change, ...change.added }]));
  const known = kept.filter((change) => change.added === undefined);
  const lanes = new Map<string, { readonly mailbox_id: string; readonly domain: string }>();
  const touch = (rows: readonly { readonly mailbox_id: string; readonly domain: string }[]): void => {
    for (const row of rows) lanes.set(`${row.mailbox_id} ${row.domain}`, row);
  };

  if (gone.length > 0) touch((await client.query(DELETE, [ids(gone), numbers(gone)])).rows);
  if (known.length > 0) touch((await client.query(UPDATE, [ids(known), numbers(known), ...waitingOf(known)])).rows);
  if (added.length > 0) {
    await client.query(INSERT, [
      ...[ids(added), numbers(added), ...waitingOf(added)],
      ...[added.map(({ mailboxId }) => mailboxId), added.map(({ domain }) => domain), added.map(({ queuedAt }) => queuedAt), shard],
    ]);
    touch(added.map(({ mailboxId, domain }) => ({ mailbox_id: mailboxId, domain })));
  }
  const touched = [...lanes.values()];
  await client.query(LANES, [shard, touched.map((lane) => lane.mailbox_id), touched.map(({ domain }) => domain)]);
};

type Place = Pick<Change, 'emailId' | 'recipient'>;
const ids = (places: readonly Place[]): readonly string[] => places.map(({ emailId }) => emailId);
const numbers = (places: readonly Place[]): readonly number[] => places.map(({ recipient }) => recipient);
const waitingOf = (changes: readonly Extract<Change, { readonly waiting: object }>[]): readonly (readonly unknown[])[] => [
  changes.map(({ waiting }) => waiting.dueAt),
  changes.map(({ waiting }) => waiting.held),
  changes.map(({ waiting }) => waiting.sending?.attemptId ?? null),
  changes.map(({ waiting }) => waiting.sending?.leaseToken ?? null),
];

const DELETE = `
  delete from egress.recipient r using unnest($1::uuid[], $2::integer[]) gone (email_id, recipient)
  where r.email_id = gone.email_id and r.recipient = gone.recipient returning r.mailbox_id, r.domain`;

const UPDATE = `
  update egress.recipient r set due_at = n.due_at, held = n.held, attempt_id = n.attempt_id, lease_token = n.lease_token
  from unnest($1::uuid[], $2::integer[], $3::timestamptz[], $4::boolean[], $5::uuid[], $6::text[])
    n (email_id, recipient, due_at, held, attempt_id, lease_token)
  where r.email_id = n.email_id and r.recipient = n.recipient returning r.mailbox_id, r.domain`;

const INSERT = `
  insert into egress.recipient (email_id, recipient, due_at, held, attempt_id, lease_token, mailbox_id, domain, queued_at, shard)
  select n.*, $10 from unnest($1::uuid[], $2::integer[], $3::timestamptz[], $4::boolean[], $5::uuid[], $6::text[], $7::uuid[], $8::text[],
    $9::timestamptz[]) n
  on conflict (email_id, recipient) do update set
    due_at = excluded.due_at, held = excluded.held, attempt_id = excluded.attempt_id, lease_token = excluded.lease_token`;

/** By index recipient_due, one look for each lane. */
const LANES = `
  with touched as (
    select l.mailbox_id, l.domain, (
      select min(r.due_at) from egress.recipient r
      where r.shard = $1 and r.mailbox_id = l.mailbox_id and r.domain = l.domain and r.due_at is not null
    ) as next_at
    from unnest($2::uuid[], $3::text[]) l (mailbox_id, domain)
  ), ended as (
    delete from egress.lane l using touched t
    where t.next_at is null and l.shard = $1 and l.mailbox_id = t.mailbox_id and l.domain = t.domain
  )
  insert into egress.lane (shard, mailbox_id, domain, next_at)
  select $1, mailbox_id, domain, next_at from touched where next_at is not null
  on conflict (shard, mailbox_id, domain) do update set next_at = excluded.next_at where lane.next_at <> excluded.next_at`;

export interface Wanted {
  readonly shard: number;
  readonly now: number;
  readonly limit: number;
  /** What is in hand already. */
  readonly taken: readonly Place[];
  /** Of which enough is in hand. */
  readonly fullLanes: readonly { readonly mailboxId: MailboxId; readonly domain: string }[];
  readonly fullDomains: readonly string[];
}

/** Each mailbox has its turn before one has a second; within a lane the longest due goes first. By indexes lane_next and recipient_due. */
const PICK = `
  with due as (
    select mailbox_id, domain, next_at from egress.lane
    where shard = $1 and next_at <= $2 and domain <> all($6::text[])
      and not exists (select from unnest($7::uuid[], $8::text[]) f (mailbox_id, domain) where f.mailbox_id = lane.mailbox_id and f.domain = lane.domain)
    order by next_at limit 2000
  ), turns as (
    select mailbox_id, domain, row_number() over (partition by mailbox_id order by next_at) as turn, next_at from due
  )
  select r.email_id as "emailId", r.recipient, l.mailbox_id as "mailboxId", l.domain,
    (extract(epoch from r.queued_at) * 1000)::float8 as "queuedAt"
  from (select * from turns order by turn, next_at limit 250) l
  cross join lateral (
    select d.email_id, d.recipient, d.queued_at from egress.recipient d
    where d.shard = $1 and d.mailbox_id = l.mailbox_id and d.domain = l.domain and d.due_at <= $2
      and not exists (select from unnest($4::uuid[], $5::integer[]) t (email_id, recipient) where t.email_id = d.email_id and t.recipient = d.recipient)
    order by d.due_at, d.email_id, d.recipient limit 100
  ) r
  order by l.turn, l.next_at
  limit $3`;

export const pickDue = async (pool: Pool, pick: Wanted): Promise<readonly DueRecipient[]> => {
  const { rows } = await pool.query<DueRecipient>({
    name: 'egress_pick',
    text: PICK,
    values: [
      ...[pick.shard, timestamp(pick.now), pick.limit, ids(pick.taken), numbers(pick.taken), pick.fullDomains],
      ...[pick.fullLanes.map(({ mailboxId }) => mailboxId), pick.fullLanes.map(({ domain }) => domain)],
    ],
  });
  return rows;
};

/** When something is due that is not due yet; null when there is nothing. By index lane_next. */
export const nextDue = async (pool: Pool, shard: number, now: number): Promise<number | null> => {
  const { rows } = await pool.query<{ at: number | null }>(
    'select (extract(epoch from min(next_at)) * 1000)::float8 as at from egress.lane where shard = $1 and next_at > $2',
    [shard, timestamp(now)],
  );
  return rows[0]?.at ?? null;
};

export interface Orphan {
  readonly emailId: EmailId;
  readonly attemptId: AttemptId;
  readonly recipients: readonly number[];
}

/** What was on its way under another lease: whoever sent it waits for no reply any more. By index recipient_sending. */
export const orphansOf = async (pool: Pool, shard: number, leaseToken: string): Promise<readonly Orphan[]> => {
  const { rows } = await pool.query<Orphan>(
    `select email_id as "emailId", attempt_id as "attemptId", array_agg(recipient) as recipients from egress.recipient
     where shard = $1 and lease_token is not null and lease_token <> $2 group by email_id, attempt_id`,
    [shard, leaseToken],
  );
  return rows;
};

/** Whatever held them back is looked at anew: settings may have changed. By index recipient_held. */
export const lookAgainAtHeld = async (client: PoolClient, shard: number, now: number): Promise<void> => {
  const { rows } = await client.query<{ mailbox_id: string; domain: string }>(
    'update egress.recipient set due_at = least(due_at, $2) where shard = $1 and held and due_at is not null returning mailbox_id, domain',
    [shard, timestamp(now)],
  );
  const lanes = new Map(rows.map((row) => [`${row.mailbox_id} ${row.domain}`, row]));
  const touched = [...lanes.values()];
  await client.query(LANES, [shard, touched.map((lane) => lane.mailbox_id), touched.map(({ domain }) => domain)]);
};

/** Of the mail: up to 15 minutes, an hour, a day, and older. */
export const AGES = ['15m', '1h', '1d', 'older'] as const;

export interface QueueSize {
  readonly ages: readonly { readonly age: string; readonly recipients: number }[];
  /** The fullest. */
  readonly domains: readonly { readonly domain: string; readonly recipients: number }[];
}

/** Counts all of it, so it is asked now and then only. */
export const queueSize = async (pool: Pool, shard: number, now: number): Promise<QueueSize> => {
  const { rows: ages } = await pool.query<{ age: string; recipients: number }>(
    `select case when queued_at > $2::timestamptz - interval '15 minutes' then '15m' when queued_at > $2::timestamptz - interval '1 hour' then '1h'
       when queued_at > $2::timestamptz - interval '1 day' then '1d' else 'older' end as age, count(*)::integer as recipients
     from egress.recipient where shard = $1 group by 1`,
    [shard, timestamp(now)],
  );
  const { rows: domains } = await pool.query<{ domain: string; recipients: number }>(
    'select domain, count(*)::integer as recipients from egress.recipient where shard = $1 group by 1 order by 2 desc limit 20',
    [shard],
  );
  return { ages, domains };
};
