/** What every way of searching mail does with a question first, and with what several of them find at last. */
import type { MailQuery } from '@tidings/contracts/mail-query/ast';
import type { MailFinds, MailPlace, MailQuestion } from '@tidings/contracts/ports/mail-search';
import type { WordQuery } from '@tidings/contracts/ports/word-index';
import type { LiveSchema } from '@tidings/contracts/projection';
import { rows } from '@tidings/contracts/sql-rows';
import * as t from 'io-ts';
import { sql, type CommonQueryMethods, type FragmentSqlToken } from 'slonik';
import { tableIn } from '../chat-view/tables.ts';
import { asideOf, compile, type Compiled } from './conditions.ts';
import { MOST_WORDS } from './lexemes.ts';
import { isNewer } from './places.ts';
import { type Dictionaries, Stemmer } from './stems.ts';
import type { Asked } from './ways.ts';

export interface ReadModels {
  readonly read: Pick<CommonQueryMethods, 'any'>;
  readonly liveSchema: LiveSchema;
}

export const nothing: MailFinds = { hits: [], goOn: null };

export type WordsMeet = (query: WordQuery) => FragmentSqlToken;
/** Compiles a question's query, or a part of it. @param wordsMeet puts what is asked of an email's words as a condition of SQL */
export type Compile = (query: MailQuery, wordsMeet: WordsMeet) => Compiled;

/** Asks for the stems of what is searched, once for each word. */
export const questionCompiler = ({ read, liveSchema }: ReadModels): ((question: MailQuestion) => Promise<Compile>) => {
  const stemmer = new Stemmer();
  const dictionaries: Dictionaries = (words) =>
    read.any(
      sql.type(
        stemRows,
      )`select word, ${tableIn(liveSchema('mail-search'), 'stems')}(word) as stems from unnest(${sql.array(words, 'text')}) as word`,
    );
  return async (question) => {
    const texts = [...new Set(textsIn(question.query))];
    const words = await stemmer.stemmed(texts, MOST_WORDS, dictionaries);
    const terms = {
      ...question,
      aside: asideOf(question.query),
      schema: liveSchema('mail-search'),
      words: new Map(texts.map((text, at) => [text, words[at] ?? []])),
    };
    return (query, wordsMeet) => compile(query, { ...terms, wordsMeet });
  };
};

const stemRows = rows(t.readonly(t.type({ word: t.string, stems: t.readonlyArray(t.string) })));

const textsIn = (query: MailQuery): readonly string[] => {
  if (query.kind === 'all' || query.kind === 'any') return query.of.flatMap(textsIn);
  if (query.kind === 'not') return textsIn(query.query);
  return query.kind === 'text' ? [query.text] : [];
};

/** Where not each of several wishes is one of words, each is looked for in its own way. */
export const inParts = async <Part extends Asked>(
  query: MailQuery,
  ask: (query: MailQuery) => Part,
  search: (asked: Part) => Promise<MailFinds>,
  limit: number,
): Promise<MailFinds> => {
  const whole = ask(query);
  const isApart = query.kind === 'any' && whole.compiled.needs.length === 0 && !whole.compiled.allowed.areAll;
  const finds: MailFinds[] = [];
  for (const part of isApart ? query.of.map(ask) : [whole]) finds.push(await search(part));
  return together(finds, limit);
};

/** What several searches found of one page, as far as each of them has looked. */
const together = (finds: readonly MailFinds[], limit: number): MailFinds => {
  const [only, ...others] = finds;
  if (only !== undefined && others.length === 0) return only;
  const stops = finds.flatMap(({ goOn }) => goOn ?? []).toSorted(byPlace);
  const stop = stops[0] ?? null;
  const all = new Map(finds.flatMap(({ hits }) => hits.map((hit) => [hit.emailId + hit.mailboxId + hit.threadId, hit] as const)));
  const hits = [...all.values()]
    .filter((hit) => stop === null || !isNewer(stop, hit))
    .toSorted(byPlace)
    .slice(0, limit);
  return { hits, goOn: hits.length < limit ? stop : null };
};

const byPlace = (a: MailPlace, b: MailPlace): number => (isNewer(a, b) ? -1 : isNewer(b, a) ? 1 : 0);
