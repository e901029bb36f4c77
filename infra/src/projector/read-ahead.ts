/**
 * Pages of a replay ahead of the one in hand, so that reading and opening never wait for a commit. Two are enough: while one is being
 * applied the next one lies ready and the one behind it is on its way.
 */
import type { Position } from '@tidings/contracts/ports/event-log';
import type { SourcePage } from './page-source.ts';

const DEPTH = 2;

interface Ahead {
  readonly after: Position;
  readonly page: Promise<SourcePage>;
}

export class ReadAhead {
  readonly #read: (after: Position) => Promise<SourcePage>;
  readonly #isNear: (after: Position) => boolean;
  #ahead: readonly Ahead[] = [];

  /** @param isNear whether who stands there needs no pages of its own any more */
  constructor(read: (after: Position) => Promise<SourcePage>, isNear: (after: Position) => boolean) {
    this.#read = read;
    this.#isNear = isNear;
  }

  /** The page behind `after`. Rejects when it cannot be read; the next call reads anew. */
  async take(after: Position): Promise<SourcePage> {
    const [next, ...rest] = this.#ahead;
    const expected = next?.after === after;
    this.#ahead = expected ? rest : [];
    const page = await (expected ? next.page : this.#read(after));
    if (this.#ahead.length === 0) this.#begin(after, page.next);
    else this.#extend();
    return page;
  }

  /** Nobody wants the pages that are on their way. */
  drop(): void {
    this.#ahead = [];
  }

  #begin(before: Position, after: Position): void {
    if (after === before || this.#isNear(after)) return;
    this.#ahead = [...this.#ahead, { after, page: this.#read(after) }];
    this.#extend();
  }

  /** Once the last of them says where it ends. */
  #extend(): void {
    const last = this.#ahead.at(-1);
    last?.page.then(
      (page) => {
        if (last === this.#ahead.at(-1) && this.#ahead.length < DEPTH) this.#begin(last.after, page.next);
      },
      () => undefined, // whoever takes the page meets the error; nobody may, after a failure of the one before
    );
  }
}
