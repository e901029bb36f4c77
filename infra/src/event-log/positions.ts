/** Dense positions as the port's opaque text, and which shard a stream lives in. Shared by the adapters whose positions are dense. */
import type { StreamId } from '@tidings/contracts/ids';
import type { Position } from '@tidings/contracts/ports/event-log';

const WIDTH = 16;

/** 1 → `0000000000000001`; numbers below 2^53 keep their order as text. */
export const positionOf = (n: number): Position => String(n).padStart(WIDTH, '0') as Position;

/** @throws RangeError for what was never a position of this log */
export const numberOf = (position: Position): number => {
  const n = Number(position);
  if (!Number.isSafeInteger(n) || n < 0) throw new RangeError(`"${position}" is not a position of this log`);
  return n;
};

/** Events from `from` to `to`. */
export const denseDistance = (from: Position, to: Position): number => numberOf(to) - numberOf(from);

/**
 * Where a new stream goes: by the text between the first `-` and the first `.`, so that `message-<room>.<message>` and
 * `read-<room>.<user>` meet `room-<room>` in one shard and their order holds. FNV-1a, 32 bit.
 */
export const shardOf = (stream: StreamId, shards: number): number => {
  if (shards === 1) return 0;
  const from = stream.indexOf('-') + 1;
  const dot = stream.indexOf('.', from);
  let hash = 0x811c9dc5;
  for (let at = from; at < (dot === -1 ? stream.length : dot); at += 1) {
    hash = Math.imul(hash ^ stream.charCodeAt(at), 0x01000193) >>> 0;
  }
  return hash % shards;
};
