/** A thread with what its team said and agreed about it: emails and notes in the order they came. */
import { getThreadTimeline, type TimelineEntry } from '@tidings/contracts/http/notes';
import { MAIL_PAGE } from '@tidings/contracts/http/mail';
import { emailsOfThread, type PlaceInThread } from '@tidings/projections/emails/index';
import { NOTE_READS, notesOf, readNotes } from '@tidings/projections/thread-notes/index';
import type { FastifyInstance } from 'fastify';
import { handle } from '../../../http-kit/src/handle.ts';
import type { Platform } from '../../../platform/src/platform.ts';
import { decodeCursor, encodeCursor } from '../chat/cursor.ts';
import { reachThread } from './access.ts';
import type { BodyReader } from './bodies.ts';
import { PlaceCursor, shownPlaces } from './threads.ts';

export const registerTimeline = (app: FastifyInstance, platform: Platform, bodies: BodyReader): void => {
  handle(
    app,
    platform,
    getThreadTimeline,
    async ({ actor, params: { threadId }, query: { mailboxId, cursor, limit = MAIL_PAGE } }) => {
      const after = decodeCursor(PlaceCursor, cursor)?.after ?? null;
      const { thread } = await reachThread(platform, actor, threadId, mailboxId);
      const asked = { thread: threadId, mailbox: thread.mailboxId, places: shownPlaces(thread), after, limit: limit + 1 };
      const [found, notes] = await Promise.all([
        platform.read.any(emailsOfThread(platform.liveSchema('emails'), asked)),
        platform.read.any(notesOf(platform.liveSchema('thread-notes'), threadId, after, limit + 1)),
      ]);
      const emails = found.map((email) => ({ ...email, at: email.cameAt }));
      const listed = [...emails, ...notes].toSorted(byPlace).slice(0, limit);
      const last = listed.at(-1) ?? null;
      const within = <A extends PlaceInThread>(rows: readonly A[]): readonly A[] =>
        rows.filter((row) => last !== null && byPlace(row, last) <= 0);
      const [shown, said] = await Promise.all([bodies.emails(within(emails)), readNotes(platform, within(notes))]);

      // Large bodies end a page early: what comes behind the first email that is left out is for the next.
      const firstLeftOut = within(emails)[shown.length] ?? null;
      const entries: readonly (readonly [PlaceInThread, TimelineEntry])[] = [
        ...shown.map((email, nth) => [placeOf(emails, nth), { type: 'email', email }] as const),
        ...said.map((note, nth) => [placeOf(notes, nth), note] as const),
      ];
      const page = entries
        .filter(([place]) => firstLeftOut === null || byPlace(place, firstLeftOut) < 0)
        .toSorted(([a], [b]) => byPlace(a, b));
      const more = emails.length + notes.length > page.length;
      const end = page.at(-1)?.[0];
      return {
        content: page.map(([, entry]) => entry),
        cursor: more && end !== undefined ? encodeCursor({ after: end }) : null,
      };
    },
    { reads: ['mailboxes', 'threads', 'emails', 'deliveries', 'answers', ...NOTE_READS] },
  );
};

const byPlace = (a: PlaceInThread, b: PlaceInThread): number =>
  a.at === b.at ? (a.position < b.position ? -1 : a.position === b.position ? 0 : 1) : a.at < b.at ? -1 : 1;

const placeOf = (rows: readonly PlaceInThread[], nth: number): PlaceInThread => {
  const row = rows[nth];
  if (row === undefined) throw new Error('a row was read and lost');
  return { at: row.at, position: row.position };
};
