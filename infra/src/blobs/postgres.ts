/**
 * Blobs in Postgres, the default: content-addressed, stored once, packed by zstd. A small value (up to `CHUNK_BYTES`) is one row and
 * travels in a group commit; a large one is streamed in chunks under an upload id that becomes a blob at its end, so memory stays
 * flat and no transaction stays open while a slow peer sends.
 */
import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import type { BlobId } from '@tidings/contracts/ids';
import { BlobStoreUnavailable, type BlobStore, type StoredBlob } from '@tidings/contracts/ports/blob-store';
import { Pool } from 'pg';
import { blobIdOf, CHUNK_BYTES, cut, takeIn, type Measured } from './intake.ts';
import { packChunk, packSmall, unpack } from './packing.ts';
import { RowReader, type BlobRow } from './row-reader.ts';
import { type Aside, removalBy } from './removal.ts';
import { SmallWriter } from './small-writer.ts';

export { migrateBlobs } from './migrations.ts';

export interface PostgresBlobs extends BlobStore {
  /** Ends the pool if this store opened it. */
  close(): Promise<void>;
}

export type PostgresBlobsOptions = ({ readonly pool: Pool } | { readonly url: string }) & {
  /**
   * The event log lies in the same database. Then one write-ahead log holds both, in the order of their commits: an event's commit, which
   * waits for the disk, takes along the blob that was committed before it (docs/decisions/017).
   */
  readonly besideLog?: boolean;
  /** How long `removeUnused` waits; default `SETTLED_MS`. */
  readonly settledMs?: number;
};

/** The schema must exist (`migrateBlobs`). */
export const openPostgresBlobs = (options: PostgresBlobsOptions): PostgresBlobs => {
  const { besideLog = false } = options;
  const pool = 'pool' in options ? options.pool : ownPool(options.url);
  const small = new SmallWriter(pool);
  const rows = new RowReader(pool);

  /** From the chunk with byte `from` on. */
  async function* content(row: BlobRow, from = 0): AsyncGenerator<Buffer> {
    if (row.data !== null) {
      yield unpack(row.packing, row.data);
      return;
    }
    for (let seq = Math.floor(from / CHUNK_BYTES); ; seq += 1) {
      const found = await asking(
        pool.query<{ packing: number; data: Buffer }>({
          name: 'blob-chunk',
          text: 'select packing, data from blob.chunk where upload = $1 and seq = $2',
          values: [row.upload, seq],
        }),
      );
      const chunk = found.rows[0];
      if (chunk === undefined) return;
      yield unpack(chunk.packing, chunk.data);
    }
  }

  return {
    put: async (source, { maxBytes, thenAppended = false } = {}) => {
      const intake = await takeIn(source, maxBytes);
      const waitsForDisk = !(thenAppended && besideLog);
      if (intake.type === 'large') return putLarge(pool, intake, waitsForDisk);
      const id = blobIdOf(intake.bytes);
      await small.write(id, intake.bytes.byteLength, packSmall(intake.bytes), waitsForDisk);
      return { id, size: intake.bytes.byteLength };
    },
    get: async (id, range) => {
      const row = await rows.find(id);
      if (range === undefined) return Readable.from(content(row), { objectMode: false });
      const first = row.data === null ? Math.floor(range.start / CHUNK_BYTES) * CHUNK_BYTES : 0;
      return Readable.from(cut(content(row, first), range, first), { objectMode: false });
    },
    read: async (id) => {
      const row = await rows.find(id);
      if (row.data !== null) return unpack(row.packing, row.data);
      const chunks: Buffer[] = [];
      for await (const chunk of content(row)) chunks.push(chunk);
      return Buffer.concat(chunks);
    },
    has: async (id) => {
      const found = await asking(pool.query('select 1 from blob.blob where id = $1', [Buffer.from(id, 'hex')]));
      return found.rows.length > 0;
    },
    removeUnused: removalBy(asideIn(pool), options.settledMs),
    close: async () => {
      if (!('pool' in options)) await pool.end();
    },
  };
};

