/** What the removal of bytes asks. */
import { int } from '@tidings/contracts/codec';
import { BlobId } from '@tidings/contracts/ids';
import type { Position } from '@tidings/contracts/ports/event-log';
import { rows } from '@tidings/contracts/sql-rows';
import { Timestamp } from '@tidings/contracts/time';
import * as t from 'io-ts';
import { sql } from 'slonik';
import { tableIn } from '../chat-view/tables.ts';

/** Positions in our own tables were checked when they were written. */
const PositionText = t.string as unknown as t.Type<Position, string>;

const KeptRow = t.readonly(t.type({ id: BlobId }));

/** Those of them that somebody keeps. By the index on blob_id. */
export const keptBlobs = (schema: string, ids: readonly BlobId[]) => sql.type(rows(KeptRow))`
  select encode(id, 'hex') as id from (select distinct decode(id, 'hex') as id from unnest(${sql.array([...ids], 'text')}) as asked (id)) asked
  where exists (select from ${tableIn(schema, 'reference')} r where r.blob_id = asked.id)`;

const ReleasedRow = t.readonly(t.type({ id: BlobId, shard: int(0), position: PositionText, at: Timestamp, atOnce: t.boolean }));
export type ReleasedBlob = t.TypeOf<typeof ReleasedRow>;

/** In the order of the log: bytes that were let go of behind `after`. By the index on (shard, position). */
export const releasedAfter = (schema: string, shard: number, after: Position, limit: number) => sql.type(rows(ReleasedRow))`
  select encode(blob_id, 'hex') as id, shard, position, at, at_once as "atOnce" from ${tableIn(schema, 'released')}
  where shard = ${shard} and position > ${after} order by position, blob_id limit ${limit}`;

/** In the order of the log: bytes that erasing somebody let go of behind `after` and, unless null, up to `to`. By the index on (shard, position). */
export const erasedBetween = (schema: string, shard: number, after: Position, to: Position | null, limit: number) => sql.type(
  rows(ReleasedRow),
)`
  select encode(blob_id, 'hex') as id, shard, position, at, at_once as "atOnce" from ${tableIn(schema, 'released')}
  where at_once and shard = ${shard} and position > ${after} and position <= coalesce(${to}, position) order by position, blob_id limit ${limit}`;

/** Those of them that were let go of at `since` (ms since the epoch) or later, but for an erasure. By the primary key. */
export const letGoSince = (schema: string, ids: readonly BlobId[], since: number) => sql.type(rows(KeptRow))`
  select encode(blob_id, 'hex') as id from ${tableIn(schema, 'released')}
  where blob_id in (select decode(id, 'hex') from unnest(${sql.array([...ids], 'text')}) as asked (id))
    and at >= ${sql.timestamp(new Date(since))} and not at_once`;
