/**
 * Blobs in Postgres, the default: content-addressed, stored once, packed by zstd, sealed if there is a key. A small value (up to `CHUNK_BYTES`) is
 * one row and travels in a group commit; a large one lies in chunks (large-writer.ts).
 */
import { Readable } from 'node:stream';
import type { BlobId } from '@tidings/contracts/ids';
import { BlobDamaged, type BlobStore, type ListedBlob, type StoredBetween } from '@tidings/contracts/ports/blob-store';
import { Pool, type QueryResult } from 'pg';
import { asideIn, leftAsideIn } from './aside-rows.ts';
import { asking } from './asking.ts';
import { type BlobFormat, DEFAULT_FORMAT } from './format.ts';
import { blobIdOf, CHUNK_BYTES, cut, takeIn } from './intake.ts';
import { LargeWriter } from './large-writer.ts';
import { type Packing, packSmall, unpackerFor, unpackSmall } from './packing.ts';
import { removalBy } from './removal.ts';
import { RowReader, type BlobRow } from './row-reader.ts';
import { SmallWriter } from './small-writer.ts';

export { migrateBlobs } from './migrations.ts';

export interface PostgresBlobs extends BlobStore {
  /** Ends the pool if this store opened it. */
  close(): Promise<void>;
}

export type PostgresBlobsOptions = ({ readonly pool: Pool } | { readonly url: string }) & {
  readonly format?: BlobFormat;
  /**
   * The event log lies in the same database. Then one write-ahead log holds both, in the order of their commits: an event's commit, which
   * waits for the disk, takes along the blob that was committed before it (docs/decisions/017).
   */
  readonly besideLog?: boolean;
  /** How long `removeUnused` waits; default `SETTLED_MS`. */
  readonly settledMs?: number;
};

/** Chunks that a reader is given at once. */
const READ_AHEAD = 4;
const LISTED = 1_000;

/** The schema must exist (`migrateBlobs`). */
export const openPostgresBlobs = (options: PostgresBlobsOptions): PostgresBlobs => {
  const { besideLog = false, format = DEFAULT_FORMAT } = options;
  const { keys, level } = format;
  const pool = 'pool' in options ? options.pool : ownPool(options.url);
  const small = new SmallWriter(pool, format);
  const large = new LargeWriter(pool, format);
  const rows = new RowReader(pool);

  const chunksOf = async (upload: string | null, from: number): Promise<readonly { packing: Packing; data: Buffer }[]> => {
    const found = await asking(
      pool.query<{ packing: Packing; data: Buffer }>({
        name: 'blob-chunks',
        text: 'select packing, data from blob.chunk where upload = $1 and seq >= $2 and seq < $2 + $3 order by seq',
        values: [upload, from, READ_AHEAD],
      }),
    );
    return found.rows;
  };

  /** From the chunk with byte `from` on. */
  async function* content(id: BlobId, row: BlobRow, from = 0): AsyncGenerator<Buffer> {
    if (row.data !== null) {
      yield unpackSmall(id, row.keyId, { packing: row.packing, data: row.data }, keys);
      return;
    }
    const count = Math.ceil(row.size / CHUNK_BYTES);
    let { upload } = row;
    let unpack = unpackerFor(id, row.keyId, row.sealedKey, keys);
    for (let seq = Math.floor(from / CHUNK_BYTES); seq < count;) {
      const chunks = await chunksOf(upload, seq);
      for (const chunk of chunks) yield unpack(seq++, chunk);
      if (chunks.length > 0) continue;
      // They were stored anew meanwhile, in chunks of the same sizes: it goes on there.
      const moved = await rows.find(id);
      if (moved.upload === upload) throw new BlobDamaged(`blob ${id} has lost a part: chunk ${seq} of ${count}`);
      upload = moved.upload;
      unpack = unpackerFor(id, moved.keyId, moved.sealedKey, keys);
    }
  }

  return {
    put: async (source, { maxBytes, thenAppended = false } = {}) => {
      const intake = await takeIn(source, maxBytes);
      const waitsForDisk = !(thenAppended && besideLog);
      if (intake.type === 'large') return large.put(intake, waitsForDisk);
      const id = blobIdOf(intake.bytes);
      await small.write(id, intake.bytes.byteLength, packSmall(intake.bytes, id, format), waitsForDisk);
      return { id, size: intake.bytes.byteLength };
    },
    get: async (id, range) => {
      const row = await rows.find(id);
      if (range === undefined) return Readable.from(content(id, row), { objectMode: false });
      const first = row.data === null ? Math.floor(range.start / CHUNK_BYTES) * CHUNK_BYTES : 0;
      return Readable.from(cut(content(id, row, first), range, first), { objectMode: false });
    },
    read: async (id) => {
      const row = await rows.find(id);
      if (row.data !== null) return unpackSmall(id, row.keyId, { packing: row.packing, data: row.data }, keys);
      const chunks: Buffer[] = [];
      for await (const chunk of content(id, row)) chunks.push(chunk);
      return Buffer.concat(chunks);
    },
    link: async () => null,
    has: async (id) => {
      const found = await asking(pool.query('select 1 from blob.blob where id = $1', [Buffer.from(id, 'hex')]));
      return found.rows.length > 0;
    },
    list: (stored = {}) => listed(pool, stored, format),
    leftAside: (forMs) => leftAsideIn(pool, forMs),
    storeAnew: async (id) => {
      const row = await rows.find(id);
      const intake = await takeIn(Readable.from(content(id, row), { objectMode: false }));
      if (intake.type === 'small') {
        if (blobIdOf(intake.bytes) !== id) throw damaged(id);
        const { packing, data } = packSmall(intake.bytes, id, format);
        await asking(
          pool.query('update blob.blob set packing = $2, data = $3, level = $4, key_id = $5 where id = $1', [
            Buffer.from(id, 'hex'),
            packing,
            Buffer.from(data.buffer, data.byteOffset, data.byteLength),
            level,
            keys.active,
          ]),
        );
        return;
      }
      const written = await large.upload(intake);
      try {
        if (written.id !== id) throw damaged(id);
        await asking(pool.query(REPLACE, [Buffer.from(id, 'hex'), written.upload, level, keys.active, written.sealedKey]));
      } catch (error) {
        await large.discard(written.upload).catch(() => undefined); // else it is swept at a later start
        throw error;
      }
    },
    removeUnused: removalBy(asideIn(pool), options.settledMs),
    close: async () => {
      if (!('pool' in options)) await pool.end();
    },
  };
};

