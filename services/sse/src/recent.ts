/**
 * The newest rows of the feed, in order: what a stream that has just caught up may have missed by a moment. Bounded in number and bytes. What a
 * message said before it was rewritten or deleted is not among them any more, as in the feed's table.
 */
import { compareCursors, type LiveCursor } from '@tidings/contracts/http/live';
import type { UserId } from '@tidings/contracts/ids';
import { amended, type Amendment, amendmentIn, tellsWords } from '@tidings/projections/feed/amend';
import type { FeedRow } from '@tidings/projections/feed/queries';
import { blockerOf, MEMBER_ADDED, MEMBER_REMOVED } from '@tidings/projections/feed/rows';

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
    if (by !== null) this.#amend(by, row);
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
   * @param change the row that tells of it, which may have been rewritten itself
   */
  #amend(by: Amendment, change: FeedRow): void {
    const since = new Since();
    for (let index = this.#rows.length - 1; index >= this.#first; index--) {
      const row = this.#rows[index];
      if (row === undefined) continue;
      since.walkPast(row);
      if (!tellsWords(row)) continue;
      const payload = amended(row.payload, by);
      if (payload === row.payload) continue;
      this.#characters += payload.length - row.payload.length;
      const isGone = by.type === 'MessageDeleted';
      this.#rows[index] = {
        ...row,
        payload,
        leftBefore: isGone ? [] : distinct([...row.leftBefore, ...change.leftBefore, ...since.leftFrom(row.audience)]),
        blockedBefore: isGone ? [] : distinct([...change.blockedBefore, ...since.blockersOf(by.senderId)]),
      };
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

/** Who left, and who began to block whom, between a row and a later change of its message: rows are walked past backwards. */
class Since {
  readonly #left = new Map<string, UserId[]>();
  /** By blocked and blocker, whether it was a block in the end. */
  readonly #blocks = new Map<UserId, Map<UserId, boolean>>();

  walkPast({ type, audience, payload }: FeedRow): void {
    if (type !== MEMBER_ADDED && type !== MEMBER_REMOVED) return;
    const user = payload as UserId; // as `added` and `removed` wrote it
    const blocker = blockerOf(audience);
    if (blocker !== null) {
      const blockers = this.#blocks.get(user) ?? new Map<UserId, boolean>();
      if (!blockers.has(blocker)) blockers.set(blocker, type === MEMBER_ADDED);
      this.#blocks.set(user, blockers);
    } else if (type === MEMBER_REMOVED) {
      this.#left.set(audience, [...(this.#left.get(audience) ?? []), user]);
    }
  }

  leftFrom(audience: string): readonly UserId[] {
    return this.#left.get(audience) ?? [];
  }

  /** Those among them who blocked before are known by what they hear. */
  blockersOf(user: UserId): readonly UserId[] {
    return [...(this.#blocks.get(user) ?? [])].flatMap(([blocker, isBlocking]) => (isBlocking ? [blocker] : []));
  }
}

const distinct = (users: readonly UserId[]): readonly UserId[] => [...new Set(users)];
