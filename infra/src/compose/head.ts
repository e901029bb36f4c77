/** The header of a message that was handed over whole, as far as it must be known before the message is sent on. */
import { type Either, left, right } from 'fp-ts/lib/Either.js';

export interface MessageHead {
  /** With CRLF at every line's end (RFC 5322 §2.3). */
  readonly message: Buffer;
  /** In order; names in lower case, values unfolded. */
  readonly fields: readonly { readonly name: string; readonly value: string }[];
}

const MAX_HEAD_BYTES = 256 * 1024;
/** RFC 5322 §2.1.1. */
const LONGEST_LINE = 998;

/** Or what is wrong with it, as the rest of a sentence. */
export const readHead = (given: Uint8Array): Either<string, MessageHead> => {
  const bytes = Buffer.from(given.buffer, given.byteOffset, given.byteLength);
  if (bytes.includes(0)) return left('must not hold NUL');
  const message = withCrlf(bytes);
  const end = message.indexOf('\r\n\r\n');
  const head = message.subarray(0, end < 0 ? message.byteLength : end);
  if (head.byteLength > MAX_HEAD_BYTES) return left('must have a header of at most 256 KiB');
  if (hasLongLine(message)) return left(`must not have lines of more than ${LONGEST_LINE} octets`);
  const lines = head
    .toString('latin1')
    .replaceAll(/\r\n[ \t]/g, ' ')
    .split('\r\n');
  const fields = lines.map((line) => /^([!-9;-~]{1,200}):(.*)$/.exec(line));
  if (fields.includes(null)) return left('must begin with header fields, each of the form "Name: value"');
  return right({
    message,
    fields: fields.flatMap((field) => (field === null ? [] : [{ name: (field[1] ?? '').toLowerCase(), value: field[2] ?? '' }])),
  });
};

/** What bare CR and LF mean to a receiver is a guess (smuggling): here they are line ends. */
const withCrlf = (bytes: Buffer): Buffer => {
  const text = bytes.toString('latin1');
  return /(?<!\r)\n|\r(?!\n)/.test(text) ? Buffer.from(text.replaceAll(/\r\n|\r|\n/g, '\r\n'), 'latin1') : bytes;
};

const hasLongLine = (message: Buffer): boolean => {
  for (let start = 0; start < message.byteLength;) {
    const end = message.indexOf('\r\n', start);
    if ((end < 0 ? message.byteLength : end) - start > LONGEST_LINE) return true;
    if (end < 0) return false;
    start = end + 2;
  }
  return false;
};

/** In front of the others. @param fields whole lines without their ends */
export const addFields = (message: Buffer, fields: readonly string[]): Buffer =>
  fields.length === 0 ? message : Buffer.concat([Buffer.from(fields.map((field) => `${field}\r\n`).join('')), message]);