const damaged = (id: BlobId): BlobDamaged => new BlobDamaged(`blob ${id} holds other bytes than its name says`);

/** Where the blob is gone or lies aside, the new chunks go, not the old ones. */
const REPLACE = `
  with old as (select upload from blob.blob where id = $1 for update),
  changed as (
    update blob.blob set upload = $2::uuid, level = $3, key_id = $4, sealed_key = $5 where id = $1 and exists (select from old) returning 1
  ),
  done as (delete from blob.upload where id = $2::uuid)
  delete from blob.chunk where upload = case when exists (select from changed) then (select upload from old) else $2::uuid end`;

interface ListedRow extends ListedBlob {
  /** To the microsecond. */
  readonly at: string;
}

/** By the index on (stored_at, id). */
async function* listed(pool: Pool, { since, until }: StoredBetween, { level, keys }: BlobFormat): AsyncGenerator<readonly ListedBlob[]> {
  let after: ListedRow | undefined;
  for (;;) {
    const { rows }: QueryResult<ListedRow> = await asking(
      pool.query<ListedRow>(
        `select encode(id, 'hex') as id, stored_at::text as at, (extract(epoch from stored_at) * 1000)::float8 as "storedAt",
           key_id = $1 and level = $2 as "isCurrent"
         from blob.blob
         where (stored_at, id) > ($3::timestamptz, decode($4, 'hex')) and stored_at < $5::timestamptz
         order by stored_at, id limit ${LISTED}`,
        [
          keys.active,
          level,
          after?.at ?? (since === undefined ? '-infinity' : new Date(since).toISOString()),
          after?.id ?? '',
          until === undefined ? 'infinity' : new Date(until).toISOString(),
        ],
      ),
    );
    if (rows.length === 0) return;
    yield rows.map(({ id, storedAt, isCurrent }) => ({ id, storedAt, isCurrent }));
    after = rows.at(-1);
  }
}

const ownPool = (connectionString: string): Pool => {
  const pool = new Pool({ connectionString, max: 6, connectionTimeoutMillis: 5_000, application_name: 'tidings-blobs' });
  // A connection that breaks, idle or in somebody's hands, is replaced at its next use; without a listener it would end the process.
  pool.on('error', () => undefined);
  pool.on('connect', (client) => client.on('error', () => undefined));
  return pool;
};
