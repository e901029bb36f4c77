/** What mails about chat messages have in common. Pure. */
import type { Address } from '@tidings/contracts/events/email';
import type { Timestamp } from '@tidings/contracts/time';
import type { MailFile } from '@tidings/infra/compose/mail';
import { DateTime } from 'luxon';

/** Where a message was said: a group, or between two people. */
export interface Conversation {
  readonly isGroup: boolean;
  /** Of a group, null for one without a name; between two, the other one's. */
  readonly name: string | null;
}

/** A file of a message: in the mail itself, to be fetched by its link, or neither where it is no longer there. */
export interface ShownFile {
  readonly name: string;
  readonly size: number | null;
  readonly attached: MailFile | null;
  readonly link: string | null;
}

/** A message as someone reads it in a mail. */
export interface Said {
  readonly author: string;
  readonly at: Timestamp;
  /** Empty where it is only a file. */
  readonly text: string;
  readonly file: ShownFile | null;
}

/** One line, whatever a name holds. */
export const oneLine = (text: string): string =>
  text
    .toWellFormed()
    .replaceAll(/[\p{Cc}\u2028\u2029]+/gu, ' ')
    .trim();

/** The same for every mail of the conversation, so that it stays one thread in every program. */
export const subjectOf = ({ isGroup, name }: Conversation, service: string): string => {
  if (name === null || oneLine(name) === '') return `Conversation at ${oneLine(service)}`;
  return isGroup ? oneLine(name) : `Messages with ${oneLine(name)}`;
};

/** The author's name with the gateway's own address: nobody is sent mail in the name of their address. */
export const fromOf = (author: string, email: string): Address => ({ name: oneLine(author), email });

export const escaped = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');

export const paragraphs = (text: string): string => (text === '' ? '' : `<div>${escaped(text).replaceAll(/\r\n|\r|\n/g, '<br>')}</div>`);

const UNITS = ['bytes', 'KB', 'MB', 'GB'] as const;
export const sizeOf = (bytes: number): string => {
  const at = Math.min(UNITS.length - 1, Math.floor(Math.log10(Math.max(bytes, 1)) / 3));
  return `${at === 0 ? bytes : (bytes / 1000 ** at).toFixed(1)} ${UNITS[at]}`;
};

const named = ({ name, size }: ShownFile): string => (size === null ? oneLine(name) : `${oneLine(name)} (${sizeOf(size)})`);

/** A line about a file. */
export const fileText = (file: ShownFile): string => {
  if (file.attached !== null) return `[${named(file)}]`;
  return file.link === null ? `[${named(file)}: no longer there]` : `[${named(file)}] ${file.link}`;
};

export const fileHtml = (file: ShownFile): string => {
  if (file.attached !== null) {
    return file.attached.cid === null
      ? `<div>${escaped(named(file))}</div>`
      : `<div><img src="cid:${escaped(file.attached.cid)}" alt="${escaped(oneLine(file.name))}"></div>`;
  }
  return file.link === null
    ? `<div>${escaped(named(file))}: no longer there</div>`
    : `<div><a href="${escaped(file.link)}">${escaped(named(file))}</a></div>`;
};

/** `Sun, 1 Mar 2026, 08:30 (Europe/Paris)`. */
export const momentOf = (at: Timestamp, zone: string): string =>
  inZone(at, zone).toFormat('ccc, d LLL yyyy, HH:mm', ENGLISH) + ` (${zone})`;
export const clockOf = (at: Timestamp, zone: string): string => inZone(at, zone).toFormat('HH:mm', ENGLISH);
export const dayOf = (at: Timestamp, zone: string): string => inZone(at, zone).toFormat('cccc, d LLL yyyy', ENGLISH);

const ENGLISH = { locale: 'en' };
const inZone = (at: Timestamp, zone: string): DateTime => DateTime.fromISO(at, { zone: zone });
