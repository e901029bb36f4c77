/** Words with their places, as they are gathered from a text. */
import type { Words } from '@tidings/contracts/ports/word-index';

/** Postgres keeps no position beyond this one, and so many of one word; a phrase behind them is found by no engine, then. */
const LAST_PLACE = 16_383;
const MOST_PLACES = 256;

export class GatheredWords {
  readonly #places = new Map<string, number[]>();

  /** @param place from 1 on; none: the word stands nowhere */
  add(word: string, place?: number): void {
    const known = this.#places.get(word);
    const at = place === undefined ? undefined : Math.min(place, LAST_PLACE);
    if (known === undefined) this.#places.set(word, at === undefined ? [] : [at]);
    else if (at !== undefined && known.length < MOST_PLACES && known.at(-1) !== at) known.push(at);
  }

  get words(): Words {
    return this.#places;
  }
}
