/** Tickets that serve once: each is remembered, by all nodes together, until it would have run out anyway. */
import type { Pool } from 'pg';

/** True for the one who spends it first. Needs `migratePresence`. */
export const spendTicket = async (pool: Pool, ticket: string, expiresAt: Date): Promise<boolean> => {
  const { rowCount } = await pool.query({
    name: 'presence_spend_ticket',
    text: `with gone as (delete from presence.spent_ticket where expires_at < clock_timestamp() - interval '1 minute')
           insert into presence.spent_ticket (ticket, expires_at) values ($1, $2) on conflict do nothing`,
    values: [ticket, expiresAt],
  });
  return rowCount === 1;
};
