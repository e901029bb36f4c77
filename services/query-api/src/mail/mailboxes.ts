/** Who I am, and which mailboxes there are for me. */
import { getMailbox, getMailboxCounts, getMe, listMailboxes, listMailboxMembers, MAIL_PAGE } from '@tidings/contracts/http/mail';
import { MailboxId, UserId } from '@tidings/contracts/ids';
import { userView } from '@tidings/projections/chat-view/index';
import { draftCount } from '@tidings/projections/drafts/index';
import { MAILBOX_READS, mailboxById, mailboxesOf, membersIn, readMailboxes, readMembers } from '@tidings/projections/mailboxes/index';
import { labelsOf } from '@tidings/projections/thread-marks/index';
import { countsOf, labelCountsOf, viewTallies } from '@tidings/projections/threads/index';
import { usersById } from '@tidings/projections/users/index';
import type { FastifyInstance } from 'fastify';
import * as t from 'io-ts';
import { handle } from '../../../http-kit/src/handle.ts';
import type { Platform } from '../../../platform/src/platform.ts';
import { decodeCursor } from '../chat/cursor.ts';
import { assertMailbox, noSuchMailbox } from './access.ts';
import { mailPage } from './page.ts';

const MailboxCursor = t.readonly(t.type({ address: t.string, id: MailboxId }));
const MemberCursor = t.readonly(t.type({ id: UserId }));

export const registerMailboxes = (app: FastifyInstance, platform: Platform): void => {
  handle(
    app,
    platform,
    getMe,
    async ({ actor }) => {
      const [[user], found] = await Promise.all([
        platform.read.any(usersById(platform.liveSchema('users'), [actor.userId])),
        platform.read.any(mailboxesOf(platform.liveSchema('mailboxes'), actor.userId)),
      ]);
      // The directory may not show a newcomer yet; their token says what it would.
      const known = user ?? {
        id: actor.userId,
        displayName: actor.displayName,
        description: null,
        profilePicture: null,
        friendsCount: 0,
        role: actor.isAdmin ? ('ADMIN' as const) : ('USER' as const),
      };
      return {
        user: userView(known),
        email: actor.email,
        roles: actor.roles,
        isAdmin: actor.isAdmin,
        mailboxes: await readMailboxes(platform, found),
      };
    },
    { reads: ['users', ...MAILBOX_READS] },
  );

  handle(
    app,
    platform,
    listMailboxes,
    async ({ actor, query: { cursor, limit = MAIL_PAGE } }) => {
      const page = { after: decodeCursor(MailboxCursor, cursor), limit: limit + 1 };
      const found = await platform.read.any(mailboxesOf(platform.liveSchema('mailboxes'), actor.userId, page));
      return mailPage(found, limit, ({ address, id }) => ({ address, id }), await readMailboxes(platform, found));
    },
    { reads: MAILBOX_READS },
  );

  handle(
    app,
    platform,
    getMailbox,
    async ({ actor, params: { mailboxId } }) => {
      await assertMailbox(platform, actor, mailboxId, 'read', 'manage-members');
      const found = await platform.read.any(mailboxById(platform.liveSchema('mailboxes'), actor.userId, mailboxId));
      const [shown] = await readMailboxes(platform, found);
      if (shown === undefined) throw noSuchMailbox();
      return shown;
    },
    { reads: MAILBOX_READS },
  );

  handle(
    app,
    platform,
    listMailboxMembers,
    async ({ actor, params: { mailboxId }, query: { cursor, limit = MAIL_PAGE } }) => {
      await assertMailbox(platform, actor, mailboxId, 'read', 'manage-members');
      const after = decodeCursor(MemberCursor, cursor)?.id ?? null;
      const found = await platform.read.any(membersIn(platform.liveSchema('mailboxes'), mailboxId, after, limit + 1));
      return mailPage(found, limit, ({ userId }) => ({ id: userId }), await readMembers(platform, found));
    },
    { reads: ['mailboxes', 'users'] },
  );

  handle(
    app,
    platform,
    getMailboxCounts,
    async ({ actor, params: { mailboxId } }) => {
      await assertMailbox(platform, actor, mailboxId, 'read');
      const schema = platform.liveSchema('threads');
      const [[counted], labels, labelCounts, { drafts }] = await Promise.all([
        platform.read.any(countsOf(schema, [mailboxId])),
        platform.read.any(labelsOf(platform.liveSchema('thread-marks'), mailboxId)),
        platform.read.any(labelCountsOf(schema, mailboxId)),
        platform.read.one(draftCount(platform.liveSchema('drafts'), mailboxId)),
      ]);
      const views = counted?.views ?? viewTallies();
      const labelled = new Map(labelCounts.map((row) => [row.id, row]));
      return {
        views: { ...views, drafts: { threads: views.drafts.threads + drafts, unread: views.drafts.unread } },
        labels: labels.map(({ id }) => labelled.get(id) ?? { id, threads: 0, unread: 0 }),
      };
    },
    { reads: [...MAILBOX_READS, 'thread-marks', 'drafts'] },
  );
};
