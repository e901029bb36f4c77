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

/** Words of two letters have no endings; long ones are none. */
const STEMMED = /^\p{L}[\p{L}\p{M}]{2,29}$/u;

/** A word's stems with and without its accents: people leave them out. */
const formsOf = (text: string, { word, start, end }: Word): readonly RawWord[] => {
  const run = text.slice(start, end).toLowerCase().normalize('NFC');
  const forms = run === word ? [word] : [run, word];
  return forms.filter((form) => STEMMED.test(form));
};

/** Most words are always the same few thousand. */
const REMEMBERED = 200_000;

/** Remembers what the dictionaries said. */
export class Stemmer {
  readonly #known = new Map<RawWord, readonly string[]>();

  /** The words of each text, in order, the first `most` of each. */
  async stemmed(texts: readonly string[], most: number, dictionaries: Dictionaries): Promise<readonly (readonly StemmedWord[])[]> {
    const read = texts.map((text) => wordsOf(text).slice(0, most));
    const found = await this.#ask(
      new Set(read.flatMap((words, at) => words.flatMap((word) => formsOf(texts[at] ?? '', word)))),
      dictionaries,
    );
    return read.map((words, at) =>
      words.map((word) => {
        const stems = formsOf(texts[at] ?? '', word).flatMap((form) => found.get(form) ?? []);
        return { ...word, stems: [...new Set(stems)].filter((stem) => stem !== word.word) };
      }),
    );
  }

  /** Whatever is not remembered, in one question. */
  async #ask(forms: ReadonlySet<RawWord>, dictionaries: Dictionaries): Promise<ReadonlyMap<RawWord, readonly string[]>> {
    const unknown = [...forms].filter((form) => !this.#known.has(form));
    if (unknown.length === 0) return this.#known;
    if (this.#known.size + unknown.length > REMEMBERED) this.#known.clear();
    const asked = this.#known.size === 0 ? [...forms] : unknown;
    for (const { word, stems } of await dictionaries(asked)) {
      this.#known.set(
        word,
        stems.flatMap((stem) => wordsOf(stem).map((folded) => folded.word)),
      );
    }
    return this.#known;
  }
}
