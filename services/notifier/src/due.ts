/** What a call tells, read from the feed as it is made: by then its message may have been rewritten, deleted or erased. */
import type { Delivery } from '@tidings/infra/webhooks/deliveries';
import { isEmptied, isKeptFrom, withoutWords } from '@tidings/projections/feed/amend';
import { withoutBlockedIn } from '@tidings/projections/feed/hidden';
import { rowsAt, type FeedRow } from '@tidings/projections/feed/queries';
import type { Platform } from '../../platform/src/platform.ts';
import { blocksOf, isBlocked, partiesOf, type Blocks } from './recipients.ts';

/** A delivery with what it tells; null when the feed no longer keeps it, nothing is left of it, or nobody whom it is for may read it any more. */
export interface Due {
  readonly delivery: Delivery;
  readonly row: FeedRow | null;
}

/** As it stands now: read right before each attempt, never kept for the next. */
export const presentOf = async (
  { read, liveSchema }: Pick<Platform, 'read' | 'liveSchema'>,
  deliveries: readonly Delivery[],
): Promise<readonly Due[]> => {
  const rows = await read.any(rowsAt(liveSchema('feed'), deliveries));
  const byPlace = new Map(rows.map((row) => [placeOf(row), row]));
  const found = deliveries.map((delivery) => ({ delivery, row: byPlace.get(placeOf(delivery)) ?? null }));
  const pushes = found.flatMap(({ delivery: { toUsers }, row }) =>
    toUsers === null || row === null ? [] : [{ ...partiesOf(row), users: toUsers }],
  );
  const blocks = await blocksOf({ read, liveSchema }, pushes);
  return found.map(({ delivery, row }) => dueOf(delivery, row, blocks));
};

const placeOf = ({ position, index }: Pick<Delivery, 'position' | 'index'>): string => `${position}.${index}`;

/**
 * By a push nobody is told of what someone did whom they block by now, nor of a message that is no more; whoever left, or blocked its author, before
 * the text was rewritten is not named any more. Nobody is told words of whom they block that another quotes: where they are told together with others,
 * those do without the quotation too.
 * What is for a whole audience, as it was then, keeps that something was said, and not what those who left may not read: the change is an event of
 * its own, for those who are there to read it.
 */
export const dueOf = (delivery: Delivery, row: FeedRow | null, blocks: Blocks): Due => {
  if (row === null) return { delivery, row };
  if (delivery.toUsers === null)
    return { delivery, row: row.leftBefore.length === 0 ? row : { ...row, payload: withoutWords(row.payload) } };
  const { by, quoted } = partiesOf(row);
  const toUsers = delivery.toUsers.filter((user) => !isKeptFrom(row, user) && !isBlocked(blocks, user, by));
  if (toUsers.length === 0 || isEmptied(row)) return { delivery, row: null };
  const hides = quoted !== null && toUsers.some((user) => isBlocked(blocks, user, quoted));
  return {
    delivery: toUsers.length === delivery.toUsers.length ? delivery : { ...delivery, toUsers },
    row: hides ? { ...row, payload: withoutBlockedIn(row.type, row.payload, new Set([quoted])) ?? row.payload } : row,
  };
};
