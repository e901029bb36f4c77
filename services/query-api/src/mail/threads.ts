/** Lists of threads, and what is in one. */
import type { Place } from '@tidings/contracts/events/thread';
import { getThread, listThreadMessages, listThreads, MAIL_PAGE } from '@tidings/contracts/http/mail';
import type { View } from '@tidings/contracts/http/mail-objects';
import type { Position } from '@tidings/contracts/ports/event-log';
import { Timestamp } from '@tidings/contracts/time';
import { emailsOfThread } from '@tidings/projections/emails/index';
import { readThreads, THREAD_READS, withMarks } from '@tidings/projections/thread-marks/index';
import { type ListedThread, threadsInView } from '@tidings/projections/threads/index';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import * as t from 'io-ts';
import { invalid } from '../../../http-kit/src/errors.ts';
import { handle } from '../../../http-kit/src/handle.ts';
import type { Platform } from '../../../platform/src/platform.ts';
import { decodeCursor, encodeCursor } from '../chat/cursor.ts';
import { assertMailbox, noSuchThread, reachThread } from './access.ts';
import type { BodyReader } from './bodies.ts';
import { mailPage } from './page.ts';

const PositionText = new t.Type<Position, string>(
  'Position',
  (u): u is Position => typeof u === 'string',
  (u, c) => (typeof u === 'string' && /^[0-9A-Za-z]{16,40}$/.test(u) ? t.success(u as Position) : t.failure(u, c)), // opaque text of our own
  t.identity,
);
const Key = t.readonly(t.type({ at: Timestamp, position: PositionText }));
/** Where the walk began goes along, so that every page is of the same list. */
const WalkCursor = t.readonly(t.type({ began: Key, after: Key }));
/** A place in a thread. */
export const PositionCursor = t.readonly(t.type({ after: PositionText }));

export const registerThreads = (app: FastifyInstance, platform: Platform, bodies: BodyReader): void => {
  handle(
    app,
    platform,
    listThreads,
    async ({ actor, params: { mailboxId }, query, request }) => {
      refuseLaterFilters(request);
      const { view = 'inbox', unread = null, label, assignee, limit = MAIL_PAGE } = query;
      const walk = decodeCursor(WalkCursor, query.cursor);
      await assertMailbox(platform, actor, mailboxId, 'read');
      const among = withMarks(platform.liveSchema('thread-marks'), mailboxId, { label, assignee });
      const asked = { mailbox: mailboxId, view, unread, walk, limit: limit + 1, among };
      const found = await platform.read.any(threadsInView(platform.liveSchema('threads'), asked));
      const first = found[0];
      const cursorOf = (last: ListedThread): object => ({ began: walk?.began ?? keyOf(first ?? last), after: keyOf(last) });
      return mailPage(found, limit, cursorOf, await readThreads(platform, found));
    },
    { reads: ['mailboxes', ...THREAD_READS] },
  );

  handle(
    app,
    platform,
    getThread,
    async ({ actor, params: { threadId }, query: { mailboxId } }) => {
      const { thread, through } = await reachThread(platform, actor, threadId, mailboxId);
      const [shown] = await readThreads(platform, [thread], through);
      if (shown === undefined) throw noSuchThread();
      return shown;
    },
    { reads: ['mailboxes', ...THREAD_READS] },
  );

  handle(
    app,
    platform,
    listThreadMessages,
    async ({ actor, params: { threadId }, query: { mailboxId, view, cursor, limit = MAIL_PAGE } }) => {
      const after = decodeCursor(PositionCursor, cursor)?.after ?? null;
      const { thread } = await reachThread(platform, actor, threadId, mailboxId);
      const asked = {
        thread: threadId,
        mailbox: thread.mailboxId,
        places: view === undefined ? shownPlaces(thread) : placesOf[view],
        after,
      };
      const found = await platform.read.any(emailsOfThread(platform.liveSchema('emails'), { ...asked, limit: limit + 1 }));
      const content = await bodies.emails(found.slice(0, limit));
      const last = found[content.length - 1];
      const more = found.length > content.length;
      return { content, cursor: more && last !== undefined ? encodeCursor({ after: last.position }) : null };
    },
    { reads: ['mailboxes', 'threads', 'emails'] },
  );
};

const keyOf = ({ keyAt, keyPosition }: ListedThread): object => ({ at: keyAt, position: keyPosition });

/** Filters of the contract that are not there yet: answering as if they were would show the wrong threads. */
const refuseLaterFilters = ({ query }: FastifyRequest): void => {
  const asked = ['q'].filter((name) => typeof query === 'object' && query !== null && name in query);
  if (asked.length > 0) throw invalid(asked.map((path) => ({ path, message: 'is not supported yet' })));
};

const MAIN: readonly Place[] = ['inbox', 'archive', 'sent', 'drafts'];
const ASIDE: readonly Place[] = ['spam', 'trash'];

/** Spam and trash are left out, unless there is nothing else. */
export const shownPlaces = ({ inInbox, inArchive, inSent, inDrafts }: ListedThread): readonly Place[] =>
  inInbox + inArchive + inSent + inDrafts > 0 ? MAIN : ASIDE;

const placesOf: Readonly<Record<View, readonly Place[]>> = {
  inbox: ['inbox'],
  all: MAIN,
  starred: MAIN,
  sent: ['sent'],
  drafts: ['drafts'],
  archive: ['archive'],
  spam: ['spam'],
  trash: ['trash'],
};
