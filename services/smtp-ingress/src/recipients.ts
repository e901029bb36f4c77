/** Which of our mailboxes an address names, asked while the peer waits at RCPT, so that no bounce is ever sent for an unknown one. */
import type { MailboxId } from '@tidings/contracts/ids';
import { address, addressKey } from '@tidings/domain/address/index';
import { domainOf, normaliseAddress, type EmailAddress } from '@tidings/domain/mail/address';
import type { Commands } from '@tidings/infra/commands/commands';
import { either as E } from 'fp-ts';
import type { RefuseFor, Sender } from './refusals.ts';
import { replies } from './reply.ts';

/** One recipient of one mail. */
export interface Recipient {
  readonly mailboxId: MailboxId;
  /** As the peer wrote it. */
  readonly address: string;
}

/** @param known the recipients of this mail so far, by normal form; one that is found joins them */
export type FindRecipient = (recipient: string, known: Map<EmailAddress, Recipient>, sender: Sender) => Promise<void>;

/** @throws Reply for an address that is not ours, what `Commands.load` throws when the log is out of reach */
export const findRecipientIn =
  (
    commands: Commands,
    { domains, maxRecipients, refuse }: { readonly domains: readonly string[]; readonly maxRecipients: number; readonly refuse: RefuseFor },
  ): FindRecipient =>
  async (recipient, known, sender) => {
    // RFC 5321 §4.5.1: the postmaster may be written to without a domain.
    const full = /^postmaster$/i.test(recipient) ? `postmaster@${domains[0] ?? ''}` : recipient;
    const normal = normaliseAddress(full);
    if (E.isLeft(normal)) throw replies.badRecipient();
    if (known.has(normal.right)) return;
    if (!domains.includes(domainOf(normal.right))) throw replies.notOurDomain();
    if (known.size >= maxRecipients) throw replies.tooManyRecipients();
    const { state } = await commands.load(address, addressKey(normal.right));
    if (state.kind === 'free') throw replies.unknownRecipient();
    await refuse(state.mailboxId, sender);
    known.set(normal.right, { mailboxId: state.mailboxId, address: recipient });
  };
