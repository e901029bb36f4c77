/** Postgres as projections see it: transactions that always end. Rows have the types that `SqlSession` promises when the pool comes from `openPool`. */
import type { Pool, PoolClient } from 'pg';
import type { ProjectionTx } from '@tidings/contracts/projection';

/** Runs `body` in a transaction. Whatever it throws rolls back and is thrown on; a connection that cannot roll back is dropped. */
export const inTransaction = async <A>(pool: Pool, body: (client: PoolClient) => Promise<A>, begin = 'begin'): Promise<A> =>
  withClient(pool, async (client) => {
    await client.query(begin);
    const result = await body(client);
    await client.query('commit');
    return result;
  });

/** A client for one transaction that `body` begins and commits itself (to save round trips). A throw rolls it back. */
export const withClient = async <A>(pool: Pool, body: (client: PoolClient) => Promise<A>): Promise<A> => {
  const client = await pool.connect();
  let loss: Error | undefined;
  try {
    return await body(client);
  } catch (error) {
    await client.query('rollback').catch((lost: Error) => {
      loss = lost;
    });
    throw error;
  } finally {
    client.release(loss);
  }
};

/** Statements seen so far. Naming one lets every connection plan it once; a projection has a handful per instance. */
const names = new Map<string, string>();
const MAX_NAMED = 2_000;

const nameOf = (text: string): string | undefined => {
  const known = names.get(text);
  if (known !== undefined || names.size >= MAX_NAMED) return known;
  const name = `tidings_${names.size}`;
  names.set(text, name);
  return name;
};

/** What `Projection.apply` gets: the runtime's transaction, seen through `SqlSession`. */
export const projectionTx = (client: PoolClient, schema: string): ProjectionTx => ({
  schema,
  query: async <Row extends object>(text: string, values?: readonly unknown[]) => {
    const name = nameOf(text);
    const result = await client.query<Row>({
      ...(name === undefined ? {} : { name }),
      text,
      ...(values === undefined ? {} : { values: values as unknown[] }), // pg only reads it
    });
    return result.rows;
  },
});
