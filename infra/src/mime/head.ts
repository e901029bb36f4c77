/**
 * The root header as bytes, before any parser: where it ends, cut to size, in UTF-8, and the hash that tells a mail from another.
 * Every function here is linear in what it reads.
 */
import { isUtf8 } from 'node:buffer';
import { createHash } from 'node:crypto';
import { MAX_FIELD_BYTES, MAX_HEAD_BYTES } from './limits.ts';

const LF = 0x0a;
const CR = 0x0d;

/** Where the body starts: behind the first empty line (RFC 5322 §2.1), or the end when there is none. */
export const bodyStart = (raw: Uint8Array): number => {
  let lineStart = 0;
  for (;;) {
    const lf = raw.indexOf(LF, lineStart);
    if (lf < 0) return raw.byteLength;
    if (lf === lineStart || (lf === lineStart + 1 && raw[lineStart] === CR)) return lf + 1;
    lineStart = lf + 1;
  }
};

/** Fields of a header with their continuation lines (RFC 5322 §2.2.3), line ends included. */
export function* fieldsOf(head: Uint8Array): Generator<Uint8Array> {
  let start = 0;
  while (start < head.byteLength) {
    let end = start;
    do {
      const lf = head.indexOf(LF, end);
      end = lf < 0 ? head.byteLength : lf + 1;
    } while (end < head.byteLength && (head[end] === 0x20 || head[end] === 0x09));
    yield head.subarray(start, end);
    start = end;
  }
}

/** The mail with a header that a parser can take: short enough, and UTF-8 where it was raw 8-bit. Usually the very same bytes. */
export const tame = (raw: Uint8Array): Uint8Array => {
  const start = bodyStart(raw);
  const head = raw.subarray(0, start);
  if (isTame(head)) return raw;

  const legacy = legacyCharset(head);
  const kept: Uint8Array[] = [];
  let length = 0;
  for (const field of fieldsOf(head)) {
    if (isEmptyLine(field)) continue;
    const short = shorten(field);
    const readable = isUtf8(short) ? short : Buffer.from(legacy.decode(short));
    length += readable.byteLength;
    if (length > MAX_HEAD_BYTES) break;
    kept.push(readable);
  }
  return Buffer.concat([...kept, Buffer.from('\r\n'), raw.subarray(start)]);
};

const isTame = (head: Uint8Array): boolean => {
  if (head.byteLength > MAX_HEAD_BYTES || !isUtf8(head)) return false;
  return head.byteLength <= MAX_FIELD_BYTES || [...fieldsOf(head)].every((field) => field.byteLength <= MAX_FIELD_BYTES);
};

const isEmptyLine = (field: Uint8Array): boolean => field[0] === LF || (field[0] === CR && field[1] === LF);

/** Cut behind the last comma that fits, so that a list of addresses loses whole addresses. */
const shorten = (field: Uint8Array): Uint8Array => {
  if (field.byteLength <= MAX_FIELD_BYTES) return field;
  const comma = field.lastIndexOf(0x2c, MAX_FIELD_BYTES);
  return Buffer.concat([field.subarray(0, comma > MAX_FIELD_BYTES / 2 ? comma : MAX_FIELD_BYTES), Buffer.from('\r\n')]);
};

/** Raw 8-bit headers say nothing of their charset: the body's is the best guess, then the one most software meant. */
const legacyCharset = (head: Uint8Array): { decode(bytes: Uint8Array): string } => {
  const label = /charset\s*=\s*"?([\w.:-]{1,40})/i.exec(Buffer.from(head.subarray(0, MAX_HEAD_BYTES)).toString('latin1'))?.[1];
  if (label !== undefined && !/^(us-?ascii|utf-?8)$/i.test(label)) {
    try {
      return new TextDecoder(label);
    } catch {
      // A name that nobody knows is no guess at all.
    }
  }
  return new TextDecoder('windows-1252');
};

/** Fields that relays add on the way: two copies of one mail differ in them (RFC 5322 §3.6.7 and its kin). */
const TRACE = /^(received|return-path|delivered-to|x-original-to|envelope-to|received-spf|authentication-results|arc-[a-z-]+)\s*:/i;

/** Fields that mailbox files and mail programs add for themselves: flags, labels, lengths, numbers. They are of no sender's making. */
export const KEPT_BY =
  /^(status|x-status|x-keywords|x-uid|x-imap|x-imapbase|x-mozilla-[a-z0-9-]+|x-gmail-labels|x-gm-[a-z0-9-]+|content-length)\s*:/i;

/** Sha256 of everything the sender wrote, whatever the line ends. Equal Message-ID and equal content hash: the same mail, twice. */
export const contentHash = (raw: Uint8Array): string => {
  const start = bodyStart(raw);
  const sha = createHash('sha256');
  for (const field of fieldsOf(raw.subarray(0, start))) {
    const name = Buffer.from(field.subarray(0, 64)).toString('latin1');
    if (!isEmptyLine(field) && !TRACE.test(name) && !KEPT_BY.test(name)) sha.update(inLf(field)).update('\n');
  }
  return sha
    .update('\n')
    .update(inLf(raw.subarray(start)))
    .digest('hex');
};

/** Mailbox files keep LF where the wire has CRLF, and add a line at the end or take one away. */
const inLf = (bytes: Uint8Array): Uint8Array => {
  let end = bytes.byteLength;
  while (end > 0 && (bytes[end - 1] === LF || bytes[end - 1] === CR)) end -= 1;
  if (bytes.subarray(0, end).indexOf(CR) < 0) return bytes.subarray(0, end);
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, end).toString('latin1');
  return Buffer.from(text.replaceAll('\r\n', '\n'), 'latin1');
};
