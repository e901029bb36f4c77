/** Read models filled without a projector, for benches of their queries: `apply` page by page, as a replay does it. */
import type { Recorded } from '@tidings/contracts/events/index';
import type { Projection } from '@tidings/contracts/projection';
import type { Pool } from 'pg';

/** Quoted, as `LiveSchema` gives it. */
export const schemaOf = (name: string): string => `"${name}"`;

/** One page in one transaction. */
export const applyPage = async (pool: Pool, model: Projection, page: readonly Recorded[]): Promise<void> => {
  const client = await pool.connect();
  try {
    await client.query('begin; set local synchronous_commit = off');
    await model.apply(
      page.filter((event) => model.handles.includes(event.type)),
      {
        schema: schemaOf(model.name),
        query: async <Row extends object>(text: string, values?: readonly unknown[]) =>
          (await client.query<Row>(text, [...(values ?? [])])).rows,
      },
    );
    await client.query('commit');
  } finally {
    client.release();
  }
};
