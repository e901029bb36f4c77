/**
 * Mails and questions as words of an index, in Postgres' own text form; an engine beside Postgres takes the same ones. Bare words are the body's. What
 * belongs to another field begins with a colon and the field's letter, which keeps it apart from every word and from every beginning of one:
 *
 *     word ~stem              body
 *     :s:word :s~stem         subject
 *     :n:word                 names of files
 *     :f:word :f~rd           from: words of name and address; the ends of words, so that any part of one is the beginning of something
 *     :f=ann@x.org :f@x.org   from: the address, its domain
 *     :t… :c… :b…             the same for all recipients, for Cc and for Bcc
 *     :m0a1b… :m0a1b….7       the mailbox, the segment of its time (segments.ts) and sixteen of them
 *     :z56 :a                 its size in quarters of a power of two; that something is attached
 */
import type { Address } from '@tidings/contracts/events/email';
import type { MailboxId } from '@tidings/contracts/ids';
import type { PersonCondition, TextCondition } from '@tidings/contracts/mail-query/ast';
import { wordsOf } from '../message-search/words.ts';
import type { StemmedWord } from './stems.ts';

/** Of a body; more is data rather than what someone wrote. */
export const MOST_WORDS = 5_000;
const MOST_FILES = 100;
/** Of each role, by name; more than these are found by their whole addresses. */
const MOST_NAMED = 50;
const SHORTEST_PART = 3;
const LONGEST_PART = 32;
/** Postgres keeps no position beyond this one. */
const LAST_POSITION = 16_383;

type Role = 'f' | 't' | 'c' | 'b';
const roleOf: Readonly<Record<PersonCondition['role'], Role>> = { from: 'f', to: 't', cc: 'c', bcc: 'b' };

export interface SearchedMail {
  readonly mailbox: MailboxId;
  /** Of its mailbox. */
  readonly segment: number;
  readonly size: number;
  readonly hasAttachments: boolean;
  readonly subject: readonly StemmedWord[];
  readonly body: readonly StemmedWord[];
  readonly files: readonly string[];
  readonly from: readonly Address[];
  readonly to: readonly Address[];
  readonly cc: readonly Address[];
  readonly bcc: readonly Address[];
}

/** A `tsvector`. */
export const documentOf = ({ mailbox, segment, size, hasAttachments, ...mail }: SearchedMail): string => {
  const { subject, body, files, from, to, cc, bcc } = mail;
  const lexemes = new Lexemes();
  for (const word of [mailboxWord(mailbox), segmentWord(mailbox, segment), eraWord(mailbox, eraOf(segment))]) lexemes.add(word);
  lexemes.add(sizeWord(sizeClass(size)));
  if (hasAttachments) lexemes.add(ATTACHMENT);
  lexemes.addText('', body);
  lexemes.addText(':s', subject);
  for (const name of files.slice(0, MOST_FILES)) lexemes.addRun(':n', name);
  lexemes.addPeople('f', from);
  lexemes.addPeople('t', [...to, ...cc, ...bcc]);
  lexemes.addPeople('c', cc);
  lexemes.addPeople('b', bcc);
  return lexemes.print();
};

class Lexemes {
  readonly #places = new Map<string, number[]>();
  /** The next free place of each field, with room between one name and the next: no phrase goes from one to another. */
  readonly #next = new Map<string, number>();

  add(lexeme: string, place?: number): void {
    const known = this.#places.get(lexeme);
    const places = place === undefined ? [] : [Math.min(place, LAST_POSITION)];
    if (known === undefined) this.#places.set(lexeme, places);
    else known.push(...places);
  }

  addText(field: '' | ':s', words: readonly StemmedWord[]): void {
    for (const [at, { word, stems }] of words.entries()) {
      this.add(field === '' ? word : `${field}:${word}`, at + 1);
      for (const stem of stems) this.add(`${field}~${stem}`);
    }
  }

  addRun(field: string, text: string): readonly { readonly word: string; readonly place: number }[] {
    const first = this.#next.get(field) ?? 1;
    const words = wordsOf(text).map(({ word }, at) => ({ word, place: first + at }));
    for (const { word, place } of words) this.add(`${field}:${word}`, place);
    this.#next.set(field, first + words.length + 1);
    return words;
  }

  addPeople(role: Role, people: readonly Address[]): void {
    for (const [nth, { name, email }] of people.entries()) {
      const address = plainAddress(email);
      if (address !== '') this.add(`:${role}=${address}`);
      const domain = address.slice(address.lastIndexOf('@') + 1);
      if (address.includes('@')) this.add(`:${role}@${domain}`);
      if (nth >= MOST_NAMED) continue;
      for (const text of [name ?? '', email]) {
        for (const { word, place } of this.addRun(`:${role}`, text)) {
          for (const part of endsOf(word)) this.add(`:${role}~${part}`, place);
        }
      }
    }
  }

