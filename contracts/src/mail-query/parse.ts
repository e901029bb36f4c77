/**
 * The search grammar of mail (mail-contract §6), for the server and for clients that show a fault while it is typed. Terms side by side must all
 * match; `OR` ties the terms right next to it (`report ann OR bob` is a report, by ann or by bob); `-` negates a term or a bracket; what
 * has no letter, digit or emoji asks for nothing. Reads each character once.
 */
import * as E from 'fp-ts/lib/Either.js';
import type { MailQuery, QueryFault } from './ast.ts';
import { LONGEST_SIZE, readSize, SIZE_EXPECTED } from './size.ts';
import { attachmentOf, type Modifier, modifierOf, stateOf, stateWords, viewOf, viewWords } from './vocabulary.ts';
import { readWhen, TIME_EXPECTED } from './when.ts';

export const LONGEST_QUERY = 1_000;
export const MOST_TERMS = 64;
export const DEEPEST_BRACKETS = 16;

export const parseMailQuery = (typed: string): E.Either<QueryFault, MailQuery> => {
  if (typed.length > LONGEST_QUERY) {
    return E.left({ offset: LONGEST_QUERY, length: typed.length - LONGEST_QUERY, expected: `at most ${LONGEST_QUERY} characters` });
  }
  try {
    return E.right(new Reader(plainText(typed)).read());
  } catch (thrown) {
    if (thrown instanceof Fault) return E.left(thrown.fault);
    throw thrown;
  }
};

/** Every character as many UTF-16 units as before, so that places stay. Phones and French keyboards have quotes of their own. */
const plainText = (typed: string): string =>
  typed
    .toWellFormed()
    .replaceAll(/[“”„‟«»]/gu, '"')
    .replaceAll(/\p{Cc}/gu, ' ');

/** Leaves the reader from any depth; never leaves this file. */
class Fault extends Error {
  readonly fault: QueryFault;
  constructor(fault: QueryFault) {
    super(fault.expected);
    this.fault = fault;
  }
}

