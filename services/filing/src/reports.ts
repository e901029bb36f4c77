/**
 * Which mail of ours a received one reports on. Proof is the signed return path that it came back to, or that it quotes: only who was sent the mail can
 * know it. A report without one counts only if the recipient's own domain vouches for it. What is not proven is a mail like any other.
 */
import type { Authentication, EmailReceived } from '@tidings/contracts/events/email';
import type { EmailId, MailboxId } from '@tidings/contracts/ids';
import { isShredded, reveal } from '@tidings/contracts/sealed';
import { domainOf, type EmailAddress, normaliseAddress } from '@tidings/domain/mail/address';
import {
  outbound,
  outboundKey,
  type OutboundCommand,
  type OutboundReport,
  type QueuedOutbound,
  recipientAt,
} from '@tidings/domain/outbound/index';
import type { Commands } from '@tidings/infra/commands/commands';
import { isReportPart } from '@tidings/infra/mail-report/parts';
import type { MailReport } from '@tidings/infra/mail-report/report';
import type { Mime, ParsedMail } from '@tidings/infra/mime/mime';
import * as E from 'fp-ts/lib/Either.js';
import type { CameBack } from '../../platform/src/return-path.ts';

/** What is to be recorded on the mail that is reported on. */
export interface Reported {
  readonly emailId: EmailId;
  readonly command: Extract<OutboundCommand, { readonly type: 'RecordReports' }>;
}

export interface Reports {
  /** What a mail means for one of the mailboxes that it came for; null when it is no report, or not to be believed. */
  find(mail: Came): Promise<Reported | null>;
}

/** A mail, for one of its mailboxes. */
export interface Came {
  readonly email: EmailReceived['data'];
  readonly recipient: EmailReceived['data']['recipients'][number];
  readonly raw: Uint8Array;
  readonly parsed: ParsedMail;
  readonly authentication: Authentication | null;
}

interface Parts {
  readonly commands: Pick<Commands, 'load'>;
  readonly mime: Pick<Mime, 'report'>;
  /** What an address that we signed names, for this sender; of what a mail quotes, for the null sender. */
  readonly returning: (address: string, mailFrom: string) => CameBack | null;
}

export const reportsOn = ({ commands, mime, returning }: Parts): Reports => {
  const sent = async (emailId: EmailId): Promise<QueuedOutbound | null> => {
    const { state } = await commands.load(outbound, outboundKey(emailId));
    return state.kind === 'none' ? null : state;
  };

  return {
    find: async ({ email, recipient: { mailboxId, envelope }, raw, parsed, authentication }) => {
      const { mailFrom = '', rcptTo = [] } = reveal(envelope, null) ?? {};
      const came = rcptTo.map((address) => returning(address, mailFrom)).find((found) => found !== null) ?? null;
      // Most mail ends here: it came to a person, and holds nothing that is written for machines.
      if (came === null && !parsed.details.attachments.some(({ type }) => isReportPart(type))) return null;
      const report = await mime.report(raw);
      // A receipt's address is known to everybody who got the mail: it is good for receipts alone.
      if (report === null || (came?.by === 'receipt' && report.type !== 'receipt')) return null;
      const named = came ?? (report.type === 'complaint' ? returning(report.original.returnPath ?? '', '') : null);
      const proof = named ?? vouchedFor(report, parsed, authentication);
      const mail = proof === null ? null : await sent(proof.emailId);
      if (proof === null || mail === null) return null;
      const reports = 'voucher' in proof ? byVoucher(report, mail, mailboxId, proof.voucher) : byReturnPath(report, mail, proof);
      if (reports.length === 0) return null;
      return { emailId: mail.emailId, command: { type: 'RecordReports', reportId: email.emailId, reportBlobId: email.blobId, reports } };
    },
  };
};

/** Our own ids of messages are those of emails (mail-contract §7). */
const OUR_MESSAGE_ID = /^([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})@/;

interface Vouched {
  readonly emailId: EmailId;
  /** The domain that says so. */
  readonly voucher: string;
}

const vouchedFor = ({ original }: MailReport, { content }: ParsedMail, authentication: Authentication | null): Vouched | null => {
  const [, emailId] = OUR_MESSAGE_ID.exec(original.messageId ?? '') ?? [];
  const [author, ...others] = content.from;
  const address = normaliseAddress(author?.email ?? '');
  if (authentication?.verdict !== 'pass' || emailId === undefined || others.length > 0 || E.isLeft(address)) return null;
  return { emailId: emailId as EmailId, voucher: domainOf(address.right) };
};

/** Only on recipients in that very domain or below it, and only for the mailbox that sent it. */
const byVoucher = (report: MailReport, mail: QueuedOutbound, mailboxId: MailboxId, voucher: string): readonly OutboundReport[] =>
  mail.mailboxId !== mailboxId
    ? []
    : amongThose(reportsIn(report, mail, null), mail, (domain) => domain === voucher || domain.endsWith(`.${voucher}`));

/** A path that several know is about those at their domain whom the report names: whoever of them made it up tells of nobody elsewhere. */
const byReturnPath = (report: MailReport, mail: QueuedOutbound, { recipient, isShared, by }: CameBack): readonly OutboundReport[] => {
  if (by === 'receipt' || recipient === null || mail.recipients.length === 1)
    return reportsIn(report, mail, mail.recipients.length === 1 ? 0 : null);
  if (!isShared) return reportsIn(report, mail, recipient);
  const shared = domainAt(mail, recipient);
  return amongThose(reportsIn(report, mail, null), mail, (domain) => domain === shared);
};

/** What they say of recipients whose domain is one of those. */
const amongThose = (
  reports: readonly OutboundReport[],
  mail: QueuedOutbound,
  isOne: (domain: string) => boolean,
): readonly OutboundReport[] =>
  reports.flatMap((one) => {
    const recipients = one.recipients.filter((at) => {
      const domain = domainAt(mail, at);
      return domain !== null && isOne(domain);
    });
    return recipients.length === 0 ? [] : [{ ...one, recipients }];
  });

/** Null for whom there is none, or nobody knows it any more. */
const domainAt = ({ addresses }: QueuedOutbound, at: number): string | null => {
  const normal = normaliseAddress(isShredded(addresses) ? '' : (addresses[at]?.address ?? ''));
  return E.isLeft(normal) ? null : domainOf(normal.right satisfies EmailAddress);
};

/** @param only whom it is about, whoever it names: a mail that was passed on comes back from somebody else */
const reportsIn = (report: MailReport, mail: QueuedOutbound, only: number | null): readonly OutboundReport[] => {
  const among = (addresses: readonly string[]): readonly number[] =>
    only === null ? [...new Set(addresses.flatMap((address) => recipientAt(mail, address) ?? []))] : [only];
  if (report.type !== 'fates') {
    const recipients = among(report.recipients);
    if (recipients.length === 0) return [];
    if (report.type === 'complaint') return [{ type: 'complaint', recipients, feedback: report.feedback }];
    return [{ type: 'receipt', recipients, disposition: report.disposition, isAutomatic: report.isAutomatic }];
  }
  return report.fates
    .toSorted((a, b) => SEVERITY[b.fate] - SEVERITY[a.fate])
    .map(({ recipients, ...told }) => ({ type: 'fate' as const, ...told, recipients: among(recipients) }))
    .filter(({ recipients }) => recipients.length > 0);
};

/** Of several fates of one recipient (a list that was expanded), the one that somebody must know of comes first, and counts. */
const SEVERITY = { failed: 4, delayed: 3, delivered: 2, relayed: 1, expanded: 0 } as const;
