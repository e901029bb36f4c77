import { createHash, randomBytes } from 'node:crypto';
import { zstdCompressSync } from 'node:zlib';
import type { BlobId } from '@tidings/contracts/ids';
import { BlobStoreUnavailable } from '@tidings/contracts/ports/blob-store';
import { Pool } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase } from '../../../tests/kit/postgres.ts';
import { keptContract } from './contract.ts';
import { CHUNK_BYTES } from './intake.ts';
import { noLinkContract } from './link-contract.ts';
import { migrateBlobs, openPostgresBlobs, type PostgresBlobs } from './postgres.ts';

let database: Awaited<ReturnType<typeof createTestDatabase>>;
let pool: Pool;
let store: PostgresBlobs;
beforeAll(async () => {
  database = await createTestDatabase();
  pool = new Pool({ connectionString: database.url, max: 6 });
  await migrateBlobs(pool);
  store = openPostgresBlobs({ url: database.url, settledMs: 50 });
});
afterAll(async () => {
  await store.close();
  await pool.end();
  await database.drop();
});

noLinkContract('Postgres', () => openPostgresBlobs({ pool, settledMs: 50 }));
keptContract(
  'Postgres',
  (format) => openPostgresBlobs({ pool, settledMs: 50, format }),
  async (id) => {
    const flippedIn = (table: string): string =>
      `set_byte(${table}.data, length(${table}.data) - 1, get_byte(${table}.data, length(${table}.data) - 1) # 1)`;
    await pool.query(`update blob.blob set data = ${flippedIn('blob')} where id = decode($1, 'hex') and data is not null`, [id]);
    await pool.query(
      `update blob.chunk set data = ${flippedIn('chunk')} from blob.blob where blob.upload = chunk.upload and id = decode($1, 'hex')
       and seq = (select max(seq) from blob.chunk last where last.upload = blob.upload)`,
      [id],
    );
  },
);

const sha256 = (bytes: Buffer): Buffer => createHash('sha256').update(bytes).digest();
const count = async (table: string): Promise<number> =>
  (await pool.query<{ n: number }>(`select count(*)::int as n from blob.${table}`)).rows[0]!.n;

describe('Postgres blobs', () => {
  it('migrates again, and from several processes at once', async () => {
    await expect(Promise.all([migrateBlobs(pool), migrateBlobs(pool)])).resolves.toHaveLength(2);
  });

  it('stores the same large value once', async () => {
    const before = await count('chunk');
    const bytes = randomBytes(600_000);
    await Promise.all([store.put(bytes), store.put(bytes), store.put(bytes)]);
    expect(await count('chunk')).toBe(before + 3);
    expect(await count('upload')).toBe(0);
  });

  it('keeps no chunk of what was refused', async () => {
    const before = await count('chunk');
    await expect(store.put(randomBytes(900_000), { maxBytes: 800_000 })).rejects.toThrow();
    expect(await count('chunk')).toBe(before);
    expect(await count('upload')).toBe(0);
  });

  it.each([5_000, 600_000])('leaves the disk to the next commit only where told, and where the log is beside (%i bytes)', async (size) => {
    const lsn = async (of: 'insert' | 'flush'): Promise<bigint> => {
      const { rows } = await pool.query<{ at: string }>(`select pg_current_wal_${of}_lsn() - '0/0'::pg_lsn as at`);
      return BigInt(rows[0]!.at);
    };
    const beside = openPostgresBlobs({ pool, besideLog: true });
    const bytes = randomBytes(size);
    const stored = await beside.put(bytes, { thenAppended: true });
    expect(await beside.read(stored.id)).toEqual(bytes);
    const written = await lsn('insert');
    // The same bytes again, and now they must be durable: the first commit has to be on disk too.
    await beside.put(bytes);
    expect(await lsn('flush')).toBeGreaterThanOrEqual(written);

    const before = await lsn('insert');
    await store.put(randomBytes(size), { thenAppended: true });
    expect(await lsn('flush')).toBeGreaterThan(before);
  });

  it('sweeps uploads that a crash left a day ago', async () => {
    await pool.query("insert into blob.upload values ('00000000-0000-4000-8000-000000000001', now() - interval '2 days')");
    await pool.query("insert into blob.chunk values ('00000000-0000-4000-8000-000000000001', 0, 0, 'x')");
    await migrateBlobs(pool);
    const { rows } = await pool.query("select from blob.chunk where upload = '00000000-0000-4000-8000-000000000001'");
    expect(rows).toEqual([]);
  });

  it('renews the time of what is put again', async () => {
    for (const bytes of [randomBytes(100), randomBytes(600_000), randomBytes(3_000_000)]) {
      const { id } = await store.put(bytes);
      await pool.query("update blob.blob set stored_at = now() - interval '1 hour' where id = decode($1, 'hex')", [id]);
      await Promise.all([store.put(bytes), store.put(bytes)]);
      expect(await store.removeUnused([id], async () => new Set(), Date.now() - 60_000)).toEqual([]);
      expect(await store.read(id)).toEqual(bytes);
    }
    expect(await count('upload')).toBe(0);
  });

  it('reads what earlier versions wrote', async () => {
    const bytes = Buffer.from('What an earlier version wrote. '.repeat(10));
    const large = randomBytes(CHUNK_BYTES + 1);
    const upload = '00000000-0000-4000-8000-000000000002';
    await pool.query('insert into blob.blob (id, size, packing, data) values ($1, $2, 1, $3)', [
      sha256(bytes),
      bytes.length,
      zstdCompressSync(bytes),
    ]);
    await pool.query('insert into blob.blob (id, size, packing, upload) values ($1, $2, 0, $3)', [sha256(large), large.length, upload]);
    await pool.query('insert into blob.chunk values ($1, 0, 0, $2), ($1, 1, 0, $3)', [
      upload,
      large.subarray(0, CHUNK_BYTES),
      large.subarray(CHUNK_BYTES),
    ]);
    for (const one of [bytes, large]) expect((await store.read(sha256(one).toString('hex') as BlobId)).equals(one)).toBe(true);
  });

  it('says that a part is lost, instead of giving less', async () => {
    const { id } = await store.put(randomBytes(3 * CHUNK_BYTES));
    await pool.query("delete from blob.chunk using blob.blob where blob.upload = chunk.upload and id = decode($1, 'hex') and seq = 2", [
      id,
    ]);
    await expect(store.read(id)).rejects.toThrow(/has lost a part: chunk 2 of 3/);
  });

  it('says so when Postgres is not there', async () => {
    const nowhere = openPostgresBlobs({ url: 'postgresql://tidings@127.0.0.1:1/none' });
    await expect(nowhere.put(Buffer.from('small'))).rejects.toBeInstanceOf(BlobStoreUnavailable);
    await expect(nowhere.put(randomBytes(300_000))).rejects.toBeInstanceOf(BlobStoreUnavailable);
    await nowhere.close();
  });
});
