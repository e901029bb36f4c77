/**
 * The newest rows of the feed, in order: what a stream that has just caught up may have missed by a moment. Bounded in number and bytes. What a
 * message said before it was rewritten or deleted is not among them any more, as in the feed's table.
 */
import { compareCursors, type LiveCursor } from '@tidings/contracts/http/live';
import type { UserId } from '@tidings/contracts/ids';
import { amended, type Amendment, amendmentIn, tellsWords } from '@tidings/projections/feed/amend';
import type { FeedRow } from '@tidings/projections/feed/queries';
import { MEMBER_REMOVED } from '@tidings/projections/feed/rows';

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
    const by = amendmentIn(row);
    if (by !== null) this.#amend(by, row.leftBefore);
    this.#rows.push(row);
    this.#characters += row.payload.length;
    while (this.#rows.length - this.#first > MAX_ROWS || this.#characters > MAX_CHARACTERS) this.#forgetOldest();
    if (this.#first > MAX_ROWS) {
      this.#rows = this.#rows.slice(this.#first);
      this.#first = 0;
    }
  }

  /**
   * As the table's rows are rewritten; what is searched is 192 KB at most.
   * @param leftBefore who had left before the change itself got its present wording
   */
  #amend(by: Amendment, leftBefore: readonly UserId[]): void {
    const left = new Map<string, UserId[]>();
    for (let index = this.#rows.length - 1; index >= this.#first; index--) {
      const row = this.#rows[index];
      if (row === undefined) continue;
      if (row.type === MEMBER_REMOVED) {
        const users = left.get(row.audience) ?? [];
        users.push(row.payload as UserId); // a user's id, as `removed` wrote it
        left.set(row.audience, users);
      }
      if (!tellsWords(row)) continue;
      const payload = amended(row.payload, by);
      if (payload === row.payload) continue;
      this.#characters += payload.length - row.payload.length;
      const gone = [...row.leftBefore, ...leftBefore, ...(left.get(row.audience) ?? [])];
      this.#rows[index] = { ...row, payload, leftBefore: by.type === 'MessageEdited' ? [...new Set(gone)] : [] };
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
