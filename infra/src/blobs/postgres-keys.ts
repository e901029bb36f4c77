/** Proofs of keys in the table `blob.key`. */
import type { Pool } from 'pg';
import { asking } from './asking.ts';
import type { KeyProofs } from './keys.ts';

export const postgresKeyProofs = (pool: Pool): KeyProofs => ({
  all: async () => {
    const { rows } = await asking(pool.query<{ id: number; proof: Buffer }>('select id, proof from blob.key order by id'));
    return new Map(rows.map(({ id, proof }) => [id, proof]));
  },
  add: async (keyId, proof) => {
    await asking(pool.query('insert into blob.key (id, proof) values ($1, $2) on conflict do nothing', [keyId, Buffer.from(proof)]));
  },
  remove: async (keyId) => {
    await asking(pool.query('delete from blob.key where id = $1', [keyId]));
  },
});
