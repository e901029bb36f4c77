/**
 * Who may move a checkpoint. A lease is a row with an owner, an expiry and a token that grows at each takeover; the checkpoint row knows
 * the token, so an owner that slept through its expiry cannot commit (`projection.advance` finds no row). Time is the database's.
 * Projections use one lease per instance and shard; process managers may use the same tables under their own name.
 */
import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { escapeLiteral, type Pool, type PoolClient } from 'pg';
import { START, type Position } from '@tidings/contracts/ports/event-log';
import { FENCED_SQLSTATE } from './migrations.ts';
import { inTransaction } from './session.ts';

export interface Lease {
  readonly name: string;
  readonly shard: number;
  readonly token: number;
  /** Where the checkpoint stood as the lease was taken. */
  readonly position: Position;
}

/** Somebody else owns the checkpoint now, or it is not where this owner believed. Nothing was committed. */
export class Fenced extends Error {
  override readonly name = 'Fenced';
}

export interface LeaseOptions {
  readonly ttlMs: number;
  readonly heartbeatMs: number;
}
/** Whoever asks every second or two has what a dead node held within 8 s; one that is only slow misses three beats before that. */
export const DEFAULT_LEASE: LeaseOptions = { ttlMs: 6_000, heartbeatMs: 1_500 };

/** Tells this run of the process from an earlier one with the same pid (in a container it is always 1). */
const RUN = randomUUID().slice(0, 8);

/** `host:pid:run:random`, so that a lease left by a killed process of this host is seen as free at once. */
export const newOwner = (): string => `${hostname()}:${process.pid}:${RUN}:${randomUUID().slice(0, 8)}`;

export interface Leases {
  readonly owner: string;
  /** The names of the leases that are held, or just being taken. */
  readonly held: ReadonlySet<string>;
  /**
   * The lease, or who has it. Takes it over when it expired or its owner's process on this host is gone.
   * @param patienceOf asked when it is free: for how many milliseconds it must have been so, that others have their chance
   */
  acquire(name: string, shard: number, patienceOf?: (name: string) => number): Promise<Lease | { readonly heldBy: string }>;
  /** Gives it up at once; a lease lost already is left alone. */
  release(lease: Lease): Promise<void>;
  /** Stops the heartbeat; leases still held run out. */
  close(): void;
}

/** @param onLost told when a heartbeat finds that a lease has another owner (the next commit would be fenced anyway) */
export const createLeases = (
  pool: Pool,
  options: LeaseOptions & {
    readonly owner?: string;
    readonly onLost?: (lease: Lease) => void;
    readonly onError?: (error: unknown) => void;
  },
): Leases => {
  const owner = options.owner ?? newOwner();
  const held = new Set<Lease>();
  const taking = new Set<string>();
  let beating = false;

  const beat = async (): Promise<void> => {
    if (beating || held.size === 0) return;
    beating = true;
    const mine = [...held];
    try {
      const kept = await pool.query<{ name: string; shard: number; token: number }>(RENEW, [
        mine.map((lease) => lease.name),
        mine.map((lease) => lease.shard),
        mine.map((lease) => lease.token),
        options.ttlMs,
        owner,
      ]);
      const alive = new Set(kept.rows.map((row) => `${row.name} ${row.shard} ${row.token}`));
      for (const lease of mine) {
        if (alive.has(`${lease.name} ${lease.shard} ${lease.token}`) || !held.delete(lease)) continue;
        options.onLost?.(lease);
      }
    } catch (error) {
      options.onError?.(error); // the next beat tries again; the fence holds meanwhile
    } finally {
      beating = false;
    }
  };
  const timer = setInterval(() => void beat(), options.heartbeatMs);
  timer.unref();

  return {
    owner,
    get held() {
      return new Set([...taking, ...Array.from(held, ({ name }) => name)]);
    },
    acquire: async (name, shard, patienceOf = () => 0) => {
      const { rows } = await pool.query<{ owner: string; freeMs: number }>(CURRENT, [name, shard]);
      const [current] = rows;
      const gone = current !== undefined && isGone(current.owner);
      if (current !== undefined && current.owner !== owner) {
        if (current.freeMs <= 0 && !gone) return { heldBy: current.owner };
        if (Math.max(current.freeMs, 0) < patienceOf(name)) return { heldBy: 'nobody yet' };
      }
      taking.add(name);
      try {
        const lease = await inTransaction(pool, (client) =>
          take(client, { name, shard, owner, ttlMs: options.ttlMs, gone: gone ? [current.owner] : [] }),
        );
        if (lease === null) return { heldBy: 'another owner' };
        for (const former of held) if (former.name === name && former.shard === shard) held.delete(former);
        held.add(lease);
        return lease;
      } finally {
        taking.delete(name);
      }
    },
    release: async (lease) => {
      held.delete(lease);
      await pool.query(
        `update projection.lease set owner = 'nobody', expires_at = clock_timestamp() - interval '1 millisecond' where name = $1 and shard = $2 and token = $3`,
        [lease.name, lease.shard, lease.token],
      );
    },
    close: () => clearInterval(timer),
  };
};

