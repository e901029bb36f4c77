import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openBlobs } from '@tidings/infra/blobs/open';
import { migrateBlobs } from '@tidings/infra/blobs/postgres';
import { testKey } from '@tidings/infra/blobs/contract';
import { loadConfig } from '@tidings/infra/config/config';
import { isRight } from 'fp-ts/lib/Either.js';
import { Pool } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase } from '../../../../tests/kit/postgres.ts';
import { blobsCommand } from './index.ts';

let database: Awaited<ReturnType<typeof createTestDatabase>>;
let pool: Pool;
let folder: string;
beforeAll(async () => {
  database = await createTestDatabase();
  pool = new Pool({ connectionString: database.url, max: 4 });
  await migrateBlobs(pool);
  folder = await mkdtemp(join(tmpdir(), 'tidings-cli-blobs-'));
});
afterAll(async () => {
  await pool.end();
  await database.drop();
  await rm(folder, { recursive: true });
});

const secret = (name: string): string => testKey(name).export().toString('hex');
const ONE = `1:${secret('one')}`;
const BOTH = `${ONE},2:${secret('two')}`;

describe.each(['postgres', 'folder'])('tidings blobs in %s', (BLOBS) => {
  const configOf = (env: Readonly<Record<string, string>>) => {
    const loaded = loadConfig({ BLOBS, BLOBS_DIR: folder, ...env });
    if (!isRight(loaded)) throw new Error(loaded.left.join('; '));
    return loaded.right;
  };
  const tidings = async (env: Readonly<Record<string, string>>, ...args: readonly string[]): Promise<readonly [number, string]> => {
    let out = '';
    const code = await blobsCommand(args, {
      databaseUrl: database.url,
      config: configOf(env),
      stdout: { write: (text) => (out += text) },
    });
    return [code, out];
  };
  const opened = async (env: Readonly<Record<string, string>>) => (await openBlobs(configOf(env).blobs, { pool, besideLog: false })).blobs;

  it('rotates from no key to one, to another, and to none, and lets go of each', async () => {
    const values = [randomBytes(50), Buffer.from('Dear Sir '.repeat(1_000)), randomBytes(700_000)];
    const plain = await opened({});
    for (const value of values) await plain.put(value);
    const steps = [
      [{ BLOB_KEYS: ONE, BLOB_KEY: '1' }, /^3 blobs were stored anew; all are kept as they should be: zstd:1, sealed with key 1\.\n$/m],
      [
        { BLOB_KEYS: BOTH, BLOB_KEY: '2', BLOB_COMPRESSION: 'zstd:4' },
        /zstd:4, sealed with key 2\.\nNothing is sealed with key 1 any more/,
      ],
      [{ BLOB_KEYS: BOTH, BLOB_KEY: '0' }, /not sealed\.\nNothing is sealed with key 2 any more/],
    ] as const;
    for (const [env, said] of steps) {
      const [code, out] = await tidings(env, 'rotate');
      expect(out).toMatch(said);
      expect(code).toBe(0);
      expect(await tidings(env, 'rotate')).toEqual([0, expect.stringMatching(/^0 blobs were stored anew/)]);
      expect(await tidings(env, 'verify')).toEqual([0, expect.stringContaining('3 blobs are as they were given.\n')]);
    }
    expect(await tidings({}, 'verify'), 'no key is needed any more').toEqual([0, expect.stringContaining('3 blobs are as')]);
  });

  it('says which key is not at hand, at the start', async () => {
    const env = { BLOB_KEYS: ONE, BLOB_KEY: '1' };
    await (await opened(env)).put(randomBytes(60));
    await expect(tidings({}, 'verify')).rejects.toThrow('blobs are sealed with key 1, which BLOB_KEYS does not hold');
    await expect(tidings({ BLOB_KEYS: `1:${secret('two')}`, BLOB_KEY: '1' }, 'verify')).rejects.toThrow(
      'key 1 of BLOB_KEYS is not the key',
    );
    expect((await tidings(env, 'verify'))[0]).toBe(0);
  });

  it('names what is damaged and exits with 1', async () => {
    if (BLOBS === 'folder') return;
    const env = { BLOB_KEYS: ONE, BLOB_KEY: '1' };
    const store = await opened(env);
    const [sealed, plain] = [await store.put(randomBytes(70)), await (await opened({ ...env, BLOB_KEY: '0' })).put(randomBytes(80))];
    await pool.query('update blob.blob set data = set_byte(data, 20, get_byte(data, 20) # 1) where size in (70, 80)');
    const [code, out] = await tidings(env, 'verify');
    expect(code).toBe(1);
    expect(out).toContain(`${sealed.id}: blob ${sealed.id} does not open with key 1`);
    expect(out).toContain(`${plain.id}: holds other bytes than its name says\n`);
    expect(out).toMatch(/\n2 of \d+ blobs are wrong\.\n$/);
    expect(await tidings(env, 'rotate')).toEqual([1, expect.stringContaining(`${plain.id}: blob ${plain.id} holds other bytes`)]);
  });

  it('explains itself', async () => {
    expect(await tidings({}, 'help')).toEqual([0, expect.stringContaining('verify')]);
    expect(await tidings({}, 'polish')).toEqual([2, expect.stringContaining('there is no command "blobs polish"')]);
    expect((await tidings({}, 'verify', '--quick'))[0]).toBe(2);
  });
});
