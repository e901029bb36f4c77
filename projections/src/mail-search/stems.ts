/**
 * Words without their endings in English, French and Dutch, by the Snowball dictionaries that every Postgres has. Nobody says in which language a
 * mail is written, and many are in two, so each word has the stems of all three. Index and questions go through the same function, and an
 * engine beside Postgres is given these very stems (docs/decisions/030).
 */
import { type Word, wordsOf } from '../message-search/words.ts';

/** As typed but for case: French endings need their accents. */
export type RawWord = string;

/** Asks the dictionaries: for each word its stems, of any language. */
export type Dictionaries = (words: readonly RawWord[]) => Promise<readonly { readonly word: RawWord; readonly stems: readonly string[] }[]>;

/** A function of this read model for `Dictionaries`. A dictionary has no stem for words like "the". */
export const stemsFunction = (schema: string): string => `
  create function ${schema}.stems(word text) returns text[] language sql immutable parallel safe as $$
    select array_remove(array[
      (ts_lexize('pg_catalog.english_stem', word))[1],
      (ts_lexize('pg_catalog.french_stem', word))[1],
      (ts_lexize('pg_catalog.dutch_stem', word))[1]
    ], null)
  $$;`;

/** A word as search sees it, with its stems as far as they are another word. */
export interface StemmedWord extends Word {
  readonly stems: readonly string[];
}

/** The dictionaries know no other script. Words of two letters have no endings; very long ones are none. */
const STEMMED = /^\p{sc=Latin}[\p{sc=Latin}\p{M}]{2,29}$/u;

/** A word with and without its accents: people leave them out. */
const formsOf = (run: RawWord, word: string): readonly RawWord[] =>
  (run === word ? [word] : [run, word]).filter((form) => STEMMED.test(form));

/** Most words are always the same few thousand. */
const REMEMBERED = 200_000;

/** Remembers what the dictionaries said. */
export class Stemmer {
  readonly #known = new Map<RawWord, readonly string[]>();

  /** The words of each text, in order, the first `most` of each. */
  async stemmed(texts: readonly string[], most: number, dictionaries: Dictionaries): Promise<readonly (readonly StemmedWord[])[]> {
    if (this.#known.size > REMEMBERED) this.#known.clear();
    const unknown = new Map<RawWord, string>();
    const read = texts.map((text) =>
      wordsOf(text)
        .slice(0, most)
        .map((word) => {
          const run = text.slice(word.start, word.end).toLowerCase();
          if (!this.#known.has(run)) unknown.set(run, word.word);
          return { word, run };
        }),
    );
    await this.#ask(unknown, dictionaries);
    return read.map((words) => words.map(({ word, run }) => ({ ...word, stems: this.#known.get(run) ?? [] })));
  }

  async #ask(unknown: ReadonlyMap<RawWord, string>, dictionaries: Dictionaries): Promise<void> {
    const asked = new Set([...unknown].flatMap(([run, word]) => formsOf(run.normalize('NFC'), word)));
    const stemsOf = new Map(asked.size === 0 ? [] : (await dictionaries([...asked])).map(({ word, stems }) => [word, stems]));
    for (const [run, word] of unknown) {
      const stems = formsOf(run.normalize('NFC'), word)
        .flatMap((form) => stemsOf.get(form) ?? [])
        .flatMap((stem) => wordsOf(stem).map((folded) => folded.word));
      this.#known.set(
        run,
        [...new Set(stems)].filter((stem) => stem !== word),
      );
    }
  }
}
