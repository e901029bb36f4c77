/** Which of our mailboxes an address names, asked while the peer waits at RCPT, so that no bounce is ever sent for an unknown one. */
import type { MailboxId } from '@tidings/contracts/ids';
import { address, addressKey } from '@tidings/domain/address/index';
import { domainOf, normaliseAddress } from '@tidings/domain/mail/address';
import type { Commands } from '@tidings/infra/commands/commands';
import { either as E } from 'fp-ts';
import { replies } from './reply.ts';

export type FindMailbox = (recipient: string) => Promise<MailboxId>;

/** @throws Reply for an address that is not ours, what `Commands.load` throws when the log is out of reach */
export const findMailboxIn =
  (commands: Commands, domains: readonly string[]): FindMailbox =>
  async (recipient) => {
    // RFC 5321 §4.5.1: the postmaster may be written to without a domain.
    const full = recipient.toLowerCase() === 'postmaster' ? `postmaster@${domains[0] ?? ''}` : recipient;
    const normal = normaliseAddress(full);
    if (E.isLeft(normal)) throw replies.badRecipient();
    if (!domains.includes(domainOf(normal.right))) throw replies.notOurDomain();
    const { state } = await commands.load(address, addressKey(normal.right));
    if (state.kind === 'free') throw replies.unknownRecipient();
    return state.mailboxId;
  };
