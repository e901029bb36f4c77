/**
 * The page of a replay behind the one in hand, so that reading and opening never wait for a commit. One is enough, for reading and opening
 * take longer than Postgres takes to apply; each further one would only be carried along by V8's collections.
 */
import type { Position } from '@tidings/contracts/ports/event-log';
import type { SourcePage } from './page-source.ts';

interface Ahead {
  readonly after: Position;
  readonly page: Promise<SourcePage>;
}

export class ReadAhead {
  readonly #read: (after: Position) => Promise<SourcePage>;
  readonly #isNear: (after: Position) => boolean;
  #ahead: Ahead | null = null;

  /** @param isNear whether who stands there needs no pages of its own any more */
  constructor(read: (after: Position) => Promise<SourcePage>, isNear: (after: Position) => boolean) {
    this.#read = read;
    this.#isNear = isNear;
  }

  /** The page behind `after`. Rejects when it cannot be read; the next call reads anew. */
  async take(after: Position): Promise<SourcePage> {
    const ahead = this.#ahead;
    this.#ahead = null;
    const page = await (ahead?.after === after ? ahead.page : this.#read(after));
    if (page.next !== after && !this.#isNear(page.next)) this.#begin(page.next);
    return page;
  }

  /** Nobody wants the page that is on its way. */
  drop(): void {
    this.#ahead = null;
  }

  #begin(after: Position): void {
    const page = this.#read(after);
    page.catch(() => undefined); // whoever takes the page meets the error; nobody may, after a failure of the one before
    this.#ahead = { after, page };
  }
}
