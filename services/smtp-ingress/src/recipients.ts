/** Which of our mailboxes an address names, asked while the peer waits at RCPT, so that no bounce is ever sent for an unknown one. */
import type { MailboxId } from '@tidings/contracts/ids';
import { address, addressKey } from '@tidings/domain/address/index';
import { outbound, outboundKey } from '@tidings/domain/outbound/index';
import { domainOf, normaliseAddress, type EmailAddress } from '@tidings/domain/mail/address';
import type { Commands } from '@tidings/infra/commands/commands';
import * as E from 'fp-ts/lib/Either.js';
import type { Returning } from '../../platform/src/return-path.ts';
import type { RefuseFor, Sender } from './refusals.ts';
import { replies } from './reply.ts';

/** One recipient of one mail. */
export interface Recipient {
  /** Null for an address of the gateway. */
  readonly mailboxId: MailboxId | null;
  /** As the peer wrote it. */
  readonly address: string;
}

/** @param known the recipients of this mail so far, by normal form; one that is found joins them */
export type FindRecipient = (recipient: string, known: Map<string, Recipient>, sender: Sender) => Promise<void>;

export interface FindOptions {
  readonly domains: readonly string[];
  readonly maxRecipients: number;
  readonly refuse: RefuseFor;
  /** What an address that we signed names, for this sender. */
  readonly returning: (address: EmailAddress, mailFrom: string) => Returning | null;
  /** Whether an address is at the gateway's domain, and good there; absent where no mail comes in. */
  readonly gateway?: FindGateway;
}

/** `elsewhere`: not at the gateway's domain. `unknown`: nobody's, or of a conversation that is over. */
export type FindGateway = (address: string, sender: Sender) => Promise<'good' | 'unknown' | 'elsewhere'>;

/** @throws Reply for an address that is not ours, what `Commands.load` throws when the log is out of reach */
export const findRecipientIn = (commands: Commands, { domains, maxRecipients, refuse, returning, gateway }: FindOptions): FindRecipient => {
  const mailboxOf = async (normal: EmailAddress, { mailFrom }: Sender): Promise<MailboxId | null> => {
    const returned = returning(normal, mailFrom);
    if (returned !== null) {
      const { state } = await commands.load(outbound, outboundKey(returned.emailId));
      return state.kind === 'none' ? null : state.mailboxId;
    }
    const { state } = await commands.load(address, addressKey(normal));
    return state.kind === 'free' ? null : state.mailboxId;
  };

  return async (recipient, known, sender) => {
    // RFC 5321 §4.5.1: the postmaster may be written to without a domain.
    const full = /^postmaster$/i.test(recipient) ? `postmaster@${domains[0] ?? ''}` : recipient;
    // Looked at first: tokens of the older kind make a local part that is too long (RFC 5321 §4.5.3.1.1).
    const atGateway = (await gateway?.(full, sender)) ?? 'elsewhere';
    if (atGateway === 'unknown') throw replies.unknownRecipient();
    if (atGateway === 'good') {
      if (!known.has(full) && known.size >= maxRecipients) throw replies.tooManyRecipients();
      known.set(full, { mailboxId: null, address: recipient });
      return;
    }
    const normal = normaliseAddress(full);
    if (E.isLeft(normal)) throw replies.badRecipient();
    if (known.has(normal.right)) return;
    if (!domains.includes(domainOf(normal.right))) throw replies.notOurDomain();
    if (known.size >= maxRecipients) throw replies.tooManyRecipients();
    const mailboxId = await mailboxOf(normal.right, sender);
    if (mailboxId === null) throw replies.unknownRecipient();
    await refuse(mailboxId, sender);
    known.set(normal.right, { mailboxId, address: recipient });
  };
};
