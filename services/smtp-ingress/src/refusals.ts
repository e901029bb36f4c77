/** What a mailbox refuses although it is there (mail-contract §4): senders it blocks, and all mail while it is full. */
import type { MailboxId } from '@tidings/contracts/ids';
import { blocks, mailbox, mailboxKey } from '@tidings/domain/mailbox/index';
import { roomIn } from '../../platform/src/mailbox-room.ts';
import type { Platform } from '../../platform/src/platform.ts';
import { replies } from './reply.ts';

/** Who knocks, and with how much: `size` is what the peer declared (RFC 1870), or 0. */
export interface Sender {
  /** Empty for the null sender. */
  readonly mailFrom: string;
  readonly size: number;
  /** Empty for one of ours. */
  readonly clientAddress: string;
}

/** @throws Reply when this mailbox does not take mail from this sender, or no mail just now */
export type RefuseFor = (mailboxId: MailboxId, sender: Sender) => Promise<void>;

export const refusalsOf = (platform: Platform): RefuseFor => {
  const tooFull = roomIn(platform);

  return async (mailboxId, { mailFrom, size }) => {
    const { state } = await platform.commands.load(mailbox, mailboxKey(mailboxId));
    if (blocks(state, mailFrom)) throw replies.blockedSender();
    if ((await tooFull(mailboxId, state, size)) !== null) throw replies.overQuota();
  };
};
