import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Pool } from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createTestDatabase } from '../../../tests/kit/postgres.ts';
import { folderKeyProofs } from './folder.ts';
import { checkKeys, type KeyProofs, retireKeys } from './keys.ts';
import { migrateBlobs } from './migrations.ts';
import { postgresKeyProofs } from './postgres-keys.ts';
import { testKey } from './contract.ts';

let database: Awaited<ReturnType<typeof createTestDatabase>>;
let pool: Pool;
let folder: string;
beforeAll(async () => {
  database = await createTestDatabase();
  pool = new Pool({ connectionString: database.url, max: 2 });
  await migrateBlobs(pool);
  folder = await mkdtemp(join(tmpdir(), 'tidings-keys-'));
});
afterAll(async () => {
  await pool.end();
  await database.drop();
  await rm(folder, { recursive: true });
});

const kinds: readonly (readonly [string, () => KeyProofs])[] = [
  ['Postgres', () => postgresKeyProofs(pool)],
  ['folder', () => folderKeyProofs(folder)],
];

describe.each(kinds)('keys of blobs in %s', (_, open) => {
  it('are proven at the start: a missing or another one stops it, by its id, until it is retired', async () => {
    const proofs = open();
    const [one, two] = [testKey('one'), testKey('two')];
    const none = { active: 0, byId: new Map() };
    await checkKeys(none, proofs);
    await checkKeys({ active: 7, byId: new Map([[7, one]]) }, proofs);
    await checkKeys({ active: 7, byId: new Map([[7, one]]) }, proofs);
    await expect(checkKeys(none, proofs)).rejects.toThrow('blobs are sealed with key 7, which BLOB_KEYS does not hold');
    await expect(checkKeys({ active: 7, byId: new Map([[7, two]]) }, proofs)).rejects.toThrow('key 7 of BLOB_KEYS is not the key');
    const both = {
      active: 8,
      byId: new Map([
        [7, one],
        [8, two],
      ]),
    };
    await checkKeys(both, proofs);
    expect(await retireKeys(both, proofs)).toEqual([7]);
    await checkKeys({ active: 8, byId: new Map([[8, two]]) }, proofs);
  });
});
