/**
 * The importer: the process manager that brings old mail into mailboxes. Runs on every node; each import is worked at by the one that holds its lease,
 * from where the log says it stands. What it files is filed as mail that comes in is, but nobody looks at it and nobody is told of it.
 */
import type { ImportId } from '@tidings/contracts/ids';
import { importKey, mailImport } from '@tidings/domain/import/index';
import { ImapError } from '@tidings/infra/imap/imap';
import { openMime } from '@tidings/infra/mime/mime';
import { followLog } from '@tidings/infra/process-manager/follow-log';
import { type ProcessHealth, startProcessManager, worstOf } from '@tidings/infra/process-manager/process-manager';
import { backoff } from '@tidings/infra/projector/backoff';
import { createLeases, DEFAULT_LEASE, Fenced, type Lease, type LeaseOptions, type Leases } from '@tidings/infra/projector/lease';
import { openImports } from '@tidings/projections/imports/index';
import { setTimeout as delay } from 'node:timers/promises';
import { migrateFiling } from '../../filing/src/migrations.ts';
import { roomOf } from '../../filing/src/room.ts';
import type { Platform, Service } from '../../platform/src/platform.ts';
import { NotCaughtUp } from '../../platform/src/unused-blobs.ts';
import { inHand, migrateImporter, takeInHand } from './in-hand.ts';
import { createMeasures } from './measures.ts';
import { failImport, runImport } from './run-import.ts';
import { SourceFailed } from './source.ts';
import { dropLease, tidyUp } from './tidy.ts';

export interface ImporterOptions {
  readonly lease?: LeaseOptions;
  /** Worker threads that read mail; one per core unless said. */
  readonly threads?: number;
}

/** Imports that one node works at together; more wait. */
const AT_ONCE = 3;
/** So many tries in a row, some seconds in all, without a single mail. */
const PATIENCE = 7;
/** How often a node looks for imports that nobody works at. */
const LOOK_AGAIN_MS = 2_000;
/** Bytes of mail that are read at once. */
const ROOM = 96 * 1024 * 1024;
/** An import that has not moved for this long is stuck. */
const STUCK_AFTER_MS = 300_000;

