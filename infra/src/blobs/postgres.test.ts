import { randomBytes } from 'node:crypto';
import { BlobStoreUnavailable } from '@tidings/contracts/ports/blob-store';
import { Pool } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase } from '../../../tests/kit/postgres.ts';
import { blobStoreContract } from './contract.ts';
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

blobStoreContract('Postgres', () => store);

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

  it('says so when Postgres is not there', async () => {
    const nowhere = openPostgresBlobs({ url: 'postgresql://tidings@127.0.0.1:1/none' });
    await expect(nowhere.put(Buffer.from('small'))).rejects.toBeInstanceOf(BlobStoreUnavailable);
    await expect(nowhere.put(randomBytes(300_000))).rejects.toBeInstanceOf(BlobStoreUnavailable);
    await nowhere.close();
  });
});
