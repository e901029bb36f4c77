/** Who has a stream open at any node, and when the others last had one. */
import type { UserId } from '@tidings/contracts/ids';
import { timestamp, type Timestamp } from '@tidings/contracts/time';
import type { Pool } from 'pg';

export interface There {
  readonly userId: UserId;
  readonly online: boolean;
  /** Null while they are there, and when nobody knows. */
  readonly lastSeenAt: Timestamp | null;
}

/** Of each of these users, in their order. Needs `migratePresence`. Primary keys of session and last_seen. */
export const whoIsThere = async (pool: Pool, users: readonly UserId[]): Promise<readonly There[]> => {
  if (users.length === 0) return [];
  const { rows } = await pool.query<{ user_id: UserId; online: boolean; at: Date | string | null }>({
    name: 'presence_who_is_there',
    text: `select asked.user_id, seen.at, exists (
             select from presence.session s join presence.node n using (node)
             where s.user_id = asked.user_id and n.expires_at > clock_timestamp()
           ) as online
           from unnest($1::uuid[]) with ordinality asked (user_id, n)
           left join presence.last_seen seen using (user_id)
           order by asked.n`,
    values: [[...users]],
  });
  return rows.map(({ user_id: userId, online, at }) => ({
    userId,
    online,
    lastSeenAt: online || at === null ? null : timestamp(new Date(at).getTime()),
  }));
};
