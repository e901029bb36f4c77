import pg from 'pg';
import { describe, expect, it } from 'vitest';
import { createTestDatabase } from '../../../tests/kit/postgres.ts';

describe('the test kit', () => {
  it('gives an empty database of its own', async () => {
    const database = await createTestDatabase();
    const client = new pg.Client({ connectionString: database.url });
    await client.connect();
    const { rows } = await client.query<{ encoding: string; tables: number }>(
      `select current_setting('server_encoding') as encoding, count(*)::int as tables from pg_tables where schemaname = 'public'`,
    );
    await client.end();
    await database.drop();
    expect(rows).toEqual([{ encoding: 'UTF8', tables: 0 }]);
  });
});
