/** `MailSearch` on Postgres full text. */
import { nullable } from '@tidings/contracts/codec';
import { EmailId, MailboxId, ThreadId } from '@tidings/contracts/ids';
import type { MailQuery } from '@tidings/contracts/mail-query/ast';
import type { MailHit, MailPlace, MailQuestion, MailSearch } from '@tidings/contracts/ports/mail-search';
import type { LiveSchema } from '@tidings/contracts/projection';
import { rows } from '@tidings/contracts/sql-rows';
import { Timestamp } from '@tidings/contracts/time';
import * as t from 'io-ts';
import { sql, type CommonQueryMethods, type FragmentSqlToken } from 'slonik';
import { tableIn } from '../chat-view/tables.ts';
import { compile, type Compiled } from './conditions.ts';
import { and, mailboxesQuery, MOST_WORDS } from './lexemes.ts';
import { type Dictionaries, Stemmer } from './stems.ts';

/** Where one way of searching gives way to the next, in emails. */
export interface MailThresholds {
  /** So many of the newest are looked through first. */
  readonly firstLook: number;
  /** As far as this if the first look found so much that the page should be full by then; and if the words are frequent after all. */
  readonly secondLook: number;
  readonly longLook: number;
  /** Words in fewer emails than this are rare: all of these are fetched and sorted. */
  readonly rare: number;
}
/** By bench/mail-search.ts. */
const THRESHOLDS: MailThresholds = { firstLook: 500, secondLook: 3_000, longLook: 10_000, rare: 15_000 };
/** Words do not come evenly. */
const MARGIN = 1.5;
/** Who reads more mailboxes than this is found theirs among all that the words find. */
const MOST_MAILBOXES_IN_INDEX = 32;

interface ReadModels {
  readonly read: Pick<CommonQueryMethods, 'any'>;
  readonly liveSchema: LiveSchema;
}

const Hit = t.readonly(t.type({ at: Timestamp, emailId: EmailId, mailboxId: MailboxId, threadId: ThreadId }));
const hitRows = rows<MailHit>(Hit);
const columns = sql.fragment`x.at, x.email_id as "emailId", x.mailbox_id as "mailboxId", x.thread_id as "threadId"`;
const newestFirst = sql.fragment`order by x.at desc, x.email_id desc, x.mailbox_id desc, x.thread_id desc`;

/** One page's question, ready to be put in several ways. */
interface Asked {
  readonly schema: string;
  readonly mailboxes: readonly MailboxId[];
  readonly compiled: Compiled;
  readonly after: MailPlace | null;
  readonly limit: number;
}

/**
 * As with messages (docs/decisions/019): frequent words fill a page from the newest mails, rare ones are few by the index of words, and the cheap
 * ways come first, each only if its answer is whole. What asks for no words is a walk along an index.
 */
export const postgresMailSearch = ({ read, liveSchema }: ReadModels, thresholds = THRESHOLDS): MailSearch => {
  const stemmer = new Stemmer();
  const dictionaries: Dictionaries = (words) =>
    read.any(
      sql.type(
        stemRows,
      )`select word, ${tableIn(liveSchema('mail-search'), 'stems')}(word) as stems from unnest(${sql.array(words, 'text')}) as word`,
    );

  const compiled = async ({ query, searcher, now }: MailQuestion): Promise<Compiled> => {
    const texts = [...new Set(textsIn(query))];
    const words = await stemmer.stemmed(texts, MOST_WORDS, dictionaries);
    return compile(query, {
      schema: liveSchema('mail-search'),
      words: new Map(texts.map((text, at) => [text, words[at] ?? []])),
      searcher,
      now,
    });
  };

  return {
    find: async (question, { after, limit }) => {
      if (question.mailboxes.length === 0) return [];
      const schema = liveSchema('mail-search');
      const asked: Asked = { schema, mailboxes: question.mailboxes, compiled: await compiled(question), after, limit };
      const isWhole = (page: readonly MailHit[]): boolean => page.length >= limit;
      if (asked.compiled.words === null) return read.any(amongNewest(asked, limit));

      const first = await read.any(amongNewest(asked, thresholds.firstLook));
      if (isWhole(first)) return first;
      const { necessary } = asked.compiled;
      if (necessary === null) return read.any(amongNewest(asked, null));
      const promising = Math.ceil((thresholds.firstLook * limit * MARGIN) / (first.length + 1));
      const second = promising <= thresholds.secondLook ? await read.any(amongNewest(asked, promising)) : first;
      if (isWhole(second)) return second;
      const rare = await read.any(byRareWords(asked, necessary, thresholds.rare));
      if ((rare[0]?.hits ?? 0) < thresholds.rare) return rare.flatMap(({ hit }) => hit ?? []);
      const long = await read.any(amongNewest(asked, thresholds.longLook));
      return isWhole(long) ? long : read.any(byWords(asked, necessary));
    },

    within: async (question, threads, most) => {
      if (question.mailboxes.length === 0 || threads.length === 0) return [];
      const { plain, words } = await compiled(question);
      const schema = liveSchema('mail-search');
      return read.any(sql.type(hitRows)`
        select x.* from unnest(${sql.array(threads, 'uuid')}) as asked (thread_id) cross join lateral (
          select ${columns} from ${tableIn(schema, 'email')} x ${words === null ? sql.fragment`` : withWords(schema)}
          where x.thread_id = asked.thread_id and x.mailbox_id = any(${sql.array(question.mailboxes, 'uuid')})
            and ${plain} and ${words ?? sql.fragment`true`}
          ${newestFirst} limit ${most}
        ) x order by x.at desc, x."emailId" desc, x."mailboxId" desc, x."threadId" desc`);
    },
  };
};