/** Only its end waits for the disk, which takes along all that was committed before it; an upload without its end is swept. */
const putLarge = async (
  pool: Pool,
  { chunks, measured }: { readonly chunks: AsyncIterable<Uint8Array>; readonly measured: () => Measured },
  waitsForDisk: boolean,
): Promise<StoredBlob> => {
  const upload = randomUUID();
  // A chunk is under way to the database while the next one is read and packed.
  let writing: Promise<unknown> = Promise.resolve();
  try {
    await asking(
      pool.query({ name: 'blob-insert-upload', text: `insert into blob.upload (id) select $1::uuid where ${RELAXED}`, values: [upload] }),
    );
    let seq = 0;
    for await (const chunk of chunks) {
      const { packing, data } = await packChunk(chunk);
      await writing;
      writing = asking(
        pool.query({
          name: 'blob-insert-chunk',
          text: `insert into blob.chunk (upload, seq, packing, data) select $1::uuid, $2::integer, $3::smallint, $4::bytea where ${RELAXED}`,
          // pg sends a Buffer as binary; over another view's bytes it takes no copy.
          values: [upload, seq, packing, Buffer.from(data.buffer, data.byteOffset, data.byteLength)],
        }),
      );
      writing.catch(() => undefined); // whoever awaits it next is told
      seq += 1;
    }
    await writing;
    const { id, size } = measured();
    const { rows } = await asking(
      pool.query<{ taken: boolean }>({
        name: waitsForDisk ? 'blob-finish-durably' : 'blob-finish-relaxed',
        text: finish(waitsForDisk ? 'true' : RELAXED),
        values: [Buffer.from(id, 'hex'), size, upload],
      }),
    );
    // The same bytes were there already: the first copy stays, this one goes, which waits for the disk and so for the first copy too.
    if (rows[0]?.taken !== true) await discard(pool, upload);
    return { id, size };
  } catch (error) {
    await writing.catch(() => undefined);
    // What cannot be removed now is swept at a later start.
    await discard(pool, upload).catch(() => undefined);
    throw error;
  }
};

/** All by primary keys. A writer that meets a row on its way out waits, and then stores the bytes anew. */
const asideIn = (pool: Pool): Aside => {
  const run = async (text: string, ids: readonly BlobId[]): Promise<void> => {
    if (ids.length > 0) await asking(pool.query(text, [ids.map((id) => Buffer.from(id, 'hex'))]));
  };
  return {
    setAside: async (ids) => {
      // Of a removal that was cut short, and put again since.
      await run(
        `with old as (delete from blob.aside a using blob.blob b where a.id = any($1::bytea[]) and b.id = a.id returning a.upload)
         delete from blob.chunk using old where chunk.upload = old.upload`,
        ids,
      );
      await run(
        `with gone as (delete from blob.blob where id = any($1::bytea[]) returning *)
         insert into blob.aside select * from gone on conflict (id) do nothing`,
        ids,
      );
    },
    restore: (ids) =>
      run(
        `with back as (delete from blob.aside where id = any($1::bytea[]) returning *),
              placed as (insert into blob.blob select * from back on conflict (id) do nothing returning id)
         delete from blob.chunk using back where chunk.upload = back.upload and back.id not in (select id from placed)`,
        ids,
      ),
    drop: (ids) =>
      run(
        `with gone as (delete from blob.aside where id = any($1::bytea[]) returning upload)
         delete from blob.chunk using gone where chunk.upload = gone.upload`,
        ids,
      ),
  };
};

/** For its transaction only (see small-writer.ts). */
const RELAXED = "set_config('synchronous_commit', 'off', true) = 'off'";

const finish = (condition: string): string => `
  with taken as (
    insert into blob.blob (id, size, packing, upload) select $1::bytea, $2::bigint, 0, $3::uuid where ${condition}
    on conflict (id) do nothing returning 1
  ), done as (
    delete from blob.upload where id = $3 and exists (select from taken)
  )
  select exists (select from taken) as taken`;

const discard = async (pool: Pool, upload: string): Promise<void> => {
  await pool.query('with gone as (delete from blob.chunk where upload = $1) delete from blob.upload where id = $1', [upload]);
};

/** Whatever Postgres or the way to it refuses is `BlobStoreUnavailable`; other errors (a peer that hung up) stay themselves. */
const asking = async <A>(query: Promise<A>): Promise<A> => {
  try {
    return await query;
  } catch (cause) {
    throw new BlobStoreUnavailable('asking Postgres for blobs', { cause });
  }
};

const ownPool = (connectionString: string): Pool => {
  const pool = new Pool({ connectionString, max: 6, connectionTimeoutMillis: 5_000, application_name: 'tidings-blobs' });
  // An idle connection that breaks is replaced at its next use; without a listener it would end the process.
  pool.on('error', () => undefined);
  return pool;
};
