/**
 * A mail as an mbox keeps it (RFC 4155, quoted as `mboxrd` does, so that nothing is lost): flags in `Status` and `X-Status` as mail programs know them,
 * labels and places in `X-Gmail-Labels` as Gmail's own exports have them. What was noted in it before gives way.
 */
import { bodyStart, fieldsOf, KEPT_BY } from '../mime/head.ts';

export interface MboxNotes {
  readonly seen: boolean;
  readonly flagged: boolean;
  readonly answered: boolean;
  readonly forwarded: boolean;
  readonly draft: boolean;
  /** In Gmail's words, the place among them. */
  readonly labels: readonly string[];
}

/** @param from the sender's address, for the separator @param at when it came, in milliseconds */
export const mboxEntry = (raw: Buffer, { from, at }: { readonly from: string; readonly at: number }, notes: MboxNotes): Buffer => {
  const start = bodyStart(raw);
  const kept = [...fieldsOf(raw.subarray(0, start))].filter(
    (field) => !isEmptyLine(field) && !KEPT_BY.test(Buffer.from(field.subarray(0, 64)).toString('latin1')),
  );
  const head = Buffer.concat(kept).toString('latin1').replace(/\r?\n/g, '\n').replace(/\n*$/, '');
  const body = raw.toString('latin1', start).replaceAll('\r\n', '\n');
  const text = [
    `From ${/^[!-~]+$/.test(from) ? from : 'MAILER-DAEMON'} ${asctime(new Date(at))}`,
    ...(head === '' ? [] : [quoted(head)]),
    ...noted(notes),
    '',
    quoted(body.endsWith('\n') || body === '' ? body : `${body}\n`),
    '',
  ].join('\n');
  return Buffer.from(text, 'latin1');
};

const isEmptyLine = (field: Uint8Array): boolean => field[0] === 0x0a || (field[0] === 0x0d && field[1] === 0x0a);

const quoted = (text: string): string => (text.includes('From ') ? text.replace(/(^|\n)(>*From )/g, '$1>$2') : text);

const noted = ({ seen, flagged, answered, forwarded, draft, labels }: MboxNotes): readonly string[] => [
  `Status: ${seen ? 'RO' : 'O'}`,
  `X-Status: ${[answered ? 'A' : '', flagged ? 'F' : '', draft ? 'T' : ''].join('')}`,
  ...(forwarded ? ['X-Keywords: $Forwarded'] : []),
  `X-Gmail-Labels: ${labels.map(listed).map(encoded).join(',')}`,
];

/** One that has a comma, or what quotes are made of, stands in quotes. */
const listed = (label: string): string => (/[",\\]/.test(label) ? `"${label.replace(/["\\]/g, '\\$&')}"` : label);

/** RFC 2047 §2: at most 75 characters to a word, and no character broken in two. */
const encoded = (label: string): string => {
  if (/^[ -~]*$/.test(label) && !label.includes('=?')) return label;
  const words: string[] = [];
  let word = '';
  for (const character of label) {
    if (Buffer.byteLength(word + character) > 42) {
      words.push(word);
      word = '';
    }
    word += character;
  }
  words.push(word);
  return words.map((text) => `=?UTF-8?B?${Buffer.from(text).toString('base64')}?=`).join('\n ');
};

const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** `Fri Nov 20 10:00:00 2026`, in UTC as RFC 4155 wants it. */
const asctime = (at: Date): string => {
  const two = (value: number): string => String(value).padStart(2, '0');
  const day = String(at.getUTCDate()).padStart(2, ' ');
  const time = [at.getUTCHours(), at.getUTCMinutes(), at.getUTCSeconds()].map(two).join(':');
  return `${DAYS[at.getUTCDay()]} ${MONTHS[at.getUTCMonth()]} ${day} ${time} ${at.getUTCFullYear()}`;
};
