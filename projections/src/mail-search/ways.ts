/** The ways to search, each one question to Postgres. On `x`, a row of `email`, and `w`, its row of `words`. */
import { nullable } from '@tidings/contracts/codec';
import { EmailId, MailboxId, ThreadId } from '@tidings/contracts/ids';
import type { MailHit, MailPlace } from '@tidings/contracts/ports/mail-search';
import type { WordQuery } from '@tidings/contracts/ports/word-index';
import { rows } from '@tidings/contracts/sql-rows';
import { Timestamp } from '@tidings/contracts/time';
import * as t from 'io-ts';
import { sql, type FragmentSqlToken } from 'slonik';
import { tableIn } from '../chat-view/tables.ts';
import { tsquery } from '../search-words/text-search.ts';
import type { Compiled } from './conditions.ts';
import { and } from './lexemes.ts';
import type { Stretch } from './segments.ts';

/** One page's question, ready to be put in several ways. */
export interface Asked {
  readonly schema: string;
  readonly mailboxes: readonly MailboxId[];
  readonly compiled: Compiled;
  readonly after: MailPlace | null;
}

const Hit = t.readonly(t.type({ at: Timestamp, emailId: EmailId, mailboxId: MailboxId, threadId: ThreadId }));
const hitRows = rows<MailHit>(Hit);
const FoundRow = t.readonly(t.type({ looked: t.number, last: nullable(Hit), hit: nullable(Hit) }));
const foundRows = rows(FoundRow);

export interface Found {
  readonly hits: readonly MailHit[];
  /** So many emails were looked at. */
  readonly looked: number;
  /** The oldest of them. */
  readonly last: MailPlace | null;
}

/** There is always a row, which says how much was looked at. */
export const found = (all: readonly t.TypeOf<typeof FoundRow>[]): Found => ({
  hits: all.flatMap(({ hit }) => hit ?? []),
  looked: all[0]?.looked ?? 0,
  last: all[0]?.last ?? null,
});

const asJson = sql.fragment`json_build_object('at', x.at, 'emailId', x.email_id, 'mailboxId', x.mailbox_id, 'threadId', x.thread_id)`;
const newestFirst = sql.fragment`order by x.at desc, x.email_id desc, x.mailbox_id desc, x.thread_id desc`;

/**
 * Walks through the newest `most` emails of the states that may be, and finds those that meet the rest. Indexes email (mailbox_id, at, …) and
 * (mailbox_id, place, unread, starred, at, …).
 */
export const walked = (asked: Asked, most: number, limit: number) => sql.type(foundRows)`
  with near as materialized (${nearest(asked, most)})
  select (select count(*) from near) as looked,
    (select ${asJson} from near x order by x.at, x.email_id, x.mailbox_id, x.thread_id limit 1) as last, hit
  from (select) one left join lateral (
    select ${asJson} as hit from near x ${asked.compiled.words === null ? sql.fragment`` : withWords(asked.schema)}
    where ${meetsAll(asked.compiled)} ${newestFirst} limit ${limit}
  ) hits on true`;

/** How many of the newest `most` meet each of `needs`. Indexes as above. */
export const meeting = (asked: Asked, most: number, needs: readonly WordQuery[]) => sql.type(
  rows(t.readonly(t.type({ met: t.readonlyArray(t.number) }))),
)`
  with near as materialized (${nearest(asked, most)})
  select array[${sql.join(
    needs.map((need) => sql.fragment`count(*) filter (where w.words @@ ${tsquery(need)}::tsquery)`),
    sql.fragment`, `,
  )}]::int[] as met
  from near x ${withWords(asked.schema)}`;

const nearest = (asked: Asked, most: number): FragmentSqlToken => sql.fragment`
  select x.* from ${stretchesOf(asked)} cross join lateral (
    select x.* from ${tableIn(asked.schema, 'email')} x
    where x.mailbox_id = mine.mailbox_id and ${isInStretch(asked)} and ${onPage(asked)}
    order by x.at desc, x.email_id desc, x.thread_id desc limit ${most}
  ) x ${newestFirst} limit ${most}`;

/** More laterals than this cost more than walking past some emails. */
const MOST_STRETCHES = 512;

const walksMain = ({ mailboxes, compiled: { allowed } }: Asked): boolean =>
  allowed.areMain ||
  (mailboxes.length * allowed.states.length > MOST_STRETCHES && allowed.states.every(({ place }) => place !== 'spam' && place !== 'trash'));

const stretchesOf = (asked: Asked): FragmentSqlToken => {
  const mine = sql.fragment`unnest(${sql.array(asked.mailboxes, 'uuid')}) as mine (mailbox_id)`;
  if (walksMain(asked)) return mine;
  const { states } = asked.compiled.allowed;
  const places = sql.array(
    states.map(({ place }) => place),
    'text',
  );
  const unread = sql.array(
    states.map((state) => state.unread),
    'bool',
  );
  const starred = sql.array(
    states.map((state) => state.starred),
    'bool',
  );
  return sql.fragment`${mine} cross join unnest(${places}, ${unread}, ${starred}) as state (place, unread, starred)`;
};

const isInStretch = (asked: Asked): FragmentSqlToken =>
  walksMain(asked)
    ? sql.fragment`x.place <> 'spam' and x.place <> 'trash'`
    : sql.fragment`x.place = state.place and x.unread = state.unread and x.starred = state.starred`;

/**
 * All in a stretch of time that have the words, and of them what is found. Index of words. `offset 0` keeps the planner from reading all emails
 * because it guesses that the words are frequent.
 */
