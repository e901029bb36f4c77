/**
 * What every process manager does alike (architecture §5): each shard is followed by the one node that holds its lease, from its checkpoint on.
 * Whatever goes wrong, it starts over from there, later each time; an owner that lost its lease cannot commit. What it is about is `follow`,
 * for most `followLog`. Lease and checkpoint are rows like a projection's, so `migrateProjector` has to have run.
 */
import { START, type Position } from '@tidings/contracts/ports/event-log';
import type { Pool, PoolClient } from 'pg';
import type { Logger } from 'pino';
import { backoff } from '../projector/backoff.ts';
import { advanceAndCommit, createLeases, DEFAULT_LEASE, Fenced, type Lease, type LeaseOptions, type Leases } from '../projector/lease.ts';
import { withClient } from '../projector/session.ts';
import { onLoss } from '../postgres/losses.ts';

/** Owning one shard, for as long as `signal` is not aborted. */
export interface Turn {
  readonly shard: number;
  /** Aborted when the lease is lost, commits turn out to be lost in a crash of the database, or the process manager stops. */
  readonly signal: AbortSignal;
  /** Whether the signal says that another node may own the shard by now. */
  readonly isLost: () => boolean;
  /** Where the checkpoint stands. */
  readonly position: Position;
  /**
   * Moves the checkpoint (to where it stands, too), and `work` is written with it or not at all. Unless it is `durable` it does not wait for the
   * disk: should the database crash, the same events come again.
   * @throws Fenced when another owner has it; and what `work` throws
   */
  commit(to: Position, work?: (client: PoolClient) => Promise<void>, options?: { readonly durable: boolean }): Promise<void>;
  /** What `health` says from now on. */
  report(state: 'idle' | 'working' | 'behind'): void;
  /** It got on just now; every commit says so, too. Who works or is behind and does not get on for a minute is stuck. */
  progressed(): void;
}

export interface ProcessManagerParts {
  /** Of its leases and checkpoints, for ever. */
  readonly name: string;
  readonly shards: readonly number[];
  readonly pool: Pool;
  readonly logger: Logger;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly lease?: LeaseOptions | undefined;
  /**
   * Works from `turn.position` on, until the signal; a throw is the reason to start over from where the checkpoint stands then. So what it does
   * besides `commit` may happen again, and must not mind.
   */
  readonly follow: (turn: Turn) => Promise<void>;
  /** It starts over. */
  readonly onFailure?: () => void;
}

/** Fits `ServiceHealth`. */
export interface ProcessHealth {
  readonly state: 'starting' | 'idle' | 'working' | 'behind' | 'stuck' | 'not-owner';
  readonly lastProgressAt: number | null;
  readonly waitingOn: string | null;
}

export interface ProcessManager {
  /** Of the shard that is worst off. */
  readonly health: () => ProcessHealth;
  /** Finishes what is in hand, and gives the leases back. */
  readonly stop: () => Promise<void>;
}

/** How often a node that is not the owner asks again. */
const ASK_AGAIN_MS = 1_000;
/** Work that has not moved for this long is stuck. */
const STUCK_AFTER_MS = 60_000;
/** Having had nothing to do for so long after a failure, it is over. */
const RECOVERED_AFTER_MS = 5_000;

export const startProcessManager = (parts: ProcessManagerParts): ProcessManager => {
  const leases = createLeases(parts.pool, {
    ...(parts.lease ?? DEFAULT_LEASE),
    onLost: ({ shard }) => owners.get(shard)?.lost(),
    onError: (error) => parts.logger.warn({ err: error }, 'the lease could not be renewed; trying again'),
  });
  const owners = new Map(parts.shards.map((shard) => [shard, startOwner(parts, shard, leases)]));
  const unlost = onLoss(parts.pool, () => {
    for (const owner of owners.values()) owner.doubt();
  });
  return {
    health: () => worstOf([...owners.values()].map((owner) => owner.health())),
    stop: async () => {
      unlost();
      await Promise.all([...owners.values()].map((owner) => owner.stop()));
      leases.close();
    },
  };
};

/** Of several, how the one is that is worst off. */
export const worstOf = (healths: readonly ProcessHealth[]): ProcessHealth =>
  healths.toSorted((a, b) => severity(b) - severity(a))[0] ?? NOTHING;

