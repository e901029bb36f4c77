/** `GET /api/search`, and `q` on lists of threads: found by the search, shown by the read models of threads and emails. */
import { MAIL_PAGE } from '@tidings/contracts/http/mail';
import type { MailPage } from '@tidings/contracts/http/mail-objects';
import { type FoundThread, MOST_FOUND_EMAILS, searchMail } from '@tidings/contracts/http/mail-search';
import { EmailId, MailboxId, ThreadId } from '@tidings/contracts/ids';
import type { MailQuery, QueryFault } from '@tidings/contracts/mail-query/ast';
import { parseMailQuery } from '@tidings/contracts/mail-query/parse';
import type { MailHit, MailPlace, MailQuestion, MailSearch } from '@tidings/contracts/ports/mail-search';
import { Timestamp } from '@tidings/contracts/time';
import { mailTexts } from '@tidings/infra/mime/mail-texts';
import { emailsAt, type HeldEmail } from '@tidings/projections/emails/index';
import { isNewer, mailSnippet } from '@tidings/projections/mail-search/index';
import { readThreads, THREAD_READS } from '@tidings/projections/thread-marks/index';
import { type ListedThread, threadsIn } from '@tidings/projections/threads/index';
import type { FastifyInstance } from 'fastify';
import * as E from 'fp-ts/lib/Either.js';
import * as t from 'io-ts';
import { invalid } from '../../../http-kit/src/errors.ts';
import { handle } from '../../../http-kit/src/handle.ts';
import type { Platform } from '../../../platform/src/platform.ts';
import { mailSearchOf } from '../../../platform/src/searches.ts';
import { decodeCursor, encodeCursor } from '../chat/cursor.ts';
import { noSuchMailbox, readableMailboxes } from './access.ts';

const Place = t.readonly(t.type({ at: Timestamp, emailId: EmailId, mailboxId: MailboxId, threadId: ThreadId }));
/** Where the walk began, in the list and in time, goes along, so that every page is of the same list. */
const FoundCursor = t.readonly(t.type({ began: Place, after: Place, now: t.number }));
type FoundCursor = t.TypeOf<typeof FoundCursor>;

export const registerMailSearch = (app: FastifyInstance, platform: Platform): void => {
  const search = mailSearchOf(platform);

  handle(
    app,
    platform,
    searchMail,
    async ({ actor, query: { q, mailboxId, cursor, limit = MAIL_PAGE } }) => {
      const query = queryOf(q);
      const mailboxes = await readableMailboxes(platform, actor, mailboxId);
      if (mailboxId !== undefined && mailboxes.length === 0) throw noSuchMailbox();
      const { found, next } = await findThreads(platform, search, { query, mailboxes, searcher: actor.userId }, cursor, limit);
      const snippets = await snippetsOf(platform, query, found);
      const threads = await readThreads(
        platform,
        found.map(({ row }) => row),
      );
      const content = found.flatMap(({ hits: [newest, ...older] }, at): readonly FoundThread[] => {
        const thread = threads[at];
        if (thread === undefined || newest === undefined) return [];
        const emailIds = [newest, ...older].map(({ emailId }) => emailId);
        return [{ thread, mailboxId: newest.mailboxId, emailIds, snippet: snippets.get(keyOf(newest)) ?? thread.snippet }];
      });
      return { content, cursor: next };
    },
    { reads: ['mail-search', 'mailboxes', 'emails', ...THREAD_READS] },
  );
};

/** @throws ApiError 400 that tells the place of the fault */
export const queryOf = (typed: string): MailQuery =>
  E.getOrElseW(({ offset, length, expected }: QueryFault): never => {
    throw invalid([{ path: 'q', message: `is not understood at character ${offset + 1}: expected ${expected}`, offset, length }]);
  })(parseMailQuery(typed));

/** A page of threads found, as a list of one mailbox shows it. @throws ApiError 400 for a foreign cursor */
export const listFound = async (
  platform: Platform,
  search: MailSearch,
  asked: Omit<MailQuestion, 'now'>,
  cursor: string | undefined,
  limit: number,
): Promise<MailPage<FoundThread['thread']>> => {
  const { found, next } = await findThreads(platform, search, asked, cursor, limit);
  const content = await readThreads(
    platform,
    found.map(({ row }) => row),
  );
  return { content, cursor: next };
};

interface Found {
  readonly row: ListedThread;
  /** At least one, the newest first. */
  readonly hits: readonly MailHit[];
}