  print(): string {
    return [...this.#places].map(([lexeme, places]) => `${quoted(lexeme)}${places.length === 0 ? '' : `:${places.join(',')}`}`).join(' ');
  }
}

/** Without the word itself. */
const endsOf = (word: string): readonly string[] => {
  const letters = [...word].slice(0, LONGEST_PART);
  return letters.slice(1, Math.max(1, letters.length - SHORTEST_PART + 1)).map((_, at) => letters.slice(at + 1).join(''));
};

/** ASCII only, as everywhere (architecture §9). */
const plainAddress = (email: string): string => email.trim().replaceAll(/[A-Z]/g, (letter) => letter.toLowerCase());

const mailboxWord = (mailbox: MailboxId): string => `:m${mailbox.replaceAll('-', '')}`;

const segmentWord = (mailbox: MailboxId, segment: number): string => `${mailboxWord(mailbox)}.${segment}`;
/** Many segments by few words. */
const eraWord = (mailbox: MailboxId, era: number): string => `${mailboxWord(mailbox)}/${era}`;
const ERA = 16;
const eraOf = (segment: number): number => Math.floor(segment / ERA);

interface SegmentName {
  readonly mailboxId: MailboxId;
  readonly nth: number;
}

/** A `tsquery` for mails of the segments `wanted`, which may be true of a few more. @param all those of their mailboxes */
export const segmentsQuery = (all: readonly SegmentName[], wanted: readonly SegmentName[]): string => {
  const inMailbox = Map.groupBy(all, ({ mailboxId }) => mailboxId);
  return or(
    [...Map.groupBy(wanted, ({ mailboxId }) => mailboxId)].flatMap(([mailbox, segments]) => {
      if (segments.length === inMailbox.get(mailbox)?.length) return [quoted(mailboxWord(mailbox))];
      return [...Map.groupBy(segments, ({ nth }) => eraOf(nth))].flatMap(([era, some]) =>
        some.length > ERA / 2 ? [quoted(eraWord(mailbox, era))] : some.map(({ nth }) => quoted(segmentWord(mailbox, nth))),
      );
    }),
  );
};

const ATTACHMENT = ':a';
/** 64 MiB and more. */
const LARGEST_CLASS = 4 * 26;
const sizeClass = (bytes: number): number => Math.min(LARGEST_CLASS, Math.floor(4 * Math.log2(Math.max(1, bytes))));
const sizeWord = (of: number): string => `:z${of}`;

/** A `tsquery` for mails with something attached. */
export const attachmentQuery = (): string => quoted(ATTACHMENT);

/** A `tsquery` that is true of every mail of more than `bytes`, and of some that are a little smaller. */
export const largerQuery = (bytes: number): string => {
  const smallest = sizeClass(bytes);
  return or(Array.from({ length: LARGEST_CLASS - smallest + 1 }, (_, at) => quoted(sizeWord(smallest + at))));
};

/** A `tsquery`. @param words those of the condition, in order; at least one */
export const textQuery = ({ field, exact }: TextCondition, words: readonly StemmedWord[]): string => {
  const fields = { any: ['', ':s', ':n', ':f', ':t'], subject: [':s'], body: [''], filename: [':n'] } as const;
  return or(fields[field].map((one) => fieldQuery(one, exact, words)));
};

const fieldQuery = (field: '' | ':s' | ':n' | ':f' | ':t', exact: boolean, words: readonly StemmedWord[]): string => {
  const lexeme = (word: string): string => quoted(field === '' ? word : `${field}:${word}`);
  const [first, ...more] = words;
  if (exact || first === undefined) return near(words.map(({ word }) => lexeme(word)));
  if (more.length > 0) return near(words.map(({ word }, at) => `${lexeme(word)}${at === more.length ? beginning(word) : ''}`));
  const itself = `${lexeme(first.word)}${beginning(first.word)}`;
  if (field !== '' && field !== ':s') return itself;
  // A stem is in the mail under its own mark, or it is a word there.
  return or([itself, ...[...new Set([first.word, ...first.stems])].flatMap((stem) => [quoted(`${field}~${stem}`), lexeme(stem)])]);
};

/** Words of three letters or more also match longer ones. Characters of scripts without spaces are words of their own. */
const beginning = (word: string): string => ([...word].length >= SHORTEST_PART ? ':*' : '');

/** A `tsquery`. */
export const personQuery = ({ role: named, value }: PersonCondition): string => {
  const role = roleOf[named];
  const address = plainAddress(value);
  if (address.startsWith('@')) return quoted(`:${role}${address}`);
  if (address.includes('@')) return quoted(`:${role}=${address}`);
  const words = wordsOf(value).map(({ word }) => word);
  const [first, ...more] = words;
  if (first === undefined) throw new Error('a person without a word is no condition that the parser gives');
  const isPart = [...first].length >= SHORTEST_PART;
  const starts = (end: string): string => or([quoted(`:${role}:${first}`) + end, ...(isPart ? [quoted(`:${role}~${first}`) + end] : [])]);
  if (more.length === 0) return starts(':*');
  return near([starts(''), ...more.map((word, at) => `${quoted(`:${role}:${word}`)}${at === more.length - 1 ? ':*' : ''}`)]);
};

export const or = (queries: readonly string[]): string => (queries.length === 1 ? (queries[0] ?? '') : `(${queries.join('|')})`);
export const and = (queries: readonly string[]): string => (queries.length === 1 ? (queries[0] ?? '') : `(${queries.join('&')})`);
const near = (queries: readonly string[]): string => (queries.length === 1 ? (queries[0] ?? '') : `(${queries.join('<->')})`);

const quoted = (lexeme: string): string => (MARK.test(lexeme) ? `'${lexeme.replaceAll(/['\\]/g, (mark) => mark + mark)}'` : `'${lexeme}'`);
const MARK = /['\\]/;
