/**
 * When a mail breaks or outlasts its reader: a view of it that cannot fail. One bounded look at the start of the bytes; nothing is
 * decoded but what is cheap, nothing is interpreted. The mail is filed all the same, and its raw bytes stay whole.
 */
import { contentOf } from './content.ts';
import { bodyStart, contentHash, fieldsOf, tame } from './head.ts';
import { createHash } from 'node:crypto';
import type { ParsedMail } from './read-mail.ts';
import type { ReplyMail } from './read-reply.ts';
import { block } from './text.ts';

const LOOKED_AT = 256 * 1024;
const FIELDS = 500;
const TEXT_CHARS = 100_000;

export const readPlainly = (raw: Uint8Array, fault: string): ParsedMail => {
  const start = tame(raw.subarray(0, LOOKED_AT));
  const at = bodyStart(start);
  const lines = [...fieldsOf(start.subarray(0, at))].slice(0, FIELDS).map((field) => headerLine(Buffer.from(field).toString()));
  const text = block(Buffer.from(start.subarray(at)).toString().replaceAll('\r\n', '\n'), TEXT_CHARS);
  const headers = new Map<string, unknown>([['subject', lines.findLast(({ key }) => key === 'subject')?.value ?? ''], ...mailboxes(lines)]);
  const body = {
    partId: '1',
    type: 'text/plain',
    name: null,
    charset: null,
    disposition: null,
    cid: null,
    size: raw.byteLength - at,
    text,
    children: [],
  };
  return {
    ...contentOf(headers, lines, { textBody: [body], htmlBody: [body], attachments: [] }),
    opening: text.slice(0, 4_000).toWellFormed(),
    bodies: { '1': { value: text, isTruncated: raw.byteLength > LOOKED_AT } },
    contentHash: contentHash(raw),
    fault,
  };
};

/** The same as a message of a conversation: nothing is taken away of what could not be understood. */
export const plainReply = (raw: Uint8Array, fault: string): ReplyMail => {
  const mail = readPlainly(raw, fault);
  const start = tame(raw.subarray(0, LOOKED_AT));
  const fields = [...fieldsOf(start.subarray(0, bodyStart(start)))]
    .slice(0, FIELDS)
    .map((field) => headerLine(Buffer.from(field).toString()));
  return {
    ...mail,
    reply: mail.opening,
    fields: fields.map(({ key, value }) => ({ name: key, value: value.slice(0, 4_000) })),
    sameness: createHash('sha256').update(mail.contentHash).digest('hex'),
  };
};

interface Line {
  readonly key: string;
  readonly line: string;
  readonly value: string;
}

const headerLine = (line: string): Line => {
  const colon = line.indexOf(':');
  return {
    key: line.slice(0, Math.max(colon, 0)).trim().toLowerCase(),
    line,
    value: line
      .slice(colon + 1)
      .replace(/\r?\n/g, '')
      .trim(),
  };
};

/** `Name <local@domain>` and `local@domain`, separated by commas; good enough to see who wrote and to whom. */
const mailboxes = (lines: readonly Line[]): readonly (readonly [string, { value: readonly { name: string; address: string }[] }])[] =>
  ['from', 'sender', 'reply-to', 'to', 'cc', 'bcc'].map((key) => {
    const value = lines.find((one) => one.key === key)?.value.slice(0, 20_000) ?? '';
    const found = value.split(',', 200).map((one) => {
      const open = one.lastIndexOf('<');
      const address = (open < 0 ? one : (one.slice(open + 1).split('>', 1)[0] ?? '')).trim();
      return { name: open < 0 ? '' : one.slice(0, open).replaceAll('"', '').trim(), address };
    });
    return [key, { value: found.filter(({ address }) => address.includes('@')) }] as const;
  });
