/**
 * The bytes of a mail that we send (mail-contract §7). Everything that ends up in a header was checked where it came in; nodemailer folds and
 * encodes it (RFC 2047, 2231, 6532) and lets no line break through. Bcc is not among what this is given.
 */
import type { Address } from '@tidings/contracts/events/email';
import { hash } from 'node:crypto';
import { htmlToText } from 'html-to-text';
import MailComposer, { type MailComposerAlternative, type MailComposerAttachment } from 'nodemailer/lib/mail-composer';
import { sanitiseOutgoing } from '../mime/sanitise.ts';
import { flowed } from './flowed.ts';
import type { ComposedMail, MailFile, MailToCompose } from './mail.ts';

export const build = async (mail: MailToCompose): Promise<ComposedMail> => {
  const html = mail.html === '' ? '' : sanitiseOutgoing(mail.html);
  const { html: linked, files } = html === '' ? { html, files: mail.files.map(attached) } : withParts(html, mail.files);
  const text = mail.text === '' && linked !== '' ? textFrom(linked) : mail.text;
  const node = new MailComposer({
    from: person(mail.from),
    to: mail.to.map(person),
    cc: mail.cc.map(person),
    ...(mail.replyTo === undefined ? {} : { replyTo: person(mail.replyTo) }),
    subject: literally(mail.subject),
    messageId: `<${mail.messageId}>`,
    date: new Date(mail.date),
    ...(mail.inReplyTo === null ? {} : { inReplyTo: `<${mail.inReplyTo}>` }),
    ...(mail.references.length === 0 ? {} : { references: mail.references.map((id) => `<${id}>`) }),
    headers: headersOf(mail),
    // In this order: the last one that a program understands is shown (RFC 2046 §5.1.4).
    alternatives: [
      alternative('text/plain; charset=utf-8; format=flowed', flowed(text)),
      ...(linked === '' ? [] : [alternative(HTML, linked)]),
    ],
    attachments: [...files],
    newline: 'windows',
    disableFileAccess: true,
    disableUrlAccess: true,
  }).compile();
  return { raw: await node.build(), text };
};

const HTML = 'text/html; charset=utf-8';

const person = ({ name, email }: Address): { readonly name: string; readonly address: string } => ({
  name: literally(name ?? ''),
  address: email,
});

/** What somebody typed that looks like an encoded word would be decoded by who reads it (RFC 2047 §6.2). */
const literally = (text: string): string => text.replaceAll('=?', '= ?');

const alternative = (contentType: string, content: string): MailComposerAlternative => ({ contentType, content });

/** RFC 8058 §3.1: one click is only offered where an https address takes it. RFC 3834 §5: what nobody wrote by hand says so. */
const headersOf = ({ unsubscribe, receiptTo, autoSubmitted, headers }: MailToCompose): Record<string, string> => ({
  ...headers,
  ...(unsubscribe === null ? {} : { 'List-Unsubscribe': `<${unsubscribe}>` }),
  ...(unsubscribe?.startsWith('https:') === true ? { 'List-Unsubscribe-Post': 'List-Unsubscribe=One-Click' } : {}),
  ...(receiptTo === null ? {} : { 'Disposition-Notification-To': `<${receiptTo}>` }),
  ...(autoSubmitted === null ? {} : { 'Auto-Submitted': autoSubmitted, 'X-Auto-Response-Suppress': 'All' }),
  // For programs that know nothing of RFC 3834.
  ...(autoSubmitted === 'auto-replied' ? { Precedence: 'bulk' } : {}),
});

/** Words for who reads no HTML. Lines are the reader's to break. */
export const textFrom = (html: string): string =>
  htmlToText(html, {
    wordwrap: false,
    selectors: [
      { selector: 'img', format: 'skip' },
      { selector: 'a', options: { hideLinkHrefIfSameAsText: true, ignoreHref: false } },
      ...['h1', 'h2', 'h3', 'h4', 'h5', 'h6'].map((selector) => ({ selector, options: { uppercase: false } })),
      { selector: 'table', format: 'block' },
    ],
    limits: { maxDepth: 150 },
  }).trim();

const attached = ({ name, type, content }: MailFile): MailComposerAttachment => ({
  filename: literally(name),
  contentType: type,
  contentDisposition: 'attachment',
  content: bufferOf(content),
});

const bufferOf = (bytes: Uint8Array): Buffer => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);

const DATA_IMAGE = /src="data:(image\/(?:png|gif|jpeg|webp));base64,([^"]*)"/gi;
const CID = /src="cid:([^"]*)"/gi;

interface Shown {
  readonly cid: string;
  readonly type: string;
  readonly name: string;
  readonly content: Buffer;
}

/** What the HTML shows becomes parts beside it (RFC 2392), each picture once however often it is shown; all else is attached. */
const withParts = (
  html: string,
  files: readonly MailFile[],
): { readonly html: string; readonly files: readonly MailComposerAttachment[] } => {
  const shown = new Map<string, Shown>();
  const cidFor = (type: string, content: Buffer, name: string | null, cid: string | null): string => {
    const key = hash('sha256', content);
    const known = shown.get(key);
    if (known !== undefined) return known.cid;
    const made = cid ?? `${key.slice(0, 32)}@inline`;
    shown.set(key, { cid: made, type, name: name ?? `image-${shown.size + 1}.${type.slice(type.indexOf('/') + 1)}`, content });
    return made;
  };
  const named = new Set([...html.matchAll(CID)].map(([, cid = '']) => decodedCid(cid)));
  const inline = files.filter(({ cid }) => cid !== null && named.has(cid));
  const cids = new Map(inline.map(({ cid, type, content, name }) => [cid, cidFor(type, bufferOf(content), name, cid)]));
  const linked = html
    .replace(CID, (whole, cid: string) => {
      const known = cids.get(decodedCid(cid));
      return known === undefined ? whole : `src="cid:${known}"`;
    })
    .replace(
      DATA_IMAGE,
      (_, type: string, data: string) => `src="cid:${cidFor(type.toLowerCase(), Buffer.from(data, 'base64'), null, null)}"`,
    );
  return {
    html: linked,
    files: [
      ...[...shown.values()].map(({ cid, type, name, content }) => ({
        ...{ cid, contentType: type, filename: literally(name), content },
        contentDisposition: 'inline',
      })),
      ...files.filter((file) => !inline.includes(file)).map(attached),
    ],
  };
};

const decodedCid = (cid: string): string => {
  try {
    return decodeURIComponent(cid.replaceAll('&amp;', '&'));
  } catch {
    return cid;
  }
};
