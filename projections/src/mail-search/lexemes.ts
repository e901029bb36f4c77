/**
 * Mails and questions as words of an index; Postgres and an engine beside it take the same ones. Bare words are the body's. What
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
import { type RunPart, type SingleWord, STANDS_FOR, type WordQuery, type Words } from '@tidings/contracts/ports/word-index';
import { wordsOf } from '../message-search/words.ts';
import { GatheredWords } from '../search-words/gathered-words.ts';
import type { StemmedWord } from './stems.ts';

/** Of a body; more is data rather than what someone wrote. */
export const MOST_WORDS = 5_000;
const MOST_FILES = 100;
/** Of each role, by name; more than these are found by their whole addresses. */
const MOST_NAMED = 50;
const SHORTEST_PART = 3;
const LONGEST_PART = 32;

type Role = 'f' | 't' | 'c' | 'b';
const roleOf: Readonly<Record<PersonCondition['role'], Role>> = { from: 'f', to: 't', cc: 'c', bcc: 'b' };

export interface SearchedMail {
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

/** Everything that a mail may be asked for by words. */
export const mailWords = ({ size, hasAttachments, ...mail }: SearchedMail): Words => {
  const { subject, body, files, from, to, cc, bcc } = mail;
  const lexemes = new Lexemes();
  lexemes.add(sizeWord(sizeClass(size)));
  if (hasAttachments) lexemes.add(ATTACHMENT);
  lexemes.addText('', body);
  lexemes.addText(':s', subject);
  for (const name of files.slice(0, MOST_FILES)) lexemes.addRun(':n', name);
  lexemes.addPeople('f', from);
  lexemes.addPeople('t', [...to, ...cc, ...bcc]);
  lexemes.addPeople('c', cc);
  lexemes.addPeople('b', bcc);
  return lexemes.words;
};

/** Where a mail stands in time, for an index that is not sorted by it. */
export const segmentWords = (mailbox: MailboxId, segment: number): Words =>
  new Map([mailboxWord(mailbox), segmentWord(mailbox, segment), eraWord(mailbox, eraOf(segment))].map((word) => [word, []]));

class Lexemes extends GatheredWords {
  /** The next free place of each field, with room between one name and the next: no phrase goes from one to another. */
  readonly #next = new Map<string, number>();

  addText(field: '' | ':s', words: readonly StemmedWord[]): void {
    for (const [at, { word, stems }] of words.entries()) {
      this.add(field === '' ? word : `${field}:${word}`, at + 1);
      for (const stem of stems) this.add(`${field}${STANDS_FOR}${stem}`);
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
          for (const part of endsOf(word)) this.add(`:${role}${STANDS_FOR}${part}`, place);
        }
      }
    }
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

/** Of mails of the segments `wanted`; it may be true of a few more. @param all those of their mailboxes */
export const segmentsQuery = (all: readonly SegmentName[], wanted: readonly SegmentName[]): WordQuery => {
  const inMailbox = Map.groupBy(all, ({ mailboxId }) => mailboxId);
  return or(
    [...Map.groupBy(wanted, ({ mailboxId }) => mailboxId)].flatMap(([mailbox, segments]) => {
      if (segments.length === inMailbox.get(mailbox)?.length) return [word(mailboxWord(mailbox))];
      return [...Map.groupBy(segments, ({ nth }) => eraOf(nth))].flatMap(([era, some]) =>
        some.length > ERA / 2 ? [word(eraWord(mailbox, era))] : some.map(({ nth }) => word(segmentWord(mailbox, nth))),
      );
    }),
  );
};

const ATTACHMENT = ':a';
/** 64 MiB and more. */
const LARGEST_CLASS = 4 * 26;
const sizeClass = (bytes: number): number => Math.min(LARGEST_CLASS, Math.floor(4 * Math.log2(Math.max(1, bytes))));
const sizeWord = (of: number): string => `:z${of}`;

/** Of mails with something attached. */
export const attachmentQuery = (): WordQuery => word(ATTACHMENT);

/** True of every mail of more than `bytes`, and of some that are a little smaller. */
export const largerQuery = (bytes: number): WordQuery => {
  const smallest = sizeClass(bytes);
  return or(Array.from({ length: LARGEST_CLASS - smallest + 1 }, (_, at) => word(sizeWord(smallest + at))));
};

/** @param words those of the condition, in order; at least one */
export const textQuery = ({ field, exact }: TextCondition, words: readonly StemmedWord[]): WordQuery => {
  const fields = { any: ['', ':s', ':n', ':f', ':t'], subject: [':s'], body: [''], filename: [':n'] } as const;
  return or(fields[field].map((one) => fieldQuery(one, exact, words)));
};

const fieldQuery = (field: '' | ':s' | ':n' | ':f' | ':t', exact: boolean, words: readonly StemmedWord[]): WordQuery => {
  const lexeme = (of: string): string => (field === '' ? of : `${field}:${of}`);
  const [first, ...more] = words;
  if (exact || first === undefined) return run(words.map((one) => word(lexeme(one.word))));
  if (more.length > 0)
    return run(words.map((one, at) => (at === more.length ? itselfOrLonger(lexeme(one.word), one.word) : word(lexeme(one.word)))));
  const itself = itselfOrLonger(lexeme(first.word), first.word);
  if (field !== '' && field !== ':s') return itself;
  // A stem is in the mail under its own mark, or it is a word there.
  return or([
    itself,
    ...[...new Set([first.word, ...first.stems])].flatMap((stem) => [word(`${field}${STANDS_FOR}${stem}`), word(lexeme(stem))]),
  ]);
};

/** Words of three letters or more also match longer ones. Characters of scripts without spaces are words of their own. */
const itselfOrLonger = (lexeme: string, letters: string): SingleWord => ([...letters].length >= SHORTEST_PART ? beginning : word)(lexeme);

export const personQuery = ({ role: named, value }: PersonCondition): WordQuery => {
  const role = roleOf[named];
  const address = plainAddress(value);
  if (address.startsWith('@')) return word(`:${role}${address}`);
  if (address.includes('@')) return word(`:${role}=${address}`);
  const [first, ...more] = wordsOf(value).map((one) => one.word);
  if (first === undefined) throw new Error('a person without a word is no condition that the parser gives');
  const isPart = [...first].length >= SHORTEST_PART;
  const starts = (how: typeof word): RunPart => ({
    kind: 'any',
    of: [how(`:${role}:${first}`), ...(isPart ? [how(`:${role}${STANDS_FOR}${first}`)] : [])],
  });
  if (more.length === 0) return starts(beginning);
  return run([starts(word), ...more.map((one, at) => (at === more.length - 1 ? beginning : word)(`:${role}:${one}`))]);
};

const word = (of: string): SingleWord => ({ kind: 'word', word: of });
const beginning = (of: string): SingleWord => ({ kind: 'beginning', word: of });
const run = (of: readonly RunPart[]): WordQuery => (of.length === 1 && of[0] !== undefined ? of[0] : { kind: 'run', of });

export const or = (of: readonly WordQuery[]): WordQuery => (of.length === 1 && of[0] !== undefined ? of[0] : { kind: 'any', of });
export const and = (of: readonly WordQuery[]): WordQuery => (of.length === 1 && of[0] !== undefined ? of[0] : { kind: 'all', of });
