/** The newest rows of the feed, in order: what a stream that has just caught up may have missed by a moment. Bounded in number and bytes. */
import { compareCursors, type LiveCursor } from '@tidings/contracts/http/live';
import type { FeedRow } from '@tidings/projections/feed/queries';

const MAX_ROWS = 4096;
/** Far less than a stream may have unsent, in bytes too (three to a character at most): all of it can be sent at a stroke. */
const MAX_CHARACTERS = 192 * 1024;

export class Recent {
  #rows: FeedRow[] = [];
  #first = 0;
  #characters = 0;
  #floor: LiveCursor;

  constructor(floor: LiveCursor) {
    this.#floor = floor;
  }

  /** Every row behind this place is here. */
  get floor(): LiveCursor {
    return this.#floor;
  }

  push(row: FeedRow): void {
    this.#rows.push(row);
    this.#characters += row.payload.length;
    while (this.#rows.length - this.#first > MAX_ROWS || this.#characters > MAX_CHARACTERS) this.#forgetOldest();
    if (this.#first > MAX_ROWS) {
      this.#rows = this.#rows.slice(this.#first);
      this.#first = 0;
    }
  }

  *after(cursor: LiveCursor): Iterable<FeedRow> {
    for (let at = this.#firstBehind(cursor); at < this.#rows.length; at++) {
      const row = this.#rows[at];
      if (row !== undefined) yield row;
    }
  }

  #forgetOldest(): void {
    const oldest = this.#rows[this.#first++];
    if (oldest === undefined) return;
    this.#characters -= oldest.payload.length;
    this.#floor = { position: oldest.position, index: oldest.index };
  }

  #firstBehind(cursor: LiveCursor): number {
    let low = this.#first;
    let high = this.#rows.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const row = this.#rows[middle];
      if (row !== undefined && compareCursors(row, cursor) <= 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
