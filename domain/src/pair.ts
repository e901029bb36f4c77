/** Two users without an order: what they share (a relationship, a private room) lives in one stream, whoever came first. */
import type { UserId } from '@tidings/contracts/ids';

export type Pair = readonly [UserId, UserId];

/** Ids are lower-case, so the order of code units is the order of the UUIDs. */
export const sortedPair = (a: UserId, b: UserId): Pair => (a < b ? [a, b] : [b, a]);
