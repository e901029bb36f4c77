/**
 * Tells who has a live stream open at this node: at once when someone comes or goes, and by a heartbeat that all of them are still there. Each
 * heartbeat also looks for nodes that fell silent: whoever was connected there is gone, and somebody has to say so.
 */
import type { UserId } from '@tidings/contracts/ids';
import type { Pool } from 'pg';
import type { Logger } from 'pino';

export interface SessionsOptions {
  readonly pool: Pool;
  /** This run of this process and no other: what a killed one left must run out by itself. */
  readonly node: string;
  readonly logger: Logger;
  /** How long others believe a node after its last heartbeat. */
  readonly ttlMs?: number;
  readonly heartbeatMs?: number;
  /** Told of users who came or went without a stream of theirs opening or closing: with a node that fell silent, or is heard again. */
  readonly onFound?: (users: readonly UserId[]) => void;
}

export interface Sessions {
  /** One more stream of `user` is open here. */
  opened(user: UserId): void;
  closed(user: UserId): void;
  /** Resolves when what has happened so far is told, or could not be. */
  told(): Promise<void>;
  /** Takes everyone away: whoever comes next is connected elsewhere. */
  stop(): Promise<void>;
}

const TTL_MS = 45_000;
const HEARTBEAT_MS = 15_000;

/** When those in `gone` were last there; in one order, so that nodes that say so at once wait for each other at most. */
const SEEN = `seen as (
  insert into presence.last_seen as l (user_id, at) select user_id, clock_timestamp() from gone order by user_id
  on conflict (user_id) do update set at = excluded.at
)`;

/** Needs `migratePresence`. */
export const openSessions = (options: SessionsOptions): Sessions => {
  const { pool, node, logger, ttlMs = TTL_MS, heartbeatMs = HEARTBEAT_MS, onFound = () => undefined } = options;
  const streams = new Map<UserId, number>();
  /** Whose row may not say what `streams` says. */
  const unsaid = new Set<UserId>();
  let announced = false;
  let failing = false;
  let last: Promise<void> = Promise.resolve();
  let scheduled = false;

  /** True when others had forgotten us: Postgres crashed and emptied its unlogged tables, or we were silent for too long. */
  const announce = async (): Promise<boolean> => {
    const { rows } = await pool.query<{ isNew: boolean }>(
      `insert into presence.node as n (node, expires_at) values ($1, clock_timestamp() + $2 * interval '1 millisecond')
       on conflict (node) do update set expires_at = excluded.expires_at
       returning xmax = 0 as "isNew"`,
      [node, ttlMs],
    );
    const [isBack, isNew] = [announced, rows[0]?.isNew === true];
    announced = true;
    if (isNew) for (const user of streams.keys()) unsaid.add(user);
    return isBack && isNew;
  };

  /** Takes away whoever was at a node that is silent; one node finds them. They were seen until its time ran out. */
  const findGone = async (): Promise<readonly UserId[]> => {
    const { rows } = await pool.query<{ user_id: UserId }>(
      `with dead as (
         select node, expires_at from presence.node where expires_at < clock_timestamp() and node <> $1 for update skip locked
       ), gone as (
         delete from presence.session s using dead where s.node = dead.node returning s.user_id, dead.expires_at
       ), seen as (
         insert into presence.last_seen as l (user_id, at) select user_id, max(expires_at) from gone group by user_id order by user_id
         on conflict (user_id) do update set at = greatest(l.at, excluded.at)
       ), buried as (
         delete from presence.node n using dead where n.node = dead.node
       ) select distinct user_id from gone`,
      [node],
    );
    return rows.map((row) => row.user_id);
  };

  const say = async (): Promise<void> => {
    if (unsaid.size === 0) return;
    const said = [...unsaid];
    unsaid.clear();
    try {
      await pool.query(
        `with gone as (delete from presence.session where node = $1 and user_id = any($3::uuid[]) returning user_id), ${SEEN}
         insert into presence.session (node, user_id) select $1, * from unnest($2::uuid[]) on conflict do nothing`,
        [node, said.filter((user) => streams.has(user)), said.filter((user) => !streams.has(user))],
      );
    } catch (error) {
      for (const user of said) unsaid.add(user); // the next heartbeat says it
      throw error;
    }
  };

  const attempt = (work: () => Promise<void>): Promise<void> =>
    (last = last.then(work).then(
      () => void (failing = false),
      (error: unknown) => {
        if (!failing) logger.warn({ err: error }, 'who is connected could not be told; trying again');
        failing = true;
      },
    ));

  /** What changes in one turn of the event loop, or while a statement runs, goes in one statement. */
  const schedule = (user: UserId): void => {
    unsaid.add(user);
    if (scheduled) return;
    scheduled = true;
    void attempt(() => {
      scheduled = false;
      return say();
    });
  };

  const beat = (): Promise<void> =>
    attempt(async () => {
      const isBack = await announce();
      await say();
      const found = [...(isBack ? streams.keys() : []), ...(await findGone())];
      if (found.length > 0) onFound(found);
    });
  void beat();
  const timer = setInterval(() => void beat(), heartbeatMs);
  timer.unref();

  return {
    opened: (user) => {
      const before = streams.get(user) ?? 0;
      streams.set(user, before + 1);
      if (before === 0) schedule(user);
    },
    closed: (user) => {
      const left = (streams.get(user) ?? 0) - 1;
      if (left > 0) {
        streams.set(user, left);
        return;
      }
      streams.delete(user);
      schedule(user);
    },
    told: () => last,
    stop: async () => {
      clearInterval(timer);
      await attempt(async () => {
        await pool.query(`with gone as (delete from presence.session where node = $1 returning user_id), ${SEEN} select 1`, [node]);
        await pool.query('delete from presence.node where node = $1', [node]);
      });
    },
  };
};