export const inStretch = (asked: Asked, { low, within }: Stretch, needs: readonly WordQuery[], limit: number) => {
  const isEnough = asked.compiled.isEnough && needs.length === asked.compiled.needs.length;
  const above = low === null ? sql.fragment`true` : sql.fragment`x.at >= ${low}::timestamptz`;
  return sql.type(foundRows)`
    with w as materialized (
      select mailbox_id, email_id, thread_id ${isEnough ? sql.fragment`` : sql.fragment`, words`}
      from ${tableIn(asked.schema, 'words')} where words @@ ${tsquery(and([within, ...needs]))}::tsquery
    )
    select (select count(*) from w) as looked, null as last, hit
    from (select) one left join lateral (
      select ${asJson} as hit from w cross join lateral (
        select x.* from ${tableIn(asked.schema, 'email')} x
        where x.mailbox_id = w.mailbox_id and x.email_id = w.email_id and x.thread_id = w.thread_id offset 0
      ) x
      where x.mailbox_id = any(${sql.array(asked.mailboxes, 'uuid')}) and ${above} and ${onPage(asked)}
        and ${isEnough ? asked.compiled.plain : meetsAll(asked.compiled)}
      ${newestFirst} limit ${limit}
    ) hits on true`;
};

/** Of the threads that `threads` selects, if they are fewer than `most`. Index email (thread_id, mailbox_id). */
export const byThreads = (asked: Asked, threads: FragmentSqlToken, most: number, limit: number) => sql.type(foundRows)`
  with few as materialized (${threads} limit ${most})
  select counted.looked, null as last, hit from (select count(*) as looked from few) counted
  left join lateral (
    select ${asJson} as hit from (select distinct thread_id from few) few join ${tableIn(asked.schema, 'email')} x on x.thread_id = few.thread_id
      ${asked.compiled.words === null ? sql.fragment`` : withWords(asked.schema)}
    where counted.looked < ${most} and x.mailbox_id = any(${sql.array(asked.mailboxes, 'uuid')})
      and ${onPage(asked)} and ${meetsAll(asked.compiled)}
    ${newestFirst} limit ${limit}
  ) hits on true`;

/** Of each of these threads, up to `most`. Index email (thread_id, mailbox_id). */
export const ofThreads = ({ schema, mailboxes, compiled }: Asked, threads: readonly ThreadId[], most: number) => sql.type(hitRows)`
  select x.* from unnest(${sql.array(threads, 'uuid')}) as asked (thread_id) cross join lateral (
    select x.at, x.email_id as "emailId", x.mailbox_id as "mailboxId", x.thread_id as "threadId"
    from ${tableIn(schema, 'email')} x ${compiled.words === null ? sql.fragment`` : withWords(schema)}
    where x.thread_id = asked.thread_id and x.mailbox_id = any(${sql.array(mailboxes, 'uuid')}) and ${meetsAll(compiled)}
    ${newestFirst} limit ${most}
  ) x order by x.at desc, x."emailId" desc, x."mailboxId" desc, x."threadId" desc`;

/** One candidate that an index beside Postgres gives, and what it says of it: `1` or `0` for each thing that was asked. */
export interface Candidate {
  readonly place: MailPlace;
  readonly met: string;
}

/** The nth thing that was asked of a candidate. */
export const candidateMeets = (nth: number): FragmentSqlToken => sql.fragment`substr(w.met, ${nth + 1}::int, 1) = '1'`;

/** Of these candidates, those that the mailboxes hold and that meet the rest. Primary key (mailbox_id, email_id, thread_id). */
export const amongCandidates = (asked: Asked, candidates: readonly Candidate[], limit: number) => {
  const places = candidates.map(({ place }) => place);
  const ids = (key: 'mailboxId' | 'emailId' | 'threadId') =>
    sql.array(
      places.map((place) => place[key]),
      'uuid',
    );
  const met = sql.array(
    candidates.map((candidate) => candidate.met),
    'text',
  );
  return sql.type(hitRows)`
    select x.at, x.email_id as "emailId", x.mailbox_id as "mailboxId", x.thread_id as "threadId"
    from unnest(${ids('mailboxId')}, ${ids('emailId')}, ${ids('threadId')}, ${met}) as w (mailbox_id, email_id, thread_id, met)
    cross join lateral (
      select x.* from ${tableIn(asked.schema, 'email')} x
      where x.mailbox_id = w.mailbox_id and x.email_id = w.email_id and x.thread_id = w.thread_id offset 0
    ) x
    where x.mailbox_id = any(${sql.array(asked.mailboxes, 'uuid')}) and ${onPage(asked)} and ${meetsAll(asked.compiled)}
    ${newestFirst} limit ${limit}`;
};

const meetsAll = ({ plain, words }: Compiled): FragmentSqlToken => sql.fragment`${plain} and ${words ?? sql.fragment`true`}`;

const withWords = (schema: string): FragmentSqlToken =>
  sql.fragment`join ${tableIn(schema, 'words')} w on w.mailbox_id = x.mailbox_id and w.email_id = x.email_id and w.thread_id = x.thread_id`;

/** Where the page begins, and the time that is asked for. */
const onPage = ({ after, compiled: { period } }: Asked): FragmentSqlToken => {
  const { from, until } = period;
  const place =
    after === null
      ? sql.fragment`true`
      : sql.fragment`(x.at, x.email_id, x.mailbox_id, x.thread_id)
          < (${after.at}::timestamptz, ${after.emailId}::uuid, ${after.mailboxId}::uuid, ${after.threadId}::uuid)`;
  return sql.fragment`${place}
    and ${from === null ? sql.fragment`true` : sql.fragment`x.at >= ${from}::timestamptz`}
    and ${until === null ? sql.fragment`true` : sql.fragment`x.at < ${until}::timestamptz`}`;
};
