/** `OpenStreams` as the nodes have told it in Postgres. */
import type { UserId } from '@tidings/contracts/ids';
import type { OpenStreams } from '@tidings/contracts/ports/open-streams';
import type { Pool } from 'pg';

/** Needs `migratePresence`. Index: primary key (user_id, node). */
export const postgresOpenStreams = (pool: Pool): OpenStreams => ({
  hasOpen: async (users) => {
    if (users.length === 0) return new Set();
    const { rows } = await pool.query<{ user_id: UserId }>({
      name: 'presence_has_open',
      text: `select distinct s.user_id from presence.session s join presence.node n using (node)
             where s.user_id = any($1::uuid[]) and n.expires_at > clock_timestamp()`,
      values: [[...users]],
    });
    return new Set(rows.map((row) => row.user_id));
  },
});
