/** What a mailbox holds and may hold, and whom it takes no mail from. */
import { getMailboxStorage, LARGEST_THREADS, listBlockedSenders } from '@tidings/contracts/http/storage';
import type { MailboxId } from '@tidings/contracts/ids';
import { may } from '@tidings/domain/authorization/may';
import { blockedSendersOf, limitsOf, roleIn } from '@tidings/projections/mailboxes/index';
import { largestThreads, usageOf } from '@tidings/projections/storage/index';
import { threadsIn } from '@tidings/projections/threads/index';
import type { FastifyInstance } from 'fastify';
import type { Actor } from '../../../http-kit/src/ctx.ts';
import { handle } from '../../../http-kit/src/handle.ts';
import type { Platform } from '../../../platform/src/platform.ts';
import { assertMailbox } from './access.ts';

export const registerStorage = (app: FastifyInstance, platform: Platform): void => {
  /** Who only manages the domain is told how much there is, not what. */
  const reads = async (actor: Actor, mailboxId: MailboxId): Promise<boolean> => {
    const found = await platform.read.maybeOne(roleIn(platform.liveSchema('mailboxes'), actor.userId, mailboxId));
    return found !== null && may(actor, 'read', { kind: 'mailbox', role: found.role });
  };

  const largest = async (mailboxId: MailboxId) => {
    const found = await platform.read.any(largestThreads(platform.liveSchema('storage'), mailboxId, LARGEST_THREADS));
    const ids = found.map(({ threadId }) => threadId);
    const threads = ids.length === 0 ? [] : await platform.read.any(threadsIn(platform.liveSchema('threads'), ids, [mailboxId]));
    const subjects = new Map(threads.map(({ threadId, subject }) => [threadId, subject]));
    return found.map((thread) => ({ ...thread, subject: subjects.get(thread.threadId) ?? '' }));
  };

  handle(
    app,
    platform,
    getMailboxStorage,
    async ({ actor, params: { mailboxId } }) => {
      await assertMailbox(platform, actor, mailboxId, 'read', 'manage-mailbox');
      const [[used], [limits], isReader] = await Promise.all([
        platform.read.any(usageOf(platform.liveSchema('storage'), mailboxId)),
        platform.read.any(limitsOf(platform.liveSchema('mailboxes'), mailboxId)),
        reads(actor, mailboxId),
      ]);
      return {
        usedBytes: used?.bytes ?? 0,
        emails: used?.emails ?? 0,
        quotaBytes: limits?.quotaBytes ?? platform.config.mailboxQuotaBytes,
        largestThreads: isReader ? await largest(mailboxId) : [],
      };
    },
    { reads: ['mailboxes', 'storage', 'threads'] },
  );

  handle(
    app,
    platform,
    listBlockedSenders,
    async ({ actor, params: { mailboxId } }) => {
      await assertMailbox(platform, actor, mailboxId, 'read', 'manage-mailbox');
      return { content: await platform.read.any(blockedSendersOf(platform.liveSchema('mailboxes'), mailboxId)), cursor: null };
    },
    { reads: ['mailboxes'] },
  );
};
