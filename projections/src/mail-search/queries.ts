/** `MailSearch` on Postgres full text. */
import type { MailFinds, MailHit, MailSearch } from '@tidings/contracts/ports/mail-search';
import type { WordQuery } from '@tidings/contracts/ports/word-index';
import { sql } from 'slonik';
import { tsquery } from '../search-words/text-search.ts';
import { inParts, nothing, questionCompiler, type ReadModels } from './asking.ts';
import { before, isNewer } from './places.ts';
import { segmentsOf, stretchBelow } from './segments.ts';
import { type Asked, byThreads, found, inStretch, meeting, ofThreads, walked } from './ways.ts';

/** How much is looked at, in emails, before a page goes out with what there is. */
export interface MailThresholds {
  /** So many of the newest are looked through first; as many as this, if the first look found so much that the page should be full by then. */
  readonly firstLook: number;
  readonly secondLook: number;
  /** Words in more of the first look than this are frequent: where there are others beside them, these are looked up, and they are looked at. */
  readonly frequent: number;
  /** At a time, and altogether, where words cannot be looked up in the index. */
  readonly look: number;
  readonly mostLooked: number;
  /** How many times as many where no words are asked for: a row is narrow. */
  readonly withoutWords: number;
  /** The first stretch of time in which words are looked up; the next ones are as long as it takes to fill the page. */
  readonly firstStretch: number;
  /** At a time, and altogether, of those that have the words. */
  readonly stretchHits: number;
  readonly mostHits: number;
  /** So many threads that bear a label are looked at each. */
  readonly fewThreads: number;
}
/** By bench/mail-search.ts. */
const THRESHOLDS: MailThresholds = {
  ...{ firstLook: 500, secondLook: 3_000, frequent: 25, look: 2_500, mostLooked: 8_000, withoutWords: 4 },
  ...{ firstStretch: 4_000, stretchHits: 3_000, mostHits: 8_000, fewThreads: 1_000 },
};
/** A stretch is at most so many times as long as the one before, and longer than it would have to be by this: words do not come evenly. */
const LONGER = 16;
const MARGIN = 1.5;
/** However small the stretches, so many questions are asked of the index. */
const MOST_STRETCHES = 8;

/**
 * The cheap ways first, each only if its answer is whole: what is asked of states alone is a walk along an index; frequent words fill a page from the
 * newest mails; others are looked up stretch by stretch of time. Where none of them fills the page, it goes out as it is and says where to go on.
 */
export const postgresMailSearch = (models: ReadModels, thresholds = THRESHOLDS): MailSearch => {
  const { read, liveSchema } = models;
  const compiler = questionCompiler(models);
  const searchOne = searcher(read, thresholds);

  return {
    find: async (question, { after, limit }) => {
      const { mailboxes } = question;
      if (mailboxes.length === 0) return nothing;
      const compile = await compiler(question);
      return inParts(
        question.query,
        (query): Asked => ({ schema: liveSchema('mail-search'), mailboxes, compiled: compile(query, wordsMeet), after }),
        (asked) => searchOne(asked, limit),
        limit,
      );
    },

    within: async (question, threads, most) => {
      const { mailboxes } = question;
      if (mailboxes.length === 0 || threads.length === 0) return [];
      const compiled = (await compiler(question))(question.query, wordsMeet);
      return read.any(ofThreads({ schema: liveSchema('mail-search'), mailboxes, compiled, after: null }, threads, most));
    },
  };
};

const wordsMeet = (query: WordQuery) => sql.fragment`w.words @@ ${tsquery(query)}::tsquery`;

