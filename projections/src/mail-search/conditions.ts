/** A question's query as conditions of SQL on `x`, a row of `email`; what it asks of words is put by whoever knows where these are. */
import { isDeepStrictEqual } from 'node:util';
import type { Place } from '@tidings/contracts/events/thread';
import type { MailboxId, UserId } from '@tidings/contracts/ids';
import type { MailCondition, MailQuery, MailState } from '@tidings/contracts/mail-query/ast';
import { stretchOf } from '@tidings/contracts/mail-query/when';
import type { WordQuery } from '@tidings/contracts/ports/word-index';
import { type Timestamp, timestamp } from '@tidings/contracts/time';
import { sql, type FragmentSqlToken } from 'slonik';
import { tableIn } from '../chat-view/tables.ts';
import { foldedName } from './labels.ts';
import { and, attachmentQuery, largerQuery, or, personQuery, textQuery } from './lexemes.ts';
import { type Allowed, allowedStates } from './states.ts';
import type { StemmedWord } from './stems.ts';

/** What a query is compiled with. */
export interface Terms {
  readonly schema: string;
  /** Of each text of the query. */
  readonly words: ReadonlyMap<string, readonly StemmedWord[]>;
  readonly mailboxes: readonly MailboxId[];
  readonly searcher: UserId;
  readonly now: number;
  /** Places that are left out. */
  readonly aside: ReadonlySet<Place>;
  /** A condition of SQL: the email's words meet this. */
  readonly wordsMeet: (query: WordQuery) => FragmentSqlToken;
}

export interface Compiled {
  readonly allowed: Allowed;
  /** Between these times; `until` is not in it. */
  readonly period: Period;
  /** Looks at `email` alone, so it costs little. */
  readonly plain: FragmentSqlToken;
  /** The rest; null when nothing is asked of words. */
  readonly words: FragmentSqlToken | null;
  /** Each true of everything found, for the index of words; none when words do not narrow it. */
  readonly needs: readonly WordQuery[];
  /** What is in the index by all `needs` meets `words` too. */
  readonly isEnough: boolean;
  /** Selects the threads that everything found is in; null when the query does not name them. */
  readonly threads: FragmentSqlToken | null;
}

interface Period {
  readonly from: Timestamp | null;
  readonly until: Timestamp | null;
}

export const compile = (query: MailQuery, terms: Terms): Compiled => {
  const parts = query.kind === 'all' ? query.of : [query];
  const plain = parts.filter((part) => !asksWords(part));
  const worded = parts.filter(asksWords);
  const all = (some: readonly MailQuery[]): FragmentSqlToken =>
    joined(
      some.map((part) => conditionOf(part, terms)),
      sql.fragment` and `,
    );
  const aside = [...terms.aside].map((place) => sql.fragment`x.place <> ${sql.literalValue(place)}`);
  return {
    allowed: allowedStates(query, terms.aside),
    period: periodOf(parts, terms.now),
    plain: joined([...plain.map((part) => conditionOf(part, terms)), ...aside], sql.fragment` and `),
    words: worded.length === 0 ? null : all(worded),
    needs: parts.flatMap((part) => necessaryOf(part, terms) ?? []),
    isEnough: worded.every((part) => isOneQuery(part, terms)),
    threads: parts.flatMap((part) => threadsOf(part, terms) ?? [])[0] ?? null,
  };
};

/** Whether the index alone tells. */
const isOneQuery = (part: MailQuery, terms: Terms): boolean => {
  const whole = wordsOnly(part, terms);
  return whole !== null && isDeepStrictEqual(whole, necessaryOf(part, terms));
};

/** What all of `parts` leave of time. */
const periodOf = (parts: readonly MailQuery[], now: number): Period => {
  let [from, until] = [-Infinity, Infinity];
  for (const part of parts) {
    if (part.kind !== 'date') continue;
    const { start, day } = stretchOf(part.when, now);
    if (part.bound === 'before') until = Math.min(until, start);
    else from = Math.max(from, part.bound === 'after' ? start : day.start);
    if (part.bound === 'on') until = Math.min(until, day.end);
  }
  return { from: from === -Infinity ? null : timestamp(from), until: until === Infinity ? null : timestamp(until) };
};

/** Of a condition on threads, those that meet it. */
const threadsOf = (part: MailQuery, { schema, searcher, ...terms }: Terms): FragmentSqlToken | null => {
  if (part.kind === 'label') return sql.fragment`select thread_id from (${labelledThreads(part.name, { schema, searcher, ...terms })}) m`;
  if (part.kind !== 'is' || part.state !== 'assigned-to-me') return null;
  return sql.fragment`select a.thread_id from ${tableIn(schema, 'assigned')} a where a.user_id = ${searcher}`;
};

const asksWords = (query: MailQuery): boolean => {
  if (query.kind === 'all' || query.kind === 'any') return query.of.some(asksWords);
  if (query.kind === 'not') return asksWords(query.query);
  return query.kind === 'text' || query.kind === 'person';
};

/** Trash and spam are left out, unless they are asked for anywhere in the query. */
export const asideOf = (query: MailQuery): ReadonlySet<Place> => {
  const asked = new Set(viewsIn(query));
  return new Set((['spam', 'trash'] as const).filter((place) => !asked.has(place)));
};