/** Threads by their newest email that is found, each once in a walk, whatever arrives meanwhile. */
const findThreads = async (
  { read, liveSchema, now }: Platform,
  search: MailSearch,
  asked: Omit<MailQuestion, 'now'>,
  cursor: string | undefined,
  limit: number,
): Promise<{ readonly found: readonly Found[]; readonly next: string | null }> => {
  const walk = decodeCursor(FoundCursor, cursor);
  const question: MailQuestion = { ...asked, now: walk?.now ?? now() };
  const { listed, goOn } = await listedThreads(search, question, walk, limit + 1);
  const page = listed.slice(0, limit);
  const rows = page.length === 0 ? [] : await read.any(threadsIn(liveSchema('threads'), page.map(threadOf), question.mailboxes));
  const rowOf = new Map(rows.map((row) => [row.threadId + row.mailboxId, row]));
  // What the list of threads does not know yet is left out; the next page begins where it should all the same.
  const found = page.flatMap((hits): readonly Found[] => {
    const row = rowOf.get(threadOf(hits) + (hits[0]?.mailboxId ?? ''));
    return row === undefined ? [] : [{ row, hits }];
  });
  const began = walk?.began ?? page[0]?.[0] ?? goOn ?? undefined;
  const last = listed.length > limit ? page.at(-1)?.find((hit) => began === undefined || !isNewer(hit, began)) : undefined;
  const after = last ?? goOn ?? undefined;
  return {
    found,
    next: began === undefined || after === undefined ? null : encodeCursor(FoundCursor.encode({ began, after, now: question.now })),
  };
};

const threadOf = (hits: readonly MailHit[]): ThreadId => {
  const [newest] = hits;
  if (newest === undefined) throw new Error('a thread was found without an email');
  return newest.threadId;
};

/** So many emails are looked at in a round, the more the longer a few threads fill it. */
const FIRST_ROUND = 1.5;
const MOST_ROUNDS = 5;

interface Listed {
  readonly listed: readonly (readonly MailHit[])[];
  /** As of the search itself: the page may be short, and this is where the next one goes on. */
  readonly goOn: MailPlace | null;
}

/** The emails found of each of up to `most` threads. */
const listedThreads = async (search: MailSearch, question: MailQuestion, walk: FoundCursor | null, most: number): Promise<Listed> => {
  const listed: (readonly MailHit[])[] = [];
  const met = new Set<ThreadId>();
  let after: MailPlace | null = walk?.after ?? null;
  for (let nth = 0; nth < MOST_ROUNDS; nth++) {
    const round = Math.ceil(most * FIRST_ROUND * 2 ** nth);
    const { hits, goOn } = await search.find(question, { after, limit: round });
    const fresh = [...new Set(hits.map(({ threadId }) => threadId))].filter((id) => !met.has(id));
    for (const id of fresh) met.add(id);
    const of = Map.groupBy(await search.within(question, fresh, MOST_FOUND_EMAILS), ({ threadId }) => threadId);
    for (const id of fresh) {
      const all = of.get(id) ?? [];
      const newest = all.find((hit) => walk === null || !isNewer(hit, walk.began));
      // With an email above the page's beginning it stood on a page before.
      if (newest !== undefined && (walk === null || isNewer(walk.after, newest))) listed.push(all);
    }
    if (listed.length >= most) return { listed: listed.slice(0, most), goOn: null };
    if (goOn !== null || hits.length < round) return { listed, goOn };
    after = hits.at(-1) ?? null;
  }
  return { listed, goOn: after };
};

/** Longer texts are not looked through for what to show of them. */
const SNIPPET_CHARS = 100_000;

/** Of the newest email of each thread, the part that was found; where nothing of its text was, its beginning. */
const snippetsOf = async (
  { read, liveSchema, blobs }: Platform,
  query: MailQuery,
  found: readonly Found[],
): Promise<ReadonlyMap<string, string>> => {
  if (found.length === 0) return new Map();
  const texts = mailTexts(blobs);
  const emails = await read.any(
    emailsAt(
      liveSchema('emails'),
      found.flatMap(({ hits }) => hits.slice(0, 1)),
    ),
  );
  const snippetOf = async ({ content, bodyBlobId }: HeldEmail): Promise<string> => {
    if (content === null) return '';
    const short = mailSnippet(content.preview, query);
    if (short !== null || !asksText(query)) return short ?? content.preview;
    const text = await texts.read(bodyBlobId);
    return mailSnippet(text?.body.slice(0, SNIPPET_CHARS) ?? '', query) ?? content.preview;
  };
  return new Map(await Promise.all(emails.map(async (email) => [keyOf(email), await snippetOf(email)] as const)));
};

const asksText = (query: MailQuery): boolean => {
  if (query.kind === 'all' || query.kind === 'any') return query.of.some(asksText);
  return query.kind === 'text' && (query.field === 'any' || query.field === 'body');
};

const keyOf = ({ emailId, mailboxId }: Pick<MailHit, 'emailId' | 'mailboxId'>): string => emailId + mailboxId;
