import { pino } from 'pino';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createTestDatabase } from '../../../tests/kit/postgres.ts';
import { inTransaction } from '../projector/session.ts';
import { openPool } from './pools.ts';
import { applySteps } from './schema-steps.ts';

let pool: ReturnType<typeof openPool>;
let drop: () => Promise<void>;
beforeAll(async () => {
  const database = await createTestDatabase();
  drop = database.drop;
  pool = openPool({ url: database.url, name: 'steps', max: 4, logger: pino({ level: 'silent' }) });
});
afterAll(async () => {
  await pool.end();
  await drop();
});

const migrate = (schema: string, ...steps: readonly string[]): Promise<void> =>
  inTransaction(pool, (client) => applySteps(client, schema, steps));
const columns = async (schema: string): Promise<readonly string[]> =>
  (
    await pool.query<{ column_name: string }>(
      `select column_name from information_schema.columns where table_schema = $1 and table_name = 'thing' order by ordinal_position`,
      [schema],
    )
  ).rows.map(({ column_name }) => column_name);
const [first, second] = [
  (schema: string) => `create table ${schema}.thing (a int)`,
  (schema: string) => `alter table ${schema}.thing add b int`,
];

it('does each step once, however many start at the same time', async () => {
  await Promise.all(Array.from({ length: 4 }, () => migrate('one', first('one'))));
  await Promise.all(Array.from({ length: 4 }, () => migrate('one', first('one'), second('one'))));
  expect(await columns('one')).toEqual(['a', 'b']);
});

it('does all steps or none', async () => {
  await expect(migrate('two', first('two'), 'no such statement')).rejects.toThrow('syntax error');
  expect(await columns('two')).toEqual([]);
  await migrate('two', first('two'), second('two'));
  expect(await columns('two')).toEqual(['a', 'b']);
});

it('refuses a schema that a newer version has changed', async () => {
  await migrate('three', first('three'), second('three'));
  await expect(migrate('three', first('three'))).rejects.toThrow('schema three is at step 2, newer than this version of Tidings');
});
