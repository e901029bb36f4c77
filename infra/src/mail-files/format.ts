/** What a file of mail is, by its first bytes; its name may say anything. */
import type { ImportFormat } from '@tidings/contracts/events/import';

/** So many of them are enough. */
export const FORMAT_BYTES = 2_048;

const ZIP = [Buffer.from('PK\x03\x04', 'latin1'), Buffer.from('PK\x05\x06', 'latin1')];
/** RFC 5322 §2.2: a header begins with a field name and a colon. */
const FIELD = /^[!-9;-~]{1,100}[ \t]*:/;

/** Null for what is none of these. */
export const formatOf = (head: Buffer): ImportFormat | null => {
  if (ZIP.some((magic) => head.subarray(0, 4).equals(magic))) return 'zip';
  const text = head.toString('latin1', 0, FORMAT_BYTES);
  if (text.startsWith('From ')) return 'mbox';
  return FIELD.test(text) ? 'eml' : null;
};