/** Needs `migrateProjector` to have run (leases, checkpoints). */
export const startImporter = async (platform: Platform, options: ImporterOptions = {}): Promise<Service> => {
  const logger = platform.logger.child({ service: 'importer' });
  await migrateFiling(platform.pool);
  await migrateImporter(platform.pool);
  const measures = createMeasures(platform.metrics);
  const stopping = new AbortController();
  const running = new Map<ImportId, { readonly owning: AbortController; over: Promise<void>; isTidying: boolean }>();
  const working = (): number => [...running.values()].filter(({ isTidying }) => !isTidying).length;
  const leases = createLeases(platform.pool, {
    ...(options.lease ?? DEFAULT_LEASE),
    onLost: ({ name }) => running.get(idIn(name))?.owning.abort(),
    onError: (error) => logger.warn({ err: error }, 'the lease could not be renewed; trying again'),
  });
  const mime = openMime(options.threads === undefined ? {} : { threads: options.threads });
  const room = roomOf(ROOM);
  let wake = (): void => undefined;
  let lastProgressAt = platform.now();
  let waitingOn: string | null = null;

  /** Until it is over, or this node is. */
  const work = async (importId: ImportId, lease: Lease, signal: AbortSignal): Promise<void> => {
    for (let failures = 0; !signal.aborted;) {
      try {
        const { state } = await platform.commands.load(mailImport, importKey(importId));
        if (state.kind === 'open') {
          await takeInHand(platform.pool, state.request, []);
          const parts = { platform, mime, room, lease, signal };
          await runImport(state.request, {
            ...parts,
            onBatch: (outcome) => {
              failures = 0;
              lastProgressAt = platform.now();
              waitingOn = null;
              measures.batch(outcome);
            },
          });
        }
        // That waits for read models; the next import need not.
        const entry = running.get(importId);
        if (entry !== undefined) entry.isTidying = true;
        wake();
        await tidyUp(platform, importId);
        await dropLease(platform, lease);
        return;
      } catch (error) {
        if (signal.aborted || error instanceof Fenced) return;
        failures += 1;
        waitingOn = error instanceof Error ? error.message : String(error);
        measures.failed();
        if (error instanceof ImapError && failures >= PATIENCE) await giveUp(importId, error).catch(() => undefined);
        if (error instanceof NotCaughtUp) logger.info({ importId }, 'an import is over; its file goes when read models have caught up');
        else logger.warn({ err: error, importId, failures }, 'an import starts over from where it stands');
        await backoff(failures, signal, 10_000);
      }
    }
  };

  /** A server that cannot be reached is asked again; not for ever. */
  const giveUp = async (importId: ImportId, { code, field, message }: ImapError): Promise<void> => {
    const { state } = await platform.commands.load(mailImport, importKey(importId));
    if (state.kind === 'open') await failImport(state.request, platform, new SourceFailed({ code, field: `imap.${field}`, message }));
  };

  const begin = async (importId: ImportId): Promise<void> => {
    if (running.has(importId) || working() >= AT_ONCE) return;
    const owning = new AbortController();
    const entry = { owning, over: Promise.resolve(), isTidying: false };
    running.set(importId, entry);
    measures.running(running.size);
    const lease = await acquire(leases, importId).catch((error: unknown) => {
      logger.warn({ err: error, importId }, 'the lease of an import could not be had');
      return null;
    });
    const done = (): void => {
      running.delete(importId);
      measures.running(running.size);
    };
    if (lease === null) return done();
    lastProgressAt = platform.now();
    const end = async (): Promise<void> => {
      // Where it is not over, another node may go on at once.
      await leases.release(lease).catch(() => undefined);
      done();
      wake();
    };
    entry.over = work(importId, lease, AbortSignal.any([stopping.signal, owning.signal])).then(end, end);
  };

  /** New ones are seen as the log tells of them; those whose node died, by looking. */
  const untilWoken = (): Promise<unknown> => {
    const woken = new AbortController();
    wake = () => woken.abort();
    return delay(LOOK_AGAIN_MS, undefined, { signal: AbortSignal.any([stopping.signal, woken.signal]) }).catch(() => undefined);
  };
  const look = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      const waiting = untilWoken();
      try {
        const open = (await platform.read.any(openImports(platform.liveSchema('imports')))).map(({ importId }) => importId);
        for (const importId of new Set([...open, ...(await inHand(platform.pool))])) await begin(importId);
      } catch (error) {
        logger.warn({ err: error }, 'imports could not be looked for; trying again');
      }
      await waiting;
    }
  };
  const listen = async (shard: number): Promise<void> => {
    while (!stopping.signal.aborted) {
      try {
        const pages = platform.log.tail(shard, await platform.log.head(shard), {
          limit: 100,
          filter: { types: ['ImportRequested'] },
          signal: stopping.signal,
        });
        for await (const { events, next } of pages) {
          if (events.length === 0) continue;
          await platform.freshness.waitFor(next, ['imports'], LOOK_AGAIN_MS);
          wake();
        }
      } catch (error) {
        if (!stopping.signal.aborted) logger.warn({ err: error }, 'the log could not be followed; trying again');
        await backoff(8, stopping.signal);
      }
    }
  };
  /** One that never began has left something behind too, also when it was cancelled while no importer ran. */
  const cancelled = followLog({
    ...{ log: platform.log, events: platform.events, logger, types: ['ImportCancelled'] },
    onEvent: async (event) => {
      if (event.type !== 'ImportCancelled') return;
      await takeInHand(platform.pool, event.data, []);
      wake();
    },
  });
  const { pool, log, now } = platform;
  const follower = startProcessManager({
    name: 'importer',
    shards: log.shards,
    pool,
    logger,
    now,
    lease: options.lease,
    follow: cancelled,
  });
  const loops = [look(), ...log.shards.map(listen)];

  return {
    name: 'importer',
    health: () => worstOf([healthOf(working(), now() - lastProgressAt, lastProgressAt, waitingOn), follower.health()]),
    stop: async () => {
      stopping.abort();
      await Promise.all([...loops, follower.stop()]);
      await Promise.all([...running.values()].map(({ over }) => over));
      leases.close();
      await mime.close();
      measures.close();
    },
  };
};

const PREFIX = 'import:';
const idIn = (lease: string): ImportId => lease.slice(PREFIX.length) as ImportId; // as `acquire` made it
const acquire = async (leases: Leases, importId: ImportId): Promise<Lease | null> => {
  const lease = await leases.acquire(`${PREFIX}${importId}`, 0);
  return 'heldBy' in lease ? null : lease;
};

const healthOf = (running: number, stillMs: number, lastProgressAt: number, waitingOn: string | null): ProcessHealth => {
  if (running === 0) return { state: 'idle', lastProgressAt, waitingOn: null };
  return { state: stillMs > STUCK_AFTER_MS ? 'stuck' : 'working', lastProgressAt, waitingOn };
};