/** One page of what is asked; of words only with a table of them. */
export const searcher = (read: ReadModels['read'], thresholds = THRESHOLDS): ((asked: Asked, limit: number) => Promise<MailFinds>) => {
  const searchOne = async (asked: Asked, limit: number): Promise<MailFinds> => {
    const { compiled: wanted } = asked;
    if (wanted.allowed.states.length === 0) return nothing;
    if (wanted.allowed.areAll) return { hits: found(await read.any(walked(asked, limit, limit))).hits, goOn: null };
    if (wanted.threads !== null) {
      const { hits, looked } = found(await read.any(byThreads(asked, wanted.threads, thresholds.fewThreads, limit)));
      if (looked < thresholds.fewThreads) return { hits, goOn: null };
    }
    const first = await look(asked, limit, thresholds.firstLook, thresholds.firstLook);
    if (first.goOn === null) return first;
    const rest = { ...asked, after: first.goOn };
    const more = await searchOn(rest, limit - first.hits.length, { promising: promisingLook(first, limit), rare: await rareNeeds(asked) });
    return { hits: [...first.hits, ...more.hits], goOn: more.goOn };
  };

  /** Behind a first look. */
  const searchOn = async (
    asked: Asked,
    limit: number,
    { promising, rare }: { readonly promising: number; readonly rare: readonly WordQuery[] },
  ): Promise<MailFinds> => {
    if (rare.length === 0) return look(asked, limit, thresholds.look, thresholds.mostLooked);
    if (promising > thresholds.secondLook) return lookUp(asked, rare, limit);
    const second = await look(asked, limit, promising, promising);
    if (second.goOn === null) return second;
    const more = await lookUp({ ...asked, after: second.goOn }, rare, limit - second.hits.length);
    return { hits: [...second.hits, ...more.hits], goOn: more.goOn };
  };

  const promisingLook = ({ hits }: MailFinds, limit: number): number =>
    hits.length === 0 ? Infinity : Math.ceil((thresholds.firstLook * (limit - hits.length) * MARGIN) / hits.length);

  /** To look up a frequent word, the index would gather all places of it. */
  const rareNeeds = async (asked: Asked): Promise<readonly WordQuery[]> => {
    const { needs } = asked.compiled;
    if (needs.length === 0) return needs;
    const [counted] = await read.any(meeting(asked, thresholds.firstLook, needs));
    return needs.filter((_, at) => (counted?.met[at] ?? 0) <= thresholds.frequent);
  };

  /** Through the newest, `step` at a time and `most` altogether. */
  const look = async (asked: Asked, limit: number, step: number, most: number): Promise<MailFinds> => {
    const times = asked.compiled.words === null ? thresholds.withoutWords : 1;
    const hits: MailHit[] = [];
    let { after } = asked;
    for (let seen = 0; seen < most * times; seen += step * times) {
      const { hits: fresh, looked, last } = found(await read.any(walked({ ...asked, after }, step * times, limit - hits.length)));
      hits.push(...fresh);
      if (hits.length >= limit || looked < step * times) return { hits, goOn: null };
      after = last;
    }
    return { hits, goOn: after };
  };

  /** By the index of words, from `after` towards the past. */
  const lookUp = async (asked: Asked, needs: readonly WordQuery[], limit: number): Promise<MailFinds> => {
    const segments = await read.any(segmentsOf(asked.schema, asked.mailboxes));
    const { from, until } = asked.compiled.period;
    const hits: MailHit[] = [];
    let { after } = asked;
    if (until !== null && (after === null || isNewer(after, before(until)))) after = before(until);
    let emails = thresholds.firstStretch;
    let looked = 0;
    for (let nth = 0; nth < MOST_STRETCHES && looked < thresholds.mostHits; nth++) {
      const stretch = stretchBelow(segments, after?.at ?? null, emails);
      if (stretch.emails === 0) return { hits, goOn: null };
      const here = found(await read.any(inStretch({ ...asked, after }, stretch, needs, limit - hits.length)));
      hits.push(...here.hits);
      if (hits.length >= limit || stretch.low === null || (from !== null && stretch.low <= from)) return { hits, goOn: null };
      after = before(stretch.low);
      looked += here.looked;
      const toFill = (stretch.emails * (limit - hits.length) * MARGIN) / Math.max(here.hits.length, MARGIN);
      const toHit = (stretch.emails * thresholds.stretchHits) / Math.max(here.looked, 1);
      emails = Math.min(toFill, toHit, stretch.emails * LONGER);
    }
    return { hits, goOn: after };
  };

  return searchOne;
};
