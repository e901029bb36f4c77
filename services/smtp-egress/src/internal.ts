/**
 * Mail between mailboxes of ours needs no network (mail-contract §7): it is received as SMTP would, by the same rules, and filed by the same filing.
 */
import type { Authentication } from '@tidings/contracts/events/email';
import type { OutboundRecipient } from '@tidings/contracts/events/outbound';
import { type AttemptId, derivedId, type EmailId, type GatewayMailId } from '@tidings/contracts/ids';
import { isShredded } from '@tidings/contracts/sealed';
import type { Outcome, QueuedOutbound, RecipientState } from '@tidings/domain/outbound/index';
import type { Platform } from '../../platform/src/platform.ts';
import { takeGatewayMail } from '../../platform/src/gateway/take-mail.ts';
import { type MailRecipient, receiveEmail } from '../../platform/src/receive-email.ts';
import type { FindRecipient, Recipient } from '../../smtp-ingress/src/recipients.ts';
import { Reply, replies } from '../../smtp-ingress/src/reply.ts';
import { refused } from './attempt.ts';

/** Its author was asked who they are as they sent it, and nobody sends as another (`may … send`). */
const OUR_OWN: Authentication = { spf: 'none', dkim: 'none', dmarc: 'none', arc: 'none', verdict: 'pass' };

interface To extends OutboundRecipient {
  readonly at: number;
  readonly state: RecipientState;
}
/** @throws what the log throws when it is out of reach; once more delivers nothing twice */
export type DeliverInternally = (mail: QueuedOutbound, to: readonly To[], attemptId: AttemptId) => Promise<readonly Outcome[]>;

type Parts = Pick<Platform, 'blobs' | 'commands' | 'keys' | 'now'> & {
  readonly findRecipient: FindRecipient;
  readonly scheduleMs: readonly number[];
};

export const internalDelivery =
  ({ findRecipient, scheduleMs, now, ...platform }: Parts): DeliverInternally =>
  async (mail, to) => {
    const mailFrom = isShredded(mail.envelopeFrom) ? '' : mail.envelopeFrom;
    const found: (To & Recipient)[] = [];
    const outcomes: Outcome[] = [];
    const refuse = (one: To, { responseCode, message }: Reply): void => {
      const reply = `${responseCode} ${message}`;
      outcomes.push(refused(one, { host: null, reply, later: responseCode < 500 }, now(), scheduleMs));
    };
    for (const one of to) {
      const known = new Map<string, Recipient>();
      try {
        await findRecipient(one.address, known, { mailFrom, size: mail.size, clientAddress: '' });
        for (const recipient of known.values()) found.push({ ...one, ...recipient });
      } catch (error) {
        if (!(error instanceof Reply)) throw error;
        refuse(one, error);
      }
    }
    if (found.length === 0) return outcomes;

    // The same for another try after a crash, so that nobody gets it twice.
    const emailId = receivedAs(
      mail.emailId,
      found.map(({ at }) => at),
    );
    const blob = { id: mail.rawBlobId, size: mail.size };
    const peer = { mailFrom, helo: '', clientAddress: '' };
    const forGateway = found.filter(({ mailboxId }) => mailboxId === null);
    if (forGateway.length > 0) {
      const envelope = { ...peer, rcptTo: forGateway.map(({ address }) => address) };
      await takeGatewayMail(platform, {
        mailId: derivedId<GatewayMailId>('internal', emailId),
        door: 'smtp',
        blob,
        envelope,
        said: OUR_OWN,
      });
    }
    const forMailboxes = found.flatMap(({ mailboxId, address }): readonly MailRecipient[] =>
      mailboxId === null ? [] : [{ mailboxId, address }],
    );
    const received =
      forMailboxes.length === 0
        ? []
        : await receiveEmail(platform, { ...peer, emailId, blob, recipients: forMailboxes, origin: 'internal' });
    const have = new Set([null, ...received.map(({ mailboxId }) => mailboxId)]);
    for (const one of found) if (!have.has(one.mailboxId)) refuse(one, replies.unknownRecipient());
    const taken = found.filter(({ mailboxId }) => have.has(mailboxId)).map(({ at }) => at);
    return taken.length === 0 ? outcomes : [...outcomes, { type: 'internal', recipients: taken, receivedAs: emailId }];
  };

/** The email that one of ours is received as by these of its recipients, whom it reaches without a network. */
export const receivedAs = (emailId: EmailId, recipients: readonly number[]): EmailId =>
  derivedId<EmailId>('internal', emailId, ...recipients.toSorted((a, b) => a - b));