const NOTHING: ProcessHealth = { state: 'idle', lastProgressAt: null, waitingOn: null };
const ORDER: readonly ProcessHealth['state'][] = ['not-owner', 'idle', 'working', 'starting', 'behind', 'stuck'];
/** Why a turn was aborted that did not stop. */
const LOST = new Error('the lease is another node’s');
const STANDS = 'select position from projection.checkpoint where name = $1 and shard = $2';
const severity = ({ state }: ProcessHealth): number => ORDER.indexOf(state);

interface Owner extends ProcessManager {
  /** The lease turned out to be another's. */
  readonly lost: () => void;
  /** A connection broke, so the database may have crashed: where the last commits are lost, it starts over from those that are left. */
  readonly doubt: () => void;
}

/** A turn that was taken. */
interface Owning {
  readonly turn: Turn;
  readonly end: AbortController;
  doubted: boolean;
  isLooking: boolean;
}

const startOwner = ({ name, pool, logger, now, follow, onFailure }: ProcessManagerParts, shard: number, leases: Leases): Owner => {
  const stopping = new AbortController();
  let owning: Owning | null = null;
  let state: ProcessHealth['state'] = 'starting';
  let lastProgressAt = now();
  let waitingOn: string | null = null;

  const report = (to: ProcessHealth['state']): void => {
    state = to;
  };
  const progressed = (): void => {
    lastProgressAt = now();
    waitingOn = null;
  };

  const turnOf = (lease: Lease, signal: AbortSignal): Turn => {
    let position = lease.position;
    return {
      ...{ shard, signal, report, progressed },
      isLost: () => signal.reason === LOST,
      get position() {
        return position;
      },
      commit: async (to, work, { durable } = { durable: false }) => {
        await withClient(pool, async (client) => {
          await client.query(durable ? 'begin' : 'begin; set local synchronous_commit = off');
          await work?.(client);
          await advanceAndCommit(client, lease, position, to);
        });
        position = to;
        progressed();
      },
    };
  };

  /** @returns false when another node has the lease */
  const takeTurn = async (): Promise<boolean> => {
    const lease = await leases.acquire(name, shard);
    if ('heldBy' in lease) return false;
    report('idle');
    const end = new AbortController();
    owning = { turn: turnOf(lease, AbortSignal.any([stopping.signal, end.signal])), end, doubted: false, isLooking: false };
    const recovered = setTimeout(() => {
      if (state === 'idle') progressed();
    }, RECOVERED_AFTER_MS);
    try {
      await follow(owning.turn);
    } finally {
      clearTimeout(recovered);
      end.abort();
      owning = null;
      if (stopping.signal.aborted) await leases.release(lease).catch(() => undefined); // else it runs out by itself
    }
    return true;
  };

  /** Nothing else would look before the next event, which may be long in coming. */
  const lookAgain = async (mine: Owning): Promise<void> => {
    mine.isLooking = true;
    for (let tries = 1; mine.doubted && !mine.turn.signal.aborted; tries += 1) {
      mine.doubted = false;
      const remembered = mine.turn.position;
      try {
        const { rows } = await pool.query<{ position: Position }>(STANDS, [name, shard]);
        if ((rows[0]?.position ?? START) < remembered) mine.end.abort();
      } catch {
        mine.doubted = true; // it is away still
        await backoff(tries, mine.turn.signal);
      }
    }
    mine.isLooking = false;
  };
  const doubt = (): void => {
    if (owning === null) return;
    owning.doubted = true;
    if (!owning.isLooking) void lookAgain(owning);
  };

  const run = async (): Promise<void> => {
    let failures = 0;
    while (!stopping.signal.aborted) {
      const beganAt = now();
      try {
        if (!(await takeTurn())) {
          report('not-owner');
          progressed();
          await backoff(16, stopping.signal, ASK_AGAIN_MS);
        }
        failures = 0;
      } catch (error) {
        if (error instanceof Fenced) continue;
        failures = lastProgressAt > beganAt ? 1 : failures + 1;
        waitingOn = error instanceof Error ? error.message : String(error);
        onFailure?.();
        logger.warn({ err: error, failures, shard }, `${name} starts over`);
        await backoff(failures, stopping.signal);
      }
    }
  };
  const running = run();

  const isBusy = (): boolean => state === 'working' || state === 'behind' || state === 'starting' || waitingOn !== null;
  return {
    health: () => ({ state: isBusy() && now() - lastProgressAt > STUCK_AFTER_MS ? 'stuck' : state, lastProgressAt, waitingOn }),
    lost: () => owning?.end.abort(LOST),
    doubt,
    stop: async () => {
      stopping.abort();
      await running;
    },
  };
};
