/** Who is looking: users with a live stream open, at any node. Right within a moment; a node that died is believed for its TTL. */
import type { UserId } from '../ids.ts';

export interface OpenStreams {
  /** Those of `users` who have at least one stream open. */
  hasOpen(users: readonly UserId[]): Promise<ReadonlySet<UserId>>;
}
