/** What a mailbox refuses although it is there (mail-contract §4): senders it blocks, and all mail while it is full. */
import type { MailboxId } from '@tidings/contracts/ids';
import { blocks, mailbox, mailboxKey } from '@tidings/domain/mailbox/index';
import { usageOf } from '@tidings/projections/storage/index';
import { LRUCache } from 'lru-cache';
import type { Platform } from '../../platform/src/platform.ts';
import { replies } from './reply.ts';

/** Who knocks, and with how much: `size` is what the peer declared (RFC 1870), or 0. */
export interface Sender {
  /** Empty for the null sender. */
  readonly mailFrom: string;
  readonly size: number;
}

/** @throws Reply when this mailbox does not take mail from this sender, or no mail just now */
export type RefuseFor = (mailboxId: MailboxId, sender: Sender) => Promise<void>;

/** How long a full mailbox may look as if it had room, and the other way round. */
const USAGE_FOR_MS = 1_000;
const MAILBOXES = 10_000;

export const refusalsOf = (platform: Platform): RefuseFor => {
  const { config } = platform;
  const used = new LRUCache<MailboxId, number>({ max: MAILBOXES, ttl: USAGE_FOR_MS });

  const usedBytes = async (mailboxId: MailboxId): Promise<number> => {
    const known = used.get(mailboxId);
    if (known !== undefined) return known;
    const [found] = await platform.read.any(usageOf(platform.liveSchema('storage'), mailboxId));
    const bytes = found?.bytes ?? 0;
    used.set(mailboxId, bytes);
    return bytes;
  };

  return async (mailboxId, { mailFrom, size }) => {
    const { state } = await platform.commands.load(mailbox, mailboxKey(mailboxId));
    if (blocks(state, mailFrom)) throw replies.blockedSender();
    const quota = (state.kind === 'open' ? state.quotaBytes : null) ?? config.mailboxQuotaBytes;
    if (quota === null) return;
    const bytes = await usedBytes(mailboxId);
    if (bytes >= quota || bytes + size > quota) throw replies.overQuota();
  };
};