/** Also by owner: one that was given back as a beat was under way has none, and is to stay free. */
const RENEW = `
  update projection.lease l set expires_at = clock_timestamp() + $4 * interval '1 millisecond'
  from unnest($1::text[], $2::integer[], $3::bigint[]) mine (name, shard, token)
  where l.name = mine.name and l.shard = mine.shard and l.token = mine.token and l.owner = $5
  returning l.name, l.shard, l.token`;

const CURRENT = `
  select owner, extract(epoch from clock_timestamp() - expires_at)::float8 * 1000 as "freeMs" from projection.lease where name = $1 and shard = $2`;

const TAKE = `
  insert into projection.lease as l (name, shard, owner, token, expires_at)
  values ($1, $2, $3, 1, clock_timestamp() + $4 * interval '1 millisecond')
  on conflict (name, shard) do update set owner = excluded.owner, token = l.token + 1, expires_at = excluded.expires_at
  where l.expires_at < clock_timestamp() or l.owner = excluded.owner or l.owner = any($5)
  returning token`;

/** The token must reach the checkpoint in the transaction that takes the lease: from then on the former owner is fenced. */
const FENCE = `
  insert into projection.checkpoint as c (name, shard, position, lease_token) values ($1, $2, $3, $4)
  on conflict (name, shard) do update set lease_token = excluded.lease_token
  returning position`;

const take = async (
  client: PoolClient,
  wanted: {
    readonly name: string;
    readonly shard: number;
    readonly owner: string;
    readonly ttlMs: number;
    readonly gone: readonly string[];
  },
): Promise<Lease | null> => {
  const { name, shard } = wanted;
  const taken = await client.query<{ token: number }>(TAKE, [name, shard, wanted.owner, wanted.ttlMs, wanted.gone]);
  const token = taken.rows[0]?.token;
  if (token === undefined) return null;
  const checkpoint = await client.query<{ position: Position }>(FENCE, [name, shard, START, token]);
  return { name, shard, token, position: checkpoint.rows[0]?.position ?? START };
};

/** True when `owner` ran on this host and no such process exists any more. A wrong guess costs a takeover, never a double commit. */
export const isGone = (owner: string): boolean => {
  const [host, pid, run] = owner.split(':');
  if (host !== hostname() || pid === undefined) return false;
  if (Number(pid) === process.pid) return run !== RUN;
  try {
    process.kill(Number(pid), 0);
    return false;
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'ESRCH';
  }
};

/** The move of one checkpoint. */
export interface Advance {
  readonly lease: Lease;
  readonly from: Position;
  readonly to: Position;
}

/**
 * Moves the checkpoint and commits, in one round trip: when the fence refuses, the commit behind it is not run.
 * @throws Fenced
 */
export const advanceAndCommit = (client: PoolClient, lease: Lease, from: Position, to: Position): Promise<void> =>
  advanceAllAndCommit(client, [{ lease, from, to }]);

/**
 * All of them or none.
 * @throws Fenced, when any of them is refused
 */
export const advanceAllAndCommit = async (client: PoolClient, moves: readonly Advance[]): Promise<void> => {
  try {
    await client.query(`${moves.map(advance).join(';')};commit`);
  } catch (error) {
    if (isFence(error)) throw new Fenced(error instanceof Error ? error.message : String(error), { cause: error });
    throw error;
  }
};

const advance = ({ lease, from, to }: Advance): string =>
  `select projection.advance(${escapeLiteral(lease.name)}, ${lease.shard}, ${lease.token}, ${escapeLiteral(from)}, ${escapeLiteral(to)})`;

const isFence = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === FENCED_SQLSTATE;