const SPACES = /\s*/uy;
const RUN = /[^\s"()]+/uy;
const MODIFIER = /([\p{L}\p{M}-]{1,20}):/uy;
/** What search looks at (projections/src/message-search/words.ts). */
const SEARCHED = /[\p{L}\p{N}\p{M}_]|\p{Extended_Pictographic}/u;

class Reader {
  readonly #text: string;
  #at = 0;
  #depth = 0;
  #terms = 0;

  constructor(text: string) {
    this.#text = text;
  }

  read(): MailQuery {
    const query = this.#sequence();
    if (this.#at < this.#text.length) throw this.#fault(this.#at, 1, 'no closing bracket here: none is open');
    if (query === null) throw this.#fault(0, this.#text.length, 'at least one word');
    return query;
  }

  /** Terms side by side, up to the end or a closing bracket. Null when they ask for nothing. */
  #sequence(): MailQuery | null {
    const all: MailQuery[] = [];
    while (this.#skipSpaces() && this.#text[this.#at] !== ')') {
      const next = this.#alternatives();
      if (next?.kind === 'all') all.push(...next.of);
      else if (next !== null) all.push(next);
    }
    const [only] = all;
    return all.length > 1 ? { kind: 'all', of: all } : (only ?? null);
  }

  #alternatives(): MailQuery | null {
    if (this.#takesOr()) throw this.#fault(this.#at - 2, 2, 'a term before OR');
    const any = [this.#term()];
    while (this.#takesOr()) {
      const or = this.#at - 2;
      if (!this.#skipSpaces() || this.#text[this.#at] === ')' || this.#takesOr()) throw this.#fault(or, 2, 'a term behind OR');
      any.push(this.#term());
    }
    const asked = any.flatMap((one) => (one === null ? [] : one.kind === 'any' ? one.of : [one]));
    const [only] = asked;
    return asked.length > 1 ? { kind: 'any', of: asked } : (only ?? null);
  }

  #takesOr(): boolean {
    this.#skipSpaces();
    if (!/^OR(?=[\s"()]|$)/u.test(this.#text.slice(this.#at, this.#at + 3))) return false;
    this.#at += 2;
    return true;
  }

  #term(): MailQuery | null {
    this.#terms += 1;
    if (this.#terms > MOST_TERMS) throw this.#fault(this.#at, this.#text.length - this.#at, `at most ${MOST_TERMS} terms`);
    if (!/^-[^\s)-]/u.test(this.#text.slice(this.#at, this.#at + 2))) return this.#positive();
    this.#at += 1;
    const query = this.#positive();
    return query === null ? null : { kind: 'not', query };
  }

  #positive(): MailQuery | null {
    const start = this.#at;
    if (this.#text[start] === '(') return this.#bracket();
    if (this.#text[start] === '"') return textOf('any', this.#quoted(), true);
    const modifier = modifierOf(this.#take(MODIFIER, 1) ?? '');
    if (modifier !== undefined) return this.#modified(modifier, start);
    this.#at = start;
    return textOf('any', this.#take(RUN) ?? '', false);
  }

  #bracket(): MailQuery | null {
    const start = this.#at;
    this.#depth += 1;
    if (this.#depth > DEEPEST_BRACKETS) throw this.#fault(start, 1, `brackets at most ${DEEPEST_BRACKETS} deep`);
    this.#at += 1;
    const query = this.#sequence();
    if (this.#text[this.#at] !== ')') throw this.#fault(start, 1, 'a closing bracket for this one');
    this.#at += 1;
    this.#depth -= 1;
    if (this.#text.slice(start + 1, this.#at - 1).trim() === '') throw this.#fault(start, this.#at - start, 'a term between the brackets');
    return query;
  }

  #quoted(): string {
    const start = this.#at;
    const end = this.#text.indexOf('"', start + 1);
    if (end < 0) throw this.#fault(start, 1, 'a closing quotation mark for this one');
    this.#at = end + 1;
    return this.#text.slice(start + 1, end);
  }

  #modified(modifier: Modifier, start: number): MailQuery {
    const name = this.#text.slice(start, this.#at);
    this.#skipSpaces();
    const at = this.#at;
    const isQuoted = this.#text[at] === '"';
    const value = isQuoted ? this.#quoted() : (this.#take(RUN) ?? '');
    const expecting = (expected: string): Fault =>
      value === ''
        ? this.#fault(start, at - start, `${expected} behind ${name}`)
        : this.#fault(at, this.#at - at, `${expected} behind ${name}`);
    return meant(modifier, value.trim(), isQuoted, expecting);
  }

  /** @returns whether there is something left */
  #skipSpaces(): boolean {
    this.#take(SPACES);
    return this.#at < this.#text.length;
  }

  #take(pattern: RegExp, group = 0): string | null {
    pattern.lastIndex = this.#at;
    const found = pattern.exec(this.#text);
    if (found === null) return null;
    this.#at += found[0].length;
    return found[group] ?? null;
  }

  #fault(offset: number, length: number, expected: string): Fault {
    return new Fault({ offset, length, expected });
  }
}

const textOf = (field: 'any' | 'subject' | 'body' | 'filename', text: string, exact: boolean): MailQuery | null =>
  SEARCHED.test(text) ? { kind: 'text', field, text: exact ? text.trim() : text, exact } : null;

const meant = (modifier: Modifier, value: string, isQuoted: boolean, expecting: (expected: string) => Fault): MailQuery => {
  const orFault = <A>(found: A | null | undefined, expected: string): A => {
    if (found === null || found === undefined) throw expecting(expected);
    return found;
  };
  switch (modifier) {
    case 'from':
    case 'to':
    case 'cc':
    case 'bcc':
      if (!SEARCHED.test(value)) throw expecting('an address, a domain like @example.org or a part of a name');
      return { kind: 'person', role: modifier, value };
    case 'subject':
    case 'body':
    case 'filename':
      return orFault(textOf(modifier, value, isQuoted), 'a word or a phrase in quotes');
    case 'has':
      orFault(attachmentOf(value), 'attachment');
      return { kind: 'attachment' };
    case 'in':
      return { kind: 'in', view: orFault(viewOf(value), `one of ${viewWords}`) };
    case 'label':
      if (value === '') throw expecting('the name of a label');
      return { kind: 'label', name: value };
    case 'is':
      return { kind: 'is', state: orFault(stateOf(value), `one of ${stateWords}`) };
    case 'before':
    case 'after':
    case 'on':
      return { kind: 'date', bound: modifier, when: orFault(readWhen(value), TIME_EXPECTED) };
    case 'larger':
    case 'smaller':
      return { kind: 'size', bound: modifier, bytes: orFault(value.length > LONGEST_SIZE ? null : readSize(value), SIZE_EXPECTED) };
  }
};
