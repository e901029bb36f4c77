/** What the tree and the header say of a mail, within bounds that keep an event far below its limit. */
import type { Address, EmailContent, EmailDetails, Part } from '@tidings/contracts/events/email';
import type { HeaderLines } from 'mailparser';
import { MAX_MESSAGE_ID, MAX_REFERENCES } from './limits.ts';
import type { Structure } from './structure.ts';
import { line } from './text.ts';
import type { TreeNode } from './tree.ts';

/** mailparser's decoded headers; what a value is depends on the field, so it is looked at before use. */
export type DecodedHeaders = ReadonlyMap<string, unknown>;

/** All of `EmailContent` but the preview, which `domain` makes from the opening of the text. */
export type MailContent = Omit<EmailContent, 'preview'>;

export interface MailSays {
  readonly content: MailContent;
  readonly details: EmailDetails;
}

/**
 * JSON octets of each list. Those of the event come to about 100 KB, and sealing adds a third: it stays below `MAX_EVENT_BYTES` whatever the
 * mail holds; the rest is in the raw bytes.
 */
const ROOM = { few: 6_000, many: 28_000, references: 16_000, bodies: 6_000, attachments: 28_000 };

export const contentOf = (headers: DecodedHeaders, lines: HeaderLines, structure: Structure<TreeNode>): MailSays => {
  const receiptTo = addresses(headers, 'disposition-notification-to', ROOM.few);
  const attachments = within(structure.attachments.map(part), ROOM.attachments);
  return {
    content: {
      messageId: messageIds(lines, 'message-id').at(-1) ?? null,
      inReplyTo: within(messageIds(lines, 'in-reply-to').slice(0, 20), ROOM.few),
      references: within(firstAndLast(messageIds(lines, 'references'), MAX_REFERENCES), ROOM.references),
      from: addresses(headers, 'from', ROOM.few),
      to: addresses(headers, 'to', ROOM.many),
      cc: addresses(headers, 'cc', ROOM.many),
      subject: subject(headers),
      sentAt: sentAt(lines),
      hasAttachments: attachments.length > 0,
    },
    details: {
      sender: addresses(headers, 'sender', ROOM.few),
      replyTo: addresses(headers, 'reply-to', ROOM.few),
      bcc: addresses(headers, 'bcc', ROOM.few),
      textBody: within(structure.textBody.map(part), ROOM.bodies),
      htmlBody: within(structure.htmlBody.map(part), ROOM.bodies),
      attachments,
      ...(receiptTo.length === 0 ? {} : { receiptTo }),
    },
  };
};

const part = ({ partId, name, type, charset, disposition, cid, size }: TreeNode): Part => ({
  partId,
  name,
  type,
  charset,
  disposition,
  cid,
  size,
});

/** The longest prefix whose JSON fits. */
const within = <A>(items: readonly A[], octets: number): readonly A[] => {
  let used = 0;
  const end = items.findIndex((item) => (used += Buffer.byteLength(JSON.stringify(item)) + 1) > octets);
  return end < 0 ? items : items.slice(0, end);
};

/** The root of a conversation and its latest messages say more than its middle. */
const firstAndLast = <A>(items: readonly A[], max: number): readonly A[] =>
  items.length <= max ? items : [...items.slice(0, 1), ...items.slice(items.length - max + 1)];

const subject = (headers: DecodedHeaders): string => {
  const value = headers.get('subject');
  return typeof value === 'string' ? line(value, 1000) : '';
};

/** mailparser's shape of an address header; its types call the same thing by several names. */
interface Listed {
  readonly address?: string;
  readonly name?: string;
  readonly group?: readonly Listed[];
}

const addresses = (headers: DecodedHeaders, name: string, octets: number): readonly Address[] => {
  const found = headers.get(name);
  const fields = found === undefined ? [] : Array.isArray(found) ? found : [found];
  const listed = fields.flatMap((field) =>
    typeof field === 'object' && field !== null && 'value' in field && Array.isArray(field.value) ? (field.value as Listed[]) : [],
  );
  return within(
    listed
      .flatMap(members)
      .map(address)
      .filter((one) => one.email !== '' || one.name !== null),
    octets,
  );
};

/** Groups (RFC 5322 §3.4) give their members; an empty one (`undisclosed-recipients:;`) gives none. */
const members = (one: Listed): readonly Listed[] => one.group?.flatMap(members) ?? [one];

const address = ({ address: email = '', name = '' }: Listed): Address => ({ name: line(name, 200) || null, email: line(email, 320) });

/** Raw values of a header field, unfolded. */
export const valuesOf = (lines: HeaderLines, key: string): readonly string[] =>
  lines.filter((one) => one.key === key).map((one) => one.line.slice(one.line.indexOf(':') + 1).replace(/\r?\n/g, ''));

/** Message ids without their brackets, as RFC 8621 §4.1.2.3 gives them. Old software wrote none: then one word is an id. */
const messageIds = (lines: HeaderLines, key: string): readonly string[] =>
  valuesOf(lines, key).flatMap((value) => {
    const bracketed = value.match(/<[^<>\s]+>/g)?.map((id) => id.slice(1, -1));
    const bare =
      bracketed ??
      value
        .trim()
        .split(/\s+/, 1)
        .filter((word) => word.includes('@'))
        .map((word) => word.replace(/^<|>$/g, ''));
    return bare.map((id) => line(id, MAX_MESSAGE_ID)).filter((id) => id !== '');
  });

const sentAt = (lines: HeaderLines): string | null => dateOf(valuesOf(lines, 'date').at(-1) ?? '');

/** RFC 5322 §3.3 as far as `Date` reads it; a date without a month or out of all reason is none. */
export const dateOf = (written: string): string | null => {
  const value = written.trim().slice(0, 200);
  if (!/\d/.test(value) || !/jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|\d{4}-\d{2}-\d{2}/i.test(value)) return null;
  const whole = new Date(value.replace(/\([^()]*\)/g, ''));
  const at = Number.isNaN(whole.getTime()) ? startOf(value) : whole;
  const year = at.getUTCFullYear();
  return year >= 1900 && year <= 9999 ? at.toISOString() : null;
};

const DATE_TIME = /^(?:[a-z]{2,9},?\s*)?(\d{1,2}\s+[a-z]{3,9}\s+\d{4}\s+\d{1,2}:\d{2}(?::\d{2})?)\s*([+-]\d{4}\b)?/i;

/** What stands behind the time may be unreadable: RFC 5322 §4.3 takes a zone that nobody knows for none. */
const startOf = (value: string): Date => {
  const [, time = '', zone = '+0000'] = DATE_TIME.exec(value) ?? [];
  return new Date(`${time} ${zone}`);
};
