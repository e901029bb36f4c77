import pg from 'pg';
import { createTestDatabase } from '../../../tests/kit/postgres.ts';
import { subjectKeysContract } from './contract.ts';
import { memorySubjectKeys } from './memory.ts';
import { migrateSubjectKeys, postgresSubjectKeys } from './postgres.ts';

subjectKeysContract('memory', async () => {
  const keys = memorySubjectKeys();
  return { keys, other: keys, close: async () => undefined };
});

subjectKeysContract('postgres', async () => {
  const database = await createTestDatabase();
  const pool = new pg.Pool({ connectionString: database.url });
  await Promise.all([migrateSubjectKeys(pool), migrateSubjectKeys(database.url)]);
  return {
    keys: postgresSubjectKeys({ pool }),
    other: postgresSubjectKeys({ pool, cacheMs: 50 }),
    close: async () => {
      await pool.end();
      await database.drop();
    },
  };
});
