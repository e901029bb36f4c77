/**
 * Several processes share the projections (decision 060). Each says in a row of its own that it is there and which instances it runs, and holds no
 * more of them than its fair share; the fences of `lease.ts` stay what keeps two from doing the same.
 */
import type { Pool } from 'pg';
import { isGone, type Leases } from './lease.ts';

/** Another process that projects. */
export interface Worker {
  readonly owner: string;
  /** What it could run, by schema name. */
  readonly instances: readonly string[];
  /** How many of all it holds. */
  readonly held: number;
}

/** How many instances each process holds at most: all that anybody runs, by the number of processes, rounded up. */
export const fairShare = (mine: readonly string[], others: readonly Worker[]): number =>
  Math.ceil(new Set([...mine, ...others.flatMap(({ instances }) => instances)]).size / (others.length + 1));

/**
 * Which of those that are held go to others: what is beyond the share, as far as somebody who runs it has room. Every second one by name first, so
 * that neighbours, which often have the same events to do with, part.
 */
export const surplusOf = (held: readonly string[], others: readonly Worker[], share: number): readonly string[] => {
  const room = new Map(others.map(({ owner, held: theirs }) => [owner, share - theirs]));
  const given: string[] = [];
  for (const instance of everySecondFirst(held.toSorted())) {
    if (held.length - given.length <= share) break;
    const taker = others.find(({ owner, instances }) => (room.get(owner) ?? 0) > 0 && instances.includes(instance));
    if (taker === undefined) continue;
    room.set(taker.owner, (room.get(taker.owner) ?? 0) - 1);
    given.push(instance);
  }
  return given;
};

const everySecondFirst = <A>(all: readonly A[]): readonly A[] => [
  ...all.filter((_, at) => at % 2 === 1),
  ...all.filter((_, at) => at % 2 === 0),
];

export interface Sharing {
  /** As of `Leases`; without room only what nobody has taken for a while. */
  readonly acquire: (name: string, shard: number) => ReturnType<Leases['acquire']>;
  /**
   * Says that this process is there and which instances it runs, and sees who else is.
   * @param movable those that it holds and could give up now
   */
  readonly look: (instances: readonly string[], movable: readonly string[]) => Promise<View>;
  /** Says that it is not there any more. */
  readonly leave: () => Promise<void>;
}

/** What a process sees of all. */
export interface View {
  /** What it should give up. */
  readonly surplus: readonly string[];
  /** What nobody holds. */
  readonly free: readonly string[];
}

export interface SharingSettings {
  /** For how long a process that says nothing counts as there: as long as its leases. */
  readonly ttlMs: number;
  /** What others left for so long, and ask for each second, they cannot run. */
  readonly patienceMs: number;
}

export const createSharing = (pool: Pool, leases: Leases, { ttlMs, patienceMs }: SharingSettings): Sharing => {
  let share = Number.POSITIVE_INFINITY;
  const patienceOf = (name: string): number => {
    const { held } = leases;
    return held.has(name) || held.size < share ? 0 : patienceMs;
  };
  return {
    acquire: (name, shard) => leases.acquire(name, shard, patienceOf),
    look: async (instances, movable) => {
      const seen = (await pool.query<Worker>(LOOK, [leases.owner, instances, ttlMs])).rows;
      const others = seen.filter(({ owner }) => !isGone(owner));
      share = fairShare(instances, others);
      const gone = seen.filter((one) => !others.includes(one)).map(({ owner }) => owner);
      const { rows } = await pool.query<{ name: string }>(FREE, [gone]);
      return { surplus: surplusOf(movable, others, share), free: rows.map(({ name }) => name) };
    },
    leave: async () => {
      await pool.query('delete from projection.worker where owner = $1', [leases.owner]);
    },
  };
};

const LOOK = `
  with mine as (
    insert into projection.worker (owner, instances, expires_at) values ($1, $2, clock_timestamp() + $3 * interval '1 millisecond')
    on conflict (owner) do update set instances = excluded.instances, expires_at = excluded.expires_at
  ), forgotten as (
    delete from projection.worker where expires_at < clock_timestamp() - interval '1 minute' and owner <> $1
  )
  select w.owner, w.instances, (
    select count(distinct l.name)::integer from projection.lease l where l.owner = w.owner and l.expires_at > clock_timestamp()
  ) as held
  from projection.worker w where w.expires_at > clock_timestamp() and w.owner <> $1
  order by w.owner`;

const FREE = 'select distinct name from projection.lease where expires_at < clock_timestamp() or owner = any($1)';
