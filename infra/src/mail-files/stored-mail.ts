/**
 * A mail as a mailbox file keeps it, and the same as it went over the wire: without the file's quoting, with CRLF, and with what mail programs noted
 * in its header taken out and understood.
 */
import { dateOf } from '../mime/content.ts';
import { bodyStart, fieldsOf, KEPT_BY } from '../mime/head.ts';

/** What a mail program noted of a mail. Null: it noted nothing of that. */
export interface Noted {
  readonly seen: boolean | null;
  readonly flagged: boolean | null;
  readonly answered: boolean;
  readonly forwarded: boolean;
  readonly draft: boolean;
  readonly deleted: boolean;
  /** As they are written there; Gmail's own among them. Null where it has no notion of labels. */
  readonly labels: readonly string[] | null;
  /** From keywords, which never say where a mail lies. */
  readonly keywords: readonly string[];
}

export interface WireMail {
  readonly raw: Buffer;
  readonly noted: Noted;
}

export const nothingNoted: Noted = {
  seen: null,
  flagged: null,
  answered: false,
  forwarded: false,
  draft: false,
  deleted: false,
  labels: null,
  keywords: [],
};

/** @param quoted whether lines that begin with `From ` are quoted by `>` (mboxrd) */
export const wireMail = (stored: Buffer, quoted: boolean): WireMail => {
  const start = bodyStart(stored);
  const kept: Uint8Array[] = [];
  const noted: (readonly [string, string])[] = [];
  for (const field of fieldsOf(stored.subarray(0, start))) {
    const text = Buffer.from(field.buffer, field.byteOffset, field.byteLength);
    if (KEPT_BY.test(text.toString('latin1', 0, 64))) noted.push(nameAndValue(text.toString('latin1')));
    else kept.push(field);
  }
  const bytes = noted.length === 0 ? stored : Buffer.concat([...kept, stored.subarray(start)]);
  return { raw: onTheWire(bytes, quoted), noted: understood(noted) };
};

const QUOTED = /(^|\n)>(>*From )/g;
/** A line end without its CR. */
const BARE_LF = /(?<!\r)\n/;

const onTheWire = (bytes: Buffer, quoted: boolean): Buffer => {
  const text = bytes.toString('latin1');
  const plain = quoted && text.includes('>From ') ? text.replace(QUOTED, '$1$2') : text;
  const crlf = BARE_LF.test(plain) ? plain.replace(/\r?\n/g, '\r\n') : plain;
  return crlf === text ? bytes : Buffer.from(crlf, 'latin1');
};

const nameAndValue = (field: string): readonly [string, string] => {
  const colon = field.indexOf(':');
  return [
    field.slice(0, colon).trim().toLowerCase(),
    field
      .slice(colon + 1)
      .replace(/\r?\n/g, '')
      .trim(),
  ];
};

const understood = (fields: readonly (readonly [string, string])[]): Noted => {
  const valueOf = (name: string): string | null => fields.find(([known]) => known === name)?.[1] ?? null;
  const status = valueOf('status');
  const more = valueOf('x-status') ?? '';
  const mozilla = Number.parseInt(valueOf('x-mozilla-status') ?? '', 16);
  const gmail = valueOf('x-gmail-labels');
  const labels = gmail === null ? null : listed(decoded(gmail));
  const keywords = `${valueOf('x-keywords') ?? ''} ${valueOf('x-mozilla-keys') ?? ''}`.split(/[\s,]+/).filter((word) => word !== '');
  const isMarked = (keyword: string): boolean => keywords.some((word) => word.toLowerCase() === keyword);
  const seenBy = [
    status === null ? null : status.includes('R'),
    Number.isNaN(mozilla) ? null : (mozilla & 0x1) !== 0,
    labels === null ? null : !labels.some((label) => UNREAD.has(label.toLowerCase())),
  ];
  return {
    seen: seenBy.find((seen) => seen !== null) ?? null,
    flagged: status === null && valueOf('x-status') === null && Number.isNaN(mozilla) ? null : more.includes('F') || (mozilla & 0x4) !== 0,
    answered: more.includes('A') || (mozilla & 0x2) !== 0,
    forwarded: isMarked('$forwarded') || (mozilla & 0x10_00) !== 0,
    draft: more.includes('T'),
    deleted: more.includes('D') || (mozilla & 0x8) !== 0,
    labels,
    keywords: keywords.filter((word) => !/^(\$|(non)?junk$|old$)/i.test(word)),
  };
};

/** As Gmail calls it in English, French and Dutch. */
const UNREAD: ReadonlySet<string> = new Set(['unread', 'non lus', 'ongelezen']);

/** Values with commas between them, those with a comma in quotes. */
const listed = (value: string): readonly string[] =>
  (value.match(/"(?:[^"\\]|\\.)*"|[^,]+/g) ?? [])
    .map((item) =>
      item
        .trim()
        .replace(/^"(.*)"$/s, '$1')
        .replace(/\\(.)/g, '$1')
        .trim(),
    )
    .filter((item) => item !== '');

/** RFC 2047, over several words where the writer broke one character in two. */
const decoded = (value: string): string => {
  const joined = value.replace(/\?=\s+=\?/g, '?==?');
  return joined.replace(/(?:=\?([\w-]+)\?([bq])\?([^?]*)\?=)+/gi, (run) => {
    const words = [...run.matchAll(/=\?([\w-]+)\?([bq])\?([^?]*)\?=/gi)];
    const bytes = words.map(([, , kind = '', text = '']) =>
      kind.toLowerCase() === 'b' ? Buffer.from(text, 'base64') : quotedPrintable(text),
    );
    try {
      return new TextDecoder(words[0]?.[1] ?? 'utf-8').decode(Buffer.concat(bytes));
    } catch {
      return run; // of a charset that nobody knows
    }
  });
};

const quotedPrintable = (text: string): Buffer =>
  Buffer.from(
    text.replaceAll('_', ' ').replace(/=([0-9a-f]{2})/gi, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16))),
    'latin1',
  );

/** What the beginning of a stored mail says of its date; null when nothing that can be read. Milliseconds. */
export const sentAtOf = (head: Buffer): number | null => {
  const text = head.toString('latin1', 0, bodyStart(head));
  const value = /(?:^|\n)date:[ \t]*((?:[^\n]|\n[ \t])*)/i.exec(text)?.[1];
  return value === undefined ? null : msOrNull(dateOf(value.replace(/\r?\n/g, ' ')));
};

/** git and its archives write this one before every mail. */
const NO_DATE = /Mon Sep 17 00:00:00 2001/;

/** When a separator says that the mail came: `From ‹who› Fri Nov 20 10:00:00 2026`, in UTC unless it names a zone. Milliseconds. */
export const cameAtOf = (fromLine: string): number | null => {
  if (NO_DATE.test(fromLine)) return null;
  const match =
    /\b([a-z]{3})\s+(\d{1,2})\s+(\d{1,2}:\d{2}(?::\d{2})?)\s+(?:([+-]\d{4})\s+)?(?:[A-Z]{1,5}\s+)?(\d{4})(?:\s+([+-]\d{4}))?/i.exec(
      fromLine,
    );
  if (match === null) return null;
  const [, month = '', day = '', time = '', zone, year = '', after] = match;
  return msOrNull(dateOf(`${day} ${month} ${year} ${time} ${zone ?? after ?? '+0000'}`));
};

const msOrNull = (at: string | null): number | null => (at === null ? null : Date.parse(at));
