/** A read receipt (RFC 8098 §3): words for people, fields for machines, and the header of the mail that was read. */
import type { Timestamp } from '@tidings/contracts/time';
import MimeNode from 'nodemailer/lib/mime-node';

export interface ReceiptToCompose {
  readonly messageId: string;
  readonly date: Timestamp;
  /** The mailbox that read it, by the address that the mail came to. */
  readonly from: string;
  readonly to: readonly string[];
  /** Of our mail server. */
  readonly host: string;
  readonly original: {
    readonly messageId: string | null;
    readonly subject: string;
    /** Its header, as it was received; cut to a length that one reads. */
    readonly head: Uint8Array;
  };
}

const MOST_HEAD_BYTES = 8 * 1024;

export const composeReceipt = async ({ messageId, date, from, to, host, original }: ReceiptToCompose): Promise<Uint8Array> => {
  const root = new MimeNode('multipart/report; report-type=disposition-notification', { newline: 'windows' });
  root.setHeader('From', from);
  root.setHeader('To', to.join(', '));
  root.setHeader('Subject', `Read: ${original.subject}`.replaceAll('=?', '= ?'));
  root.setHeader('Message-ID', `<${messageId}>`);
  root.setHeader('Date', new Date(date).toUTCString().replace('GMT', '+0000'));
  root.setHeader('Auto-Submitted', 'auto-replied');
  const id = original.messageId === null ? null : `<${original.messageId}>`;
  if (id !== null) {
    root.setHeader('In-Reply-To', id);
    root.setHeader('References', id);
  }
  root
    .createChild('text/plain; charset=utf-8')
    .setContent(`${from} has read your mail "${original.subject}". That it was shown does not mean that it was understood.\r\n`);
  root.createChild('message/disposition-notification').setContent(fieldsFor(from, host, id));
  root.createChild('text/rfc822-headers').setContent(headOf(original.head));
  return root.build();
};

const fieldsFor = (from: string, host: string, id: string | null): string =>
  [
    `Reporting-UA: ${host}; Tidings`,
    `Final-Recipient: ${/^[ -~]*$/.test(from) ? 'rfc822' : 'utf-8'};${from}`,
    ...(id === null ? [] : [`Original-Message-ID: ${id}`]),
    'Disposition: manual-action/MDN-sent-manually; displayed',
    '',
  ].join('\r\n');

/** Whole lines of it. */
const headOf = (head: Uint8Array): Buffer => {
  const cut = Buffer.from(head.subarray(0, MOST_HEAD_BYTES));
  return cut.subarray(0, cut.lastIndexOf('\n') + 1);
};
