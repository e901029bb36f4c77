/** How pages of the feed's table are cut. */
import type { FeedRow } from '@tidings/projections/feed/queries';

/** Rows asked for at a time. */
export const PAGE = 1000;
const PART_CHARACTERS = 64 * 1024;

/** Cuts a page, between positions, into what is handed out at a stroke: a burst must not look like a client that does not read. */
export function* parts(rows: readonly FeedRow[]): Iterable<readonly FeedRow[]> {
  let part: FeedRow[] = [];
  let characters = 0;
  for (const row of rows) {
    if (characters > PART_CHARACTERS && row.position !== part.at(-1)?.position) {
      yield part;
      part = [];
      characters = 0;
    }
    part.push(row);
    characters += row.payload.length;
  }
  if (part.length > 0) yield part;
}

/** Far more than any event gives rise to: a new group of a thousand people is two thousand rows. */
const LARGEST_PAGE = 16_000;

export interface WholePage {
  readonly rows: readonly FeedRow[];
  /** There may be more behind them. */
  readonly full: boolean;
}

/**
 * A full page may end amid the rows of one position; those wait for the next page, so that the hub always stands between positions. A position
 * larger than a page is read in one that is larger.
 */
export const wholePage = async (read: (limit: number) => Promise<readonly FeedRow[]>, limit = PAGE): Promise<WholePage> => {
  const rows = await read(limit);
  const last = rows.at(-1);
  if (last === undefined || rows.length < limit) return { rows, full: false };
  const whole = rows.filter((row) => row.position !== last.position);
  if (whole.length > 0) return { rows: whole, full: true };
  if (limit >= LARGEST_PAGE) throw new Error(`position ${last.position} gave rise to ${limit} feed rows or more`);
  return wholePage(read, limit * 4);
};
