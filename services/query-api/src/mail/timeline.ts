/** A thread with what its team said and agreed about it: emails and notes in the order of the log. */
import { getThreadTimeline, type TimelineEntry } from '@tidings/contracts/http/notes';
import { MAIL_PAGE } from '@tidings/contracts/http/mail';
import type { Position } from '@tidings/contracts/ports/event-log';
import { emailsOfThread } from '@tidings/projections/emails/index';
import { NOTE_READS, notesOf, readNotes } from '@tidings/projections/thread-notes/index';
import type { FastifyInstance } from 'fastify';
import { handle } from '../../../http-kit/src/handle.ts';
import type { Platform } from '../../../platform/src/platform.ts';
import { decodeCursor, encodeCursor } from '../chat/cursor.ts';
import { reachThread } from './access.ts';
import type { BodyReader } from './bodies.ts';
import { PositionCursor, shownPlaces } from './threads.ts';

export const registerTimeline = (app: FastifyInstance, platform: Platform, bodies: BodyReader): void => {
  handle(
    app,
    platform,
    getThreadTimeline,
    async ({ actor, params: { threadId }, query: { mailboxId, cursor, limit = MAIL_PAGE } }) => {
      const after = decodeCursor(PositionCursor, cursor)?.after ?? null;
      const { thread } = await reachThread(platform, actor, threadId, mailboxId);
      const asked = { thread: threadId, mailbox: thread.mailboxId, places: shownPlaces(thread), after, limit: limit + 1 };
      const [emails, notes] = await Promise.all([
        platform.read.any(emailsOfThread(platform.liveSchema('emails'), asked)),
        platform.read.any(notesOf(platform.liveSchema('thread-notes'), threadId, after, limit + 1)),
      ]);
      const listed = [...emails, ...notes].toSorted((a, b) => (a.position < b.position ? -1 : 1)).slice(0, limit);
      const last = listed.at(-1)?.position ?? null;
      const within = <A extends { readonly position: Position }>(rows: readonly A[]): readonly A[] =>
        rows.filter(({ position }) => last !== null && position <= last);
      const [shown, said] = await Promise.all([bodies.emails(within(emails)), readNotes(platform, within(notes))]);

      // Large bodies end a page early: what comes behind the first email that is left out is for the next.
      const firstLeftOut = within(emails)[shown.length]?.position ?? null;
      const entries: readonly (readonly [Position, TimelineEntry])[] = [
        ...shown.map((email, at) => [positionAt(emails, at), { type: 'email', email }] as const),
        ...said.map((note, at) => [positionAt(notes, at), note] as const),
      ];
      const page = entries
        .filter(([position]) => firstLeftOut === null || position < firstLeftOut)
        .toSorted(([a], [b]) => (a < b ? -1 : 1));
      const more = emails.length + notes.length > page.length;
      const end = page.at(-1)?.[0];
      return {
        content: page.map(([, entry]) => entry),
        cursor: more && end !== undefined ? encodeCursor({ after: end }) : null,
      };
    },
    { reads: ['mailboxes', 'threads', 'emails', ...NOTE_READS] },
  );
};

const positionAt = (rows: readonly { readonly position: Position }[], at: number): Position => {
  const row = rows[at];
  if (row === undefined) throw new Error('a row was read and lost');
  return row.position;
};
