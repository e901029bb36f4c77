/**
 * A mail read as a message of a conversation: what its author wrote now, without what they quote and sign with, and what its header says of
 * where it comes from. Runs in a worker thread, as `readMail` does.
 */
import { createHash } from 'node:crypto';
import EmailReplyParser from 'email-reply-parser';
import { bodyStart, fieldsOf, tame } from './head.ts';
import { type ParsedMail, readMail } from './read-mail.ts';
import { textOfHtml } from './sanitise.ts';

export interface HeadField {
  /** In lower case. */
  readonly name: string;
  /** Unfolded, not decoded. */
  readonly value: string;
}

export interface ReplyMail extends ParsedMail {
  /** What was written; all of the text where nothing but quotes would be left. Empty when there is no text. */
  readonly reply: string;
  /** Fields that tell of automata, of the way a mail took and of its author, in their order. */
  readonly fields: readonly HeadField[];
  /** Equal for one mail that comes by SMTP and by a webhook that takes it apart. */
  readonly sameness: string;
}

const TOLD =
  /^(from|auto-submitted|precedence|list-[a-z-]+|x-auto-response-suppress|x-auto-?reply|x-auto-?respond|x-tidings-gateway|delivered-to|x-original-to|authentication-results|received-spf|content-type)$/;
const MOST_FIELDS = 200;
const LONGEST_VALUE = 4_000;

export const readReply = async (raw: Uint8Array): Promise<ReplyMail> => replyOf(await readMail(raw), raw);

/** Of a mail that is read already. */
export const replyOf = (mail: ParsedMail, raw: Uint8Array): ReplyMail => {
  const text = textOf(mail);
  return { ...mail, reply: written(text), fields: told(raw), sameness: samenessOf(mail, text) };
};

/** Of text parts as they read, else of HTML. */
const textOf = ({ details, bodies }: ParsedMail): string =>
  details.textBody
    .map(({ partId, type }) => {
      const value = bodies[partId]?.value ?? '';
      return type === 'text/html' ? textOfHtml(value.replace(/<br\b[^>]*>|<\/(p|div|tr|h[1-6]|li|blockquote)>/gi, '$&\n')) : value;
    })
    .join('\n')
    .replaceAll('\r\n', '\n')
    .trim();

/** More than this of one line is no letter. */
const MAX_TRIMMED = 200_000;

const written = (text: string): string => {
  if (text === '' || text.length > MAX_TRIMMED) return text.slice(0, MAX_TRIMMED).toWellFormed();
  const visible = new EmailReplyParser().read(text).getVisibleText().trim();
  return visible === '' ? text : visible;
};

const told = (raw: Uint8Array): readonly HeadField[] => {
  const tamed = tame(raw);
  const found: HeadField[] = [];
  for (const field of fieldsOf(tamed.subarray(0, bodyStart(tamed)))) {
    const text = Buffer.from(field).toString();
    const colon = text.indexOf(':');
    const name = text.slice(0, Math.max(colon, 0)).trim().toLowerCase();
    if (found.length < MOST_FIELDS && TOLD.test(name)) {
      const value = text
        .slice(colon + 1)
        .replace(/\r?\n/g, '')
        .trim();
      found.push({ name, value: value.slice(0, LONGEST_VALUE).toWellFormed() });
    }
  }
  return found;
};

const samenessOf = ({ content, details }: ParsedMail, text: string): string => {
  const from = content.from.map(({ email }) => email.toLowerCase());
  const files = details.attachments.map(({ size }) => size).toSorted((a, b) => a - b);
  const words = text.replace(/\s+/g, ' ').trim();
  return createHash('sha256')
    .update(JSON.stringify([from, content.subject.trim(), words, files]))
    .digest('hex');
};
