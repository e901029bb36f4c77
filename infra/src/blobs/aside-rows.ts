/** Setting rows of the Postgres store aside and dropping them (removal.ts). All by primary keys, in order of id as every other writer. */
import type { BlobId } from '@tidings/contracts/ids';
import type { Pool } from 'pg';
import { asking } from './asking.ts';
import type { Aside } from './removal.ts';

const COLUMNS = 'id, size, packing, data, upload, stored_at, level, key_id, sealed_key';

/** A writer that meets a row on its way out waits, and then stores the bytes anew. */
export const asideIn = (pool: Pool): Aside => {
  const run = async (text: string, ids: readonly BlobId[], ...more: readonly unknown[]): Promise<void> => {
    if (ids.length > 0) await asking(pool.query(text, [ids.map((id) => Buffer.from(id, 'hex')), ...more]));
  };
  return {
    setAside: async (ids, putBefore) => {
      // Of a removal that was cut short, and put again since.
      await run(
        `with old as (delete from blob.aside a using blob.blob b where a.id = any($1::bytea[]) and b.id = a.id returning a.upload)
         delete from blob.chunk using old where chunk.upload = old.upload`,
        ids,
      );
      await run(
        `with chosen as (
           select id from blob.blob where id = any($1::bytea[]) and stored_at < to_timestamp($2::float8 / 1000) order by id for update
         ), gone as (delete from blob.blob using chosen where blob.id = chosen.id returning ${COLUMNS.replace('id,', 'blob.id,')})
         insert into blob.aside (${COLUMNS}) select * from gone on conflict (id) do nothing`,
        ids,
        putBefore === Infinity ? 'infinity' : putBefore,
      );
    },
    restore: (ids) =>
      run(
        `with back as (delete from blob.aside where id = any($1::bytea[]) returning ${COLUMNS}),
              placed as (insert into blob.blob (${COLUMNS}) select * from back order by id on conflict (id) do nothing returning id)
         delete from blob.chunk using back where chunk.upload = back.upload and back.id not in (select id from placed)`,
        ids,
      ),
    drop: async (ids) => {
      if (ids.length === 0) return [];
      const { rows } = await asking(
        pool.query<{ id: BlobId }>(
          `with gone as (delete from blob.aside where id = any($1::bytea[]) returning id, upload),
                chunks as (delete from blob.chunk using gone where chunk.upload = gone.upload)
           select encode(id, 'hex') as id from gone`,
          [ids.map((id) => Buffer.from(id, 'hex'))],
        ),
      );
      return rows.map(({ id }) => id);
    },
  };
};

/** Set aside longer than `forMs` ago. The table is all but empty. */
export const leftAsideIn = async (pool: Pool, forMs: number): Promise<readonly BlobId[]> => {
  const { rows } = await asking(
    pool.query<{ id: BlobId }>("select encode(id, 'hex') as id from blob.aside where aside_at <= now() - $1 * interval '1 ms'", [forMs]),
  );
  return rows.map(({ id }) => id);
};
