/**
 * `MailSearch` on an index of words beside Postgres. The index says which emails have the words, newest first, and Postgres which of these the mailboxes hold
 * and what was done with them: so nothing is found that is not there, however far the index is ahead. What is not asked of words is Postgres' alone.
 */
import type { MailQuery } from '@tidings/contracts/mail-query/ast';
import type { MailFinds, MailHit, MailPlace, MailQuestion, MailSearch } from '@tidings/contracts/ports/mail-search';
import { ThreadId } from '@tidings/contracts/ids';
import type { WordIndex, WordQuery } from '@tidings/contracts/ports/word-index';
import { rows } from '@tidings/contracts/sql-rows';
import * as t from 'io-ts';
import { sql } from 'slonik';
import { indexOf, inIndex } from '../search-words/index-page.ts';
import { type Compile, inParts, nothing, questionCompiler, type ReadModels } from './asking.ts';
import { and } from './lexemes.ts';
import { searcher } from './queries.ts';
import { amongCandidates, type Asked, type Candidate, candidateMeets, ofThreads } from './ways.ts';
import { mailPlace, wordPlace } from './words-index.ts';

/** In emails that have the words. */
export interface IndexThresholds {
  /** At a time; the first time fewer, as many as fill a page if nearly all are found. */
  readonly step: number;
  /** Altogether, before a page goes out with what there is. */
  readonly most: number;
  /** So many threads that bear a label are asked for by name. */
  readonly fewThreads: number;
}
const THRESHOLDS: IndexThresholds = { step: 1_000, most: 8_000, fewThreads: 1_000 };
const MARGIN = 1.5;

/** A question, and what is asked of the words of each candidate. */
interface AskedOfIndex extends Asked {
  readonly judge: readonly WordQuery[];
}

export const indexedMailSearch = (models: ReadModels, index: WordIndex, thresholds = THRESHOLDS): MailSearch => {
  const { read, liveSchema } = models;
  const compiler = questionCompiler(models);
  const byStates = searcher(read);

  const searchOne = async (asked: AskedOfIndex, limit: number): Promise<MailFinds> => {
    if (asked.compiled.allowed.states.length === 0) return nothing;
    if (!asksIndex(asked)) return byStates(asked, limit);
    const threads = await fewThreads(asked);
    if (threads?.length === 0) return nothing;
    const hits: MailHit[] = [];
    let { after } = asked;
    let step = Math.min(thresholds.step, Math.ceil(limit * MARGIN));
    for (let looked = 0; looked < thresholds.most; looked += step) {
      const some = await candidates({ ...asked, after }, threads, step);
      hits.push(...(await among({ ...asked, after }, some, limit - hits.length)));
      if (hits.length >= limit || some.length < step) return { hits, goOn: null };
      after = some.at(-1)?.place ?? null;
      step = thresholds.step;
    }
    return { hits, goOn: after };
  };

  /** The next emails that have the words, newest first. @param threads only in these */
  const candidates = async (
    { schema, mailboxes, compiled, after, judge }: AskedOfIndex,
    threads: readonly ThreadId[] | null,
    limit: number,
  ): Promise<readonly Candidate[]> => {
    const found = await inIndex(read, schema, [], () =>
      index.find(indexOf(schema), {
        query: compiled.needs.length === 0 ? null : and(compiled.needs),
        within: [mailboxes, ...(threads === null ? [] : [threads])],
        without: [],
        ...compiled.period,
        after: after === null ? null : wordPlace(after),
        limit,
        judge,
      }),
    );
    return found.map((hit) => ({ place: mailPlace(hit), met: hit.met.map((is) => (is ? '1' : '0')).join('') }));
  };

  const among = async (asked: Asked, some: readonly Candidate[], limit: number): Promise<readonly MailHit[]> =>
    some.length === 0 ? [] : read.any(amongCandidates(asked, some, limit));

  /** Those that everything found is in, where the query names few. */
  const fewThreads = async ({ compiled: { threads } }: Asked): Promise<readonly ThreadId[] | null> => {
    if (threads === null) return null;
    const named = await read.any(
      sql.type(threadRows)`select distinct thread_id as "threadId" from (${threads} limit ${thresholds.fewThreads}) t`,
    );
    return named.length < thresholds.fewThreads ? named.map(({ threadId }) => threadId) : null;
  };

  const asking =
    (question: MailQuestion, compile: Compile, after: MailPlace | null) =>
    (query: MailQuery): AskedOfIndex => {
      const judge: WordQuery[] = [];
      const compiled = compile(query, (words) => candidateMeets(judge.push(words) - 1));
      const asked = { schema: liveSchema('mail-search'), mailboxes: question.mailboxes, after };
      // What the index finds meets all of the words then: it need not be asked twice.
      return compiled.isEnough ? { ...asked, compiled: { ...compiled, words: null }, judge: [] } : { ...asked, compiled, judge };
    };

  return {
    find: async (question, { after, limit }) => {
      if (question.mailboxes.length === 0) return nothing;
      const ask = asking(question, await compiler(question), after);
      return inParts(question.query, ask, (asked) => searchOne(asked, limit), limit);
    },

    within: async (question, threads, most) => {
      if (question.mailboxes.length === 0 || threads.length === 0) return [];
      const asked = asking(question, await compiler(question), null)(question.query);
      if (!asksIndex(asked)) return read.any(ofThreads(asked, threads, most));
      const hits = new Map<ThreadId, MailHit[]>(threads.map((id) => [id, []]));
      for (let after: MailPlace | null = null; ;) {
        const open = [...hits].flatMap(([id, found]) => (found.length < most ? [id] : []));
        if (open.length === 0) break;
        const some = await candidates({ ...asked, after }, open, thresholds.step);
        for (const hit of await among(asked, some, some.length)) hits.get(hit.threadId)?.push(hit);
        after = some.at(-1)?.place ?? null;
        if (some.length < thresholds.step) break;
      }
      return [...hits.values()].flatMap((found) => found.slice(0, most));
    },
  };
};

/** Also for the size of a mail, and whether something is attached: these are words of the index too. */
const asksIndex = ({ compiled, judge }: AskedOfIndex): boolean => compiled.needs.length > 0 || judge.length > 0;

const threadRows = rows(t.readonly(t.type({ threadId: ThreadId })));
