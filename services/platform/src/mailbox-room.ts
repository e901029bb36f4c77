/** Whether a mailbox may hold more. What comes in and what its people send counts alike: both are kept in it. */
import type { MailboxId } from '@tidings/contracts/ids';
import type { MailboxState } from '@tidings/domain/mailbox/index';
import { usageOf } from '@tidings/projections/storage/index';
import { atMost } from '@tidings/infra/cache/at-most';
import { LRUCache } from 'lru-cache';
import type { Platform } from './platform.ts';

/** In bytes. */
export interface Full {
  readonly quota: number;
  readonly used: number;
}

/** @returns null when so much more fits */
export type TooFull = (mailboxId: MailboxId, state: MailboxState, size: number) => Promise<Full | null>;

/** How long a full mailbox may look as if it had room, and the other way round. */
const USAGE_FOR_MS = 1_000;
const MAILBOXES = 10_000;

export const roomIn = (platform: Pick<Platform, 'config' | 'read' | 'liveSchema'>): TooFull => {
  const known = new LRUCache<MailboxId, number>({ ...atMost(MAILBOXES), ttl: USAGE_FOR_MS });

  const usedBytes = async (mailboxId: MailboxId): Promise<number> => {
    const remembered = known.get(mailboxId);
    if (remembered !== undefined) return remembered;
    const [found] = await platform.read.any(usageOf(platform.liveSchema('storage'), mailboxId));
    const bytes = found?.bytes ?? 0;
    known.set(mailboxId, bytes);
    return bytes;
  };

  return async (mailboxId, state, size) => {
    const quota = (state.kind === 'open' ? state.quotaBytes : null) ?? platform.config.mailboxQuotaBytes;
    if (quota === null) return null;
    const used = await usedBytes(mailboxId);
    if (used >= quota || used + size > quota) return { quota, used };
    known.set(mailboxId, used + size, { noUpdateTTL: true }); // what was let in a moment ago takes room before the read model knows of it
    return null;
  };
};
