/** Lists of threads, and what is in one. */
import type { Place } from '@tidings/contracts/events/thread';
import { getThread, listThreadMessages, listThreads, MAIL_PAGE } from '@tidings/contracts/http/mail';
import type { View } from '@tidings/contracts/http/mail-objects';
import type { MailQuery } from '@tidings/contracts/mail-query/ast';
import type { Position } from '@tidings/contracts/ports/event-log';
import { Timestamp } from '@tidings/contracts/time';
import { emailsOfThread } from '@tidings/projections/emails/index';
import { readThreads, THREAD_READS } from '@tidings/projections/thread-marks/index';
import { type ListedThread, threadsInView } from '@tidings/projections/threads/index';
import type { FastifyInstance } from 'fastify';
import * as t from 'io-ts';
import { invalid } from '../../../http-kit/src/errors.ts';
import { handle } from '../../../http-kit/src/handle.ts';
import type { Platform } from '../../../platform/src/platform.ts';
import { mailSearchOf } from '../../../platform/src/searches.ts';
import { decodeCursor, encodeCursor } from '../chat/cursor.ts';
import { assertMailbox, noSuchThread, reachThread } from './access.ts';
import type { BodyReader } from './bodies.ts';
import { mailPage } from './page.ts';
import { listFound, queryOf } from './search.ts';

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
export const PlaceCursor = t.readonly(t.type({ after: Key }));

export const registerThreads = (app: FastifyInstance, platform: Platform, bodies: BodyReader): void => {
  const search = mailSearchOf(platform);

  handle(
    app,
    platform,
    listThreads,
    async ({ actor, params: { mailboxId }, query }) => {
      const { q, view = 'inbox', unread = null, label, assignee, limit = MAIL_PAGE } = query;
      await assertMailbox(platform, actor, mailboxId, 'read');
      if (q !== undefined) {
        refuseMarks({ label, assignee });
        const narrowed = narrowedTo(queryOf(q), query.view, unread);
        return listFound(platform, search, { query: narrowed, mailboxes: [mailboxId], searcher: actor.userId }, query.cursor, limit);
      }
      const walk = decodeCursor(WalkCursor, query.cursor);
      const asked = { mailbox: mailboxId, view, unread, label, assignee, walk, limit: limit + 1, drafts: platform.liveSchema('drafts') };
      const found = await platform.read.any(threadsInView(platform.liveSchema('threads'), asked));
      const first = found[0];
      const cursorOf = (last: ListedThread): object => ({ began: walk?.began ?? keyOf(first ?? last), after: keyOf(last) });
      return mailPage(found, limit, cursorOf, await readThreads(platform, found));
    },
    { reads: ['mailboxes', ...THREAD_READS, 'drafts'] },
  );

  handle(
    app,
    platform,
    getThread,
    async ({ actor, params: { threadId }, query: { mailboxId } }) => {
      const { thread } = await reachThread(platform, actor, threadId, mailboxId);
      const [shown] = await readThreads(platform, [thread]);
      if (shown === undefined) throw noSuchThread();
      return shown;
    },
    { reads: ['mailboxes', ...THREAD_READS, 'drafts'] },
  );

  handle(
    app,
    platform,
    listThreadMessages,
    async ({ actor, params: { threadId }, query: { mailboxId, view, cursor, limit = MAIL_PAGE } }) => {
      const after = decodeCursor(PlaceCursor, cursor)?.after ?? null;
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
      return { content, cursor: more && last !== undefined ? encodeCursor({ after: { at: last.cameAt, position: last.position } }) : null };
    },
    { reads: ['mailboxes', 'threads', 'emails', 'deliveries', 'answers'] },
  );
};

const keyOf = ({ keyAt, keyPosition }: ListedThread): object => ({ at: keyAt, position: keyPosition });

/** Marks are asked for by id beside a view, by name within `q`. */
const refuseMarks = (marks: { readonly label?: unknown; readonly assignee?: unknown }): void => {
  const asked = (['label', 'assignee'] as const).filter((name) => marks[name] !== undefined);
  const instead = { label: 'label:name', assignee: 'is:assigned-to-me or is:unassigned' };
  if (asked.length > 0) throw invalid(asked.map((path) => ({ path, message: `cannot stand beside q: write ${instead[path]} in it` })));
};

/** Without a view, `q` searches all of the mailbox that it does not leave out itself. */
const narrowedTo = (query: MailQuery, view: View | undefined, unread: boolean | null): MailQuery => {
  const more: readonly MailQuery[] = [
    ...(view === undefined ? [] : [{ kind: 'in' as const, view }]),
    ...(unread === null ? [] : [{ kind: 'is' as const, state: unread ? ('unread' as const) : ('read' as const) }]),
  ];
  return more.length === 0 ? query : { kind: 'all', of: [...more, ...(query.kind === 'all' ? query.of : [query])] };
};

const MAIN: readonly Place[] = ['inbox', 'archive', 'sent', 'drafts'];
const ASIDE: readonly Place[] = ['spam', 'trash'];

/** Spam and trash are left out, unless there is nothing else. */
export const shownPlaces = ({ inInbox, inArchive, inSent, inDrafts }: ListedThread): readonly Place[] =>
  inInbox + inArchive + inSent + inDrafts > 0 ? MAIN : ASIDE;

export const placesOf: Readonly<Record<View, readonly Place[]>> = {
  inbox: ['inbox'],
  all: MAIN,
  starred: MAIN,
  sent: ['sent'],
  drafts: ['drafts'],
  archive: ['archive'],
  spam: ['spam'],
  trash: ['trash'],
};