const stemRows = rows(t.readonly(t.type({ word: t.string, stems: t.readonlyArray(t.string) })));

const textsIn = (query: MailQuery): readonly string[] => {
  if (query.kind === 'all' || query.kind === 'any') return query.of.flatMap(textsIn);
  if (query.kind === 'not') return textsIn(query.query);
  return query.kind === 'text' ? [query.text] : [];
};

const withWords = (schema: string): FragmentSqlToken =>
  sql.fragment`join ${tableIn(schema, 'words')} w on w.mailbox_id = x.mailbox_id and w.email_id = x.email_id`;

/** A walk along an index (mailbox_id, at, email_id, thread_id) of each mailbox, that ends after `most` emails, or with the page. */
const amongNewest = ({ schema, mailboxes, compiled: { plain, words }, after, limit }: Asked, most: number | null) => sql.type(hitRows)`
  select ${columns} from (
    select x.* from unnest(${sql.array(mailboxes, 'uuid')}) as mine (mailbox_id) cross join lateral (
      select x.* from ${tableIn(schema, 'email')} x
      where x.mailbox_id = mine.mailbox_id and ${onPage(after)} and ${plain}
      order by x.at desc, x.email_id desc, x.thread_id desc ${upTo(most)}
    ) x ${newestFirst} ${upTo(most)}
  ) x ${words === null ? sql.fragment`` : withWords(schema)}
  where ${words ?? sql.fragment`true`} ${newestFirst} limit ${limit}`;

const upTo = (most: number | null): FragmentSqlToken => (most === null ? sql.fragment`` : sql.fragment`limit ${most}`);

/** All that the index of words finds, then sorted. `offset 0` keeps the planner from guessing that a walk in order would end sooner. */
const byWords = (asked: Asked, necessary: string) => sql.type(hitRows)`
  select ${columns} from (${inIndex(asked, necessary)} offset 0) w ${foundAmong(asked)}`;

/** The same if it is fewer than `most`, and in each row how many the index found: the index is asked once for both. */
const byRareWords = (asked: Asked, necessary: string, most: number) => sql.type(rareRows)`
  with w as materialized (${inIndex(asked, necessary)} limit ${most})
  select counted.hits, hit from (select count(*) as hits from w) counted
  left join lateral (
    select json_build_object('at', x.at, 'emailId', x.email_id, 'mailboxId', x.mailbox_id, 'threadId', x.thread_id) as hit
    from w ${foundAmong(asked)}
  ) found on counted.hits < ${most}`;

const rareRows = rows(t.readonly(t.type({ hits: t.number, hit: nullable(Hit) })));

const inIndex = (asked: Asked, necessary: string): FragmentSqlToken =>
  sql.fragment`select mailbox_id, email_id, words from ${tableIn(asked.schema, 'words')} where ${byIndex(asked, necessary)}`;

const foundAmong = ({ schema, mailboxes, compiled: { plain, words }, after, limit }: Asked): FragmentSqlToken => sql.fragment`
  join ${tableIn(schema, 'email')} x on x.mailbox_id = w.mailbox_id and x.email_id = w.email_id
  where x.mailbox_id = any(${sql.array(mailboxes, 'uuid')}) and ${onPage(after)} and ${plain} and ${words ?? sql.fragment`true`}
  ${newestFirst} limit ${limit}`;

const byIndex = ({ mailboxes }: Asked, necessary: string): FragmentSqlToken => {
  const query = mailboxes.length > MOST_MAILBOXES_IN_INDEX ? necessary : and([mailboxesQuery(mailboxes), necessary]);
  return sql.fragment`words @@ ${query}::tsquery`;
};

/** Where the page begins. */
const onPage = (after: MailPlace | null): FragmentSqlToken =>
  after === null
    ? sql.fragment`true`
    : sql.fragment`(x.at, x.email_id, x.mailbox_id, x.thread_id)
        < (${after.at}::timestamptz, ${after.emailId}::uuid, ${after.mailboxId}::uuid, ${after.threadId}::uuid)`;
