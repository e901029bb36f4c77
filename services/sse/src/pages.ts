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

/** A full page may end amid the rows of one position; those wait for the next page, so that the hub always stands between positions. */
export const wholePositions = (rows: readonly FeedRow[]): readonly FeedRow[] => {
  const last = rows.at(-1);
  if (last === undefined || rows.length < PAGE) return rows;
  const whole = rows.filter((row) => row.position !== last.position);
  if (whole.length === 0) throw new Error(`position ${last.position} gave rise to ${PAGE} feed rows or more`);
  return whole;
};
