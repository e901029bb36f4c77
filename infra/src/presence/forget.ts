/** What presence knows of someone who is erased. */
import type { UserId } from '@tidings/contracts/ids';
import type { Pool } from 'pg';

/** Also that they are there, so that a stream which ends later leaves no time behind. Needs `migratePresence`. Primary keys. */
export const forgetPresence = async (pool: Pool, user: UserId): Promise<void> => {
  await pool.query('with gone as (delete from presence.session where user_id = $1) delete from presence.last_seen where user_id = $1', [
    user,
  ]);
};