const viewsIn = (query: MailQuery): readonly string[] => {
  if (query.kind === 'all' || query.kind === 'any') return query.of.flatMap(viewsIn);
  if (query.kind === 'not') return viewsIn(query.query);
  return query.kind === 'in' ? [query.view] : [];
};

const conditionOf = (query: MailQuery, terms: Terms): FragmentSqlToken => {
  const whole = wordsOnly(query, terms);
  if (whole !== null) return terms.wordsMeet(whole);
  if (query.kind === 'all')
    return joined(
      query.of.map((one) => conditionOf(one, terms)),
      sql.fragment` and `,
    );
  if (query.kind === 'any')
    return joined(
      query.of.map((one) => conditionOf(one, terms)),
      sql.fragment` or `,
    );
  if (query.kind === 'not') return sql.fragment`not (${conditionOf(query.query, terms)})`;
  return plainCondition(query, terms);
};

const joined = (conditions: readonly FragmentSqlToken[], glue: FragmentSqlToken): FragmentSqlToken =>
  conditions.length === 0 ? sql.fragment`true` : sql.fragment`(${sql.join(conditions, glue)})`;

/** The query as one of words, if they are all that it asks for. */
const wordsOnly = (query: MailQuery, terms: Terms): WordQuery | null => {
  if (query.kind === 'text') return textQuery(query, terms.words.get(query.text) ?? []);
  if (query.kind === 'person') return personQuery(query);
  if (query.kind === 'not') {
    const inner = wordsOnly(query.query, terms);
    return inner === null ? null : { kind: 'not', query: inner };
  }
  if (query.kind !== 'all' && query.kind !== 'any') return null;
  const parts = query.of.map((one) => wordsOnly(one, terms));
  const known = parts.filter((part) => part !== null);
  if (known.length < parts.length) return null;
  return query.kind === 'all' ? and(known) : or(known);
};

const necessaryOf = (query: MailQuery, terms: Terms): WordQuery | null => {
  if (query.kind === 'text' || query.kind === 'person') return wordsOnly(query, terms);
  if (query.kind === 'attachment') return attachmentQuery();
  if (query.kind === 'size' && query.bound === 'larger') return largerQuery(query.bytes);
  if (query.kind !== 'all' && query.kind !== 'any') return null;
  const parts = query.of.map((one) => necessaryOf(one, terms));
  const known = parts.filter((part) => part !== null);
  if (known.length === 0) return null;
  if (query.kind === 'all') return and(known);
  return known.length < parts.length ? null : or(known);
};

const plainCondition = (condition: MailCondition, terms: Terms): FragmentSqlToken => {
  switch (condition.kind) {
    case 'text':
    case 'person':
      throw new Error('conditions on words are no others'); // `wordsOnly` has them all
    case 'attachment':
      return sql.fragment`x.has_attachments`;
    case 'in':
      if (condition.view === 'all') return sql.fragment`x.place <> 'spam' and x.place <> 'trash'`;
      return condition.view === 'starred' ? sql.fragment`x.starred` : sql.fragment`x.place = ${sql.literalValue(condition.view)}`;
    case 'label':
      return sql.fragment`(x.mailbox_id, x.thread_id) in (${labelledThreads(condition.name, terms)})`;
    case 'is':
      return stateCondition(condition.state, terms);
    case 'date': {
      const { start, day } = stretchOf(condition.when, terms.now);
      const at = (ms: number): FragmentSqlToken => sql.fragment`${timestamp(ms)}::timestamptz`;
      if (condition.bound === 'before') return sql.fragment`x.at < ${at(start)}`;
      return condition.bound === 'after'
        ? sql.fragment`x.at >= ${at(start)}`
        : sql.fragment`(x.at >= ${at(day.start)} and x.at < ${at(day.end)})`;
    }
    case 'size':
      return condition.bound === 'larger'
        ? sql.fragment`x.size > ${condition.bytes}::int8`
        : sql.fragment`x.size < ${condition.bytes}::int8`;
  }
};

/** A label's, or one's below it. Primary keys (mailbox_id, label_id) and (mailbox_id, label_id, thread_id). */
const labelledThreads = (name: string, { schema, mailboxes }: Terms): FragmentSqlToken => sql.fragment`
  select m.mailbox_id, m.thread_id from ${tableIn(schema, 'label')} l join ${tableIn(schema, 'labelled')} m using (mailbox_id, label_id)
  where l.mailbox_id = any(${sql.array(mailboxes, 'uuid')})
    and (l.name = ${foldedName(name)} or starts_with(l.name, ${`${foldedName(name)}/`}))`;

const stateCondition = (state: MailState, { schema, searcher }: Terms): FragmentSqlToken => {
  switch (state) {
    case 'unread':
      return sql.fragment`x.unread`;
    case 'read':
      return sql.fragment`not x.unread`;
    case 'starred':
      return sql.fragment`x.starred`;
    case 'unassigned':
      return sql.fragment`not exists (select from ${tableIn(schema, 'assigned')} a where a.thread_id = x.thread_id)`;
    case 'assigned-to-me':
      return sql.fragment`x.thread_id in (select a.thread_id from ${tableIn(schema, 'assigned')} a where a.user_id = ${searcher})`;
  }
};
