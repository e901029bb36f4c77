/**
 * An index of words beside Postgres, for when that is outgrown: which entries have these words, newest first. It knows nothing of tongues, mail or chat: words are
 * finished as they come (docs/decisions/030), and whatever changes with a click stays in Postgres (docs/decisions/056).
 */
import type { Timestamp } from '../time.ts';
import type { Position } from './event-log.ts';

/** The words of one entry, each with the places it stands at, from 1 on; one without a place stands nowhere, and is in no run of words. */
export type Words = ReadonlyMap<string, readonly number[]>;

/**
 * In a word that stands for another one, as a stem or the end of a name does. Such words are many and few ask for their beginnings, so an engine may keep them
 * apart.
 */
export const STANDS_FOR = '~';

export type SingleWord =
  | { readonly kind: 'word'; readonly word: string }
  /** Any word that begins so, among those that stand for another one if this does, among all others if not. */
  | { readonly kind: 'beginning'; readonly word: string };

/** What is asked of an entry's words. */
export type WordQuery =
  | SingleWord
  /** Each right behind the one before. */
  | { readonly kind: 'run'; readonly of: readonly RunPart[] }
  | { readonly kind: 'all' | 'any'; readonly of: readonly WordQuery[] }
  | { readonly kind: 'not'; readonly query: WordQuery };

/** One place of a run. */
export type RunPart = SingleWord | { readonly kind: 'any'; readonly of: readonly SingleWord[] };

export interface WordEntry {
  /** Of the entry within its index, up to 500 characters of ASCII. */
  readonly id: string;
  readonly at: Timestamp;
  /** Orders what is of one instant; ASCII, and told again with what is found. */
  readonly tie: string;
  /** What it may be looked for by, beside its words: the room or mailbox it is in. */
  readonly keys: readonly string[];
  readonly words: Words;
}

/** A change of an entry: whole, or its end. An earlier one that comes late changes nothing, and neither does the same one once more. */
export type WordChange = { readonly version: Position } & (
  | { readonly kind: 'put'; readonly entry: WordEntry }
  | { readonly kind: 'remove'; readonly id: string }
);

export interface WordPlace {
  readonly at: Timestamp;
  readonly tie: string;
}

export interface WordQuestion {
  /** Null: whatever its words. */
  readonly query: WordQuery | null;
  /** An entry has one key of each of these lists. */
  readonly within: readonly (readonly string[])[];
  /** And none of these. */
  readonly without: readonly string[];
  /** Not earlier than this. */
  readonly from: Timestamp | null;
  /** Earlier than this. */
  readonly until: Timestamp | null;
  /** Behind this place. */
  readonly after: WordPlace | null;
  readonly limit: number;
  /** What is told of each entry that is found, beside. */
  readonly judge: readonly WordQuery[];
}

export interface WordHit extends WordPlace {
  readonly id: string;
  /** Whether it meets each of `judge`. */
  readonly met: readonly boolean[];
}

/** Each call takes the name of an index: lower-case letters, digits, `_` and `-`. */
export interface WordIndex {
  /** Makes an index with nothing in it; one that is there stays as it is. @throws WordIndexUnavailable */
  make(index: string): Promise<void>;
  /** Kept for good when it resolves. @throws WordEntryRefused, WordIndexMissing, WordIndexUnavailable; some of the changes may be made then */
  write(index: string, changes: readonly WordChange[]): Promise<void>;
  /** From then on all that was written is found. @throws WordIndexMissing, WordIndexUnavailable */
  settle(index: string): Promise<void>;
  /** Up to `limit`, newest first. @throws WordIndexMissing, WordIndexUnavailable */
  find(index: string, question: WordQuestion): Promise<readonly WordHit[]>;
  /** How many entries can be found. @throws WordIndexMissing, WordIndexUnavailable */
  count(index: string): Promise<number>;
  /** For good, those of them that are there. @throws WordIndexUnavailable */
  remove(indexes: readonly string[]): Promise<void>;
}

/** The engine cannot be reached or is overloaded: it is worth trying again. */
export class WordIndexUnavailable extends Error {
  override readonly name = 'WordIndexUnavailable';
}
/** There is no such index: it was never made, or somebody removed it. */
export class WordIndexMissing extends Error {
  override readonly name = 'WordIndexMissing';
}
/** The engine does not take an entry as it is; the message names it and says why. */
export class WordEntryRefused extends Error {
  override readonly name = 'WordEntryRefused';
}
