/** What was moved, kept in Postgres as it goes: how far, and a rolling checksum of every stream, of both logs. So a move that was killed goes on where it was. */
import { hash } from 'node:crypto';
import { type LoggedEvent, type Position, START } from '@tidings/contracts/ports/event-log';
import type pg from 'pg';

export interface Move {
  readonly id: number;
  /** Up to here both logs were read and compared. */
  readonly cursor: Position;
  readonly events: number;
}

/** Of one stream: how many events, and a hash over the one before and everything that an event says. */
export interface Checksum {
  readonly events: number;
  readonly sum: Buffer;
}

export const NOTHING: Checksum = { events: 0, sum: Buffer.alloc(0) };

export const rolled = ({ events, sum }: Checksum, { id, type, version, data, meta, revision, recordedAt }: LoggedEvent): Checksum => {
  const said = JSON.stringify([sum.toString('hex'), id, type, version, revision, recordedAt, data, meta]);
  return { events: events + 1, sum: hash('sha256', said, 'buffer') };
};

/** The move from `source` to `target` that is under way, or a new one. @throws when another one is under way */
export const currentMove = async (pool: pg.Pool, source: string, target: string): Promise<Move> => {
  const under = await pool.query<{ id: number; source: string; target: string; cursor: Position; events: number }>(
    'select id, source, target, cursor, events from log.move where finished_at is null',
  );
  const [found] = under.rows;
  if (found !== undefined) {
    if (found.source === source && found.target === target) return found;
    await pool.query('delete from log.move where id = $1', [found.id]); // given up for this one
  }
  return begun(pool, source, target);
};

const begun = async (pool: pg.Pool, source: string, target: string): Promise<Move> => {
  await pool.query('truncate log.moved_stream');
  const { rows } = await pool.query<Move>(
    'insert into log.move (source, target, cursor) values ($1, $2, $3) returning id, cursor, events',
    [source, target, START],
  );
  const [move] = rows;
  if (move === undefined) throw new Error('a row that was inserted was not returned');
  return move;
};

/** From the beginning again. */
export const startedOver = async (pool: pg.Pool, { id }: Move, source: string, target: string): Promise<Move> => {
  await pool.query('delete from log.move where id = $1', [id]);
  return begun(pool, source, target);
};

export const finishMove = async (pool: pg.Pool, { id }: Move): Promise<void> => {
  await pool.query('update log.move set finished_at = now() where id = $1', [id]);
};

export const forgetMove = async (pool: pg.Pool): Promise<void> => {
  await pool.query('delete from log.move where finished_at is null');
};

/** A page as it is in the source, and as it was read back from the target. @returns the move as it is now */
export const noted = async (
  pool: pg.Pool,
  move: Move,
  page: { readonly source: readonly LoggedEvent[]; readonly target: readonly LoggedEvent[]; readonly cursor: Position },
): Promise<Move> => {
  const { source, target, cursor } = page;
  const streams = [...new Set([...source, ...target].map(({ stream }) => stream))];
  const client = await pool.connect();
  try {
    await client.query('begin');
    const known = await client.query<StreamRow>(
      `select stream_id, source_events, source_checksum, target_events, target_checksum from log.moved_stream where stream_id = any($1)`,
      [streams],
    );
    const sums = (side: 'source' | 'target', events: readonly LoggedEvent[]): ReadonlyMap<string, Checksum> => {
      const by = new Map(known.rows.map((row) => [row.stream_id, { events: row[`${side}_events`], sum: row[`${side}_checksum`] }]));
      for (const event of events) by.set(event.stream, rolled(by.get(event.stream) ?? NOTHING, event));
      return by;
    };
    const [from, to] = [sums('source', source), sums('target', target)];
    const column = (by: ReadonlyMap<string, Checksum>, field: keyof Checksum) =>
      streams.map((stream) => (by.get(stream) ?? NOTHING)[field]);
    await client.query(
      `insert into log.moved_stream as s (stream_id, source_events, source_checksum, target_events, target_checksum)
       select * from unnest($1::text[], $2::bigint[], $3::bytea[], $4::bigint[], $5::bytea[])
       on conflict (stream_id) do update set source_events = excluded.source_events, source_checksum = excluded.source_checksum,
         target_events = excluded.target_events, target_checksum = excluded.target_checksum`,
      [streams, column(from, 'events'), column(from, 'sum'), column(to, 'events'), column(to, 'sum')],
    );
    const { rowCount } = await client.query('update log.move set cursor = $2, events = events + $3 where id = $1 and cursor = $4', [
      move.id,
      cursor,
      source.length,
      move.cursor,
    ]);
    if (rowCount !== 1) throw new Error('somebody else works on this move');
    await client.query('commit');
    client.release();
    return { ...move, cursor, events: move.events + source.length };
  } catch (error) {
    client.release(true); // its transaction goes with it
    throw error;
  }
};

interface StreamRow {
  readonly stream_id: string;
  readonly source_events: number;
  readonly source_checksum: Buffer;
  readonly target_events: number;
  readonly target_checksum: Buffer;
}

export interface Comparison {
  readonly streams: number;
  readonly events: number;
  /** Streams that are not the same in both, a few of them. */
  readonly different: readonly string[];
}

export const compare = async (pool: pg.Pool): Promise<Comparison> => {
  const { rows } = await pool.query<{ streams: number; events: number }>(
    'select count(*) streams, coalesce(sum(source_events), 0)::bigint events from log.moved_stream',
  );
  const different = await pool.query<{ stream_id: string }>(
    'select stream_id from log.moved_stream where source_events <> target_events or source_checksum <> target_checksum order by 1 limit 10',
  );
  return { streams: rows[0]?.streams ?? 0, events: rows[0]?.events ?? 0, different: different.rows.map(({ stream_id: id }) => id) };
};
