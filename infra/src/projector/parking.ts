/**
 * Streams a projection could not apply. Parking a stream rather than an event keeps its order: everything behind the poison waits too,
 * every other stream flows. Unparking re-reads the stream from where it stopped.
 */
import type { Pool, PoolClient } from 'pg';
import type { StreamId } from '@tidings/contracts/ids';
import type { Position } from '@tidings/contracts/ports/event-log';
import type { Timestamp } from '@tidings/contracts/time';

export interface Parking {
  readonly stream: StreamId;
  readonly fromRevision: number;
  readonly fromPosition: Position;
  readonly error: string;
  readonly attempts: number;
}

export interface ParkedStream extends Parking {
  readonly parkedAt: Timestamp;
  readonly unparkRequested: boolean;
}

const ERROR_LENGTH = 2_000;
export const errorText = (error: unknown): string =>
  (error instanceof Error ? `${error.name}: ${error.message}` : String(error)).slice(0, ERROR_LENGTH);

const SELECT = `select stream_id, from_revision, from_position, error, attempts, parked_at, unpark_requested_at
  from projection.parked`;

interface Row {
  readonly stream_id: StreamId;
  readonly from_revision: number;
  readonly from_position: Position;
  readonly error: string;
  readonly attempts: number;
  readonly parked_at: Timestamp;
  readonly unpark_requested_at: Timestamp | null;
}
const fromRow = (row: Row): ParkedStream => ({
  stream: row.stream_id,
  fromRevision: row.from_revision,
  fromPosition: row.from_position,
  error: row.error,
  attempts: row.attempts,
  parkedAt: row.parked_at,
  unparkRequested: row.unpark_requested_at !== null,
});

/** Parked streams of an instance (its schema name), oldest first; of one shard when given. */
export const parkedStreams = async (pool: Pool, name: string, shard?: number): Promise<readonly ParkedStream[]> => {
  const found = await pool.query<Row>(`${SELECT} where name = $1 and ($2::integer is null or shard = $2) order by parked_at, stream_id`, [
    name,
    shard ?? null,
  ]);
  return found.rows.map(fromRow);
};

/** Within the transaction that applies the rest of the page. */
export const park = async (client: PoolClient, name: string, shard: number, parkings: readonly Parking[]): Promise<void> => {
  await client.query(
    `insert into projection.parked (name, shard, stream_id, from_revision, from_position, error, attempts)
     select $1, $2, * from unnest($3::text[], $4::bigint[], $5::text[], $6::text[], $7::integer[])`,
    [
      name,
      shard,
      parkings.map((parking) => parking.stream),
      parkings.map((parking) => parking.fromRevision),
      parkings.map((parking) => parking.fromPosition),
      parkings.map((parking) => parking.error),
      parkings.map((parking) => parking.attempts),
    ],
  );
};

/** Part of the stream was applied; the rest begins at `fromRevision`. */
export const moveParking = async (client: PoolClient, name: string, stream: StreamId, fromRevision: number): Promise<void> => {
  await client.query('update projection.parked set from_revision = $3 where name = $1 and stream_id = $2', [name, stream, fromRevision]);
};

export const endParking = async (client: PoolClient, name: string, stream: StreamId): Promise<void> => {
  await client.query('delete from projection.parked where name = $1 and stream_id = $2', [name, stream]);
};

/** A parked stream that somebody wants taken up again. */
export interface UnparkRequest {
  readonly fromRevision: number;
  /** As the database writes it, for a `Timestamp` has no microseconds: it tells this request from one made meanwhile. */
  readonly askedAt: string;
}

/** Null when nobody asks (any more), or the stream is not parked there. */
export const unparkRequest = async (pool: Pool, name: string, stream: StreamId): Promise<UnparkRequest | null> => {
  const found = await pool.query<{ from_revision: number; asked_at: string }>(
    `select from_revision, unpark_requested_at::text as asked_at from projection.parked
     where name = $1 and stream_id = $2 and unpark_requested_at is not null`,
    [name, stream],
  );
  const row = found.rows[0];
  return row === undefined ? null : { fromRevision: row.from_revision, askedAt: row.asked_at };
};

/** The stream stays parked, now with this reason. Whoever asked again since this request is answered anew. */
export const refuseUnpark = async (
  pool: Pool,
  name: string,
  stream: StreamId,
  { askedAt }: UnparkRequest,
  error: string,
): Promise<void> => {
  await pool.query(
    `update projection.parked set error = $4, attempts = attempts + 1, unpark_requested_at = nullif(unpark_requested_at, $3::timestamptz)
     where name = $1 and stream_id = $2`,
    [name, stream, askedAt, error],
  );
};

/** Asks the owner of the instance to take the stream up again. False when it is not parked there. */
export const requestUnpark = async (pool: Pool, name: string, stream: string): Promise<boolean> => {
  const asked = await pool.query(
    'update projection.parked set unpark_requested_at = clock_timestamp() where name = $1 and stream_id = $2',
    [name, stream],
  );
  return asked.rowCount === 1;
};
