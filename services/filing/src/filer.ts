/**
 * Filing's loop over one shard: hold the lease, follow the log, read mails ahead in workers, file page after page, move the checkpoint. It
 * survives outages by starting over from the checkpoint, and an owner that lost its lease cannot commit. A mail that no checker answers for
 * soon is put aside, so that the others go on; a lane of its own asks again.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Recorded } from '@tidings/contracts/events/index';
import type { EmailReceived } from '@tidings/contracts/events/email';
import type { EmailFiled } from '@tidings/contracts/events/thread';
import type { BlobId } from '@tidings/contracts/ids';
import type { LogPage, Position } from '@tidings/contracts/ports/event-log';
import type { Mime } from '@tidings/infra/mime/mime';
import { backoff } from '@tidings/infra/projector/backoff';
import { advanceAndCommit, Fenced, type Lease, type Leases } from '@tidings/infra/projector/lease';
import { withClient } from '@tidings/infra/projector/session';
import type { PoolClient } from 'pg';
import type { Logger } from 'pino';
import type { Platform, ServiceHealth } from '../../platform/src/platform.ts';
import { removeUnusedBlobs } from '../../platform/src/unused-blobs.ts';
import { filePage, type Incoming, type PageItem, type PageResult } from './file-page.ts';
import type { Measures } from './measures.ts';
import { forgetMailboxes } from './held-index.ts';
import { isPassing } from './passing.ts';
import type { Checkers, Patience } from './checks.ts';
import { addPending, nextTry, receivedMs, settlePending, type DueEmail, type Waiting } from './pending.ts';
import { receivedFor, startPendingLane } from './pending-lane.ts';
import { roomOf } from './room.ts';
import { understand } from './understand.ts';

/** The name of its lease and checkpoint. */
export const FILING = 'filing';
const PAGE = 200;
const TYPES = ['EmailReceived', 'EmailFiled', 'MailboxClosed'] as const;
/** How long the checkpoint may stay behind while nothing but chat passes by, and how long it then gathers before it looks again. */
const PASS_BY_MS = 1_000;
const GATHER_MS = 15;
/** How often a node that is not the owner asks again. */
const ASK_AGAIN_MS = 2_000;
/** How long a page waits for checkers; and while they are known to be away. */
const PATIENT_MS = 2_000;
const HASTY_MS = 50;
/** Bytes of mail that are read at once. */
const ROOM = 96 * 1024 * 1024;
/** Work that has not moved for this long is stuck. */
const STUCK_AFTER_MS = 60_000;

export interface Filer {
  readonly health: () => ServiceHealth;
  /** The lease turned out to be another's. */
  readonly lost: () => void;
  readonly stop: () => Promise<void>;
}

export interface FilerParts {
  readonly platform: Pick<
    Platform,
    'config' | 'log' | 'events' | 'commands' | 'keys' | 'blobs' | 'pool' | 'read' | 'liveSchema' | 'freshness' | 'now'
  >;
  readonly shard: number;
  readonly leases: Leases;
  readonly mime: Mime;
  readonly checkers: Checkers;
  readonly logger: Logger;
  readonly measures: Measures;
}

export const startFiler = ({ platform, shard, leases, mime, checkers, logger, measures }: FilerParts): Filer => {
  const { log, events, blobs, pool, now } = platform;
  const { mailChecks } = platform.config;
  const room = roomOf(ROOM);
  const stopping = new AbortController();
  let owning: AbortController | null = null;
  let state: ServiceHealth['state'] = 'starting';
  let lastProgressAt: number | null = null;
  let waitingOn: string | null = null;
  let pending = 0;
  let heldMails: Waiting = { mails: 0, nextAt: null, steps: [] };
  /** Until when a page does not wait for checkers, which did not answer the last time. */
  let hastyUntil = 0;

  const look = async (event: Recorded<EmailReceived>, patience: Patience): Promise<Incoming> => {
    try {
      const understood = await room(event.data.size, () => understand(event.data, { blobs, mime, checkers }, patience));
      if (understood.fault !== null) logger.warn({ emailId: event.data.emailId, fault: understood.fault }, 'mail filed by its plain view');
      return { event, understood };
    } catch (error) {
      if (isPassing(error)) throw error;
      return { event, understood: { error } };
    }
  };

  /** Starts reading the mails of a page; what a single mail cannot change is kept beside it instead of thrown. */
  const readAhead = async (page: LogPage): Promise<readonly PageItem[]> => {
    const opened = await events.open(page.events);
    for (const { event, reason } of opened.faults)
      logger.error({ stream: event.stream, position: event.position, reason }, 'an event cannot be read; not filed');
    return Promise.all(
      opened.events.filter(concernsFiling).map(async (event): Promise<PageItem> => {
        if (event.type === 'EmailFiled') return { event };
        return look(event, { ms: now() < hastyUntil ? HASTY_MS : Math.min(PATIENT_MS, mailChecks.timeoutMs), lastChance: false });
      }),
    );
  };

  const commit = (
    lease: Lease,
    from: Position,
    to: Position,
    { index, setAside }: PageResult,
    more: (client: PoolClient) => Promise<void>,
  ): Promise<void> =>
    withClient(pool, async (client) => {
      // All of it can be had from the log again, so it need not wait for the disk.
      await client.query('begin; set local synchronous_commit = off');
      await index.save(client);
      if (setAside.length > 0) {
        await client.query(
          'insert into filing.set_aside (mailbox_id, email_id, error) select * from unnest($1::uuid[], $2::uuid[], $3::text[]) on conflict do nothing',
          [setAside.map((one) => one.mailboxId), setAside.map((one) => one.emailId), setAside.map((one) => one.error)],
        );
      }
      await more(client);
      await advanceAndCommit(client, lease, from, to);
    });

  const removals = new Set<Promise<void>>();
  /** Beside the filing of what comes after: it takes seconds. */
  const remove = (blobs: readonly BlobId[]): void => {
    if (blobs.length === 0) return;
    const removal = removeUnusedBlobs(platform, blobs, { mailboxes: [], uploader: null })
      .catch((error: unknown) => logger.warn({ err: error }, 'the bytes of mail for a closed mailbox could not be removed'))
      .finally(() => removals.delete(removal));
    removals.add(removal);
  };

  const told = (items: readonly PageItem[], result: PageResult): void => {
    remove(result.orphans);
    for (const one of result.setAside) logger.error({ ...one }, 'mail set aside: it cannot be filed');
    measures.filed(items, result, now());
    lastProgressAt = now();
    waitingOn = null;
  };

  const applyPage = async (lease: Lease, from: Position, page: LogPage, items: readonly PageItem[]): Promise<number> => {
    const result = await filePage(items, platform);
    const closed = page.events.filter(({ type }) => type === 'MailboxClosed').map(({ data }) => data['mailboxId']);
    await commit(lease, from, page.next, result, async (client) => {
      await addPending(client, shard, result.pending);
      if (closed.length > 0) await forgetMailboxes(client, closed);
    });
    for (const { emailId, hold } of result.pending) logger.warn({ emailId, ...hold }, 'mail waits for a checker');
    if (result.pending.length > 0) hastyUntil = now() + mailChecks.retryFirstMs;
    told(items, result);
    return result.pending.length;
  };

  /** `at` is where the checkpoint stands: the same fence, though nothing moves. */
  const applyAgain = async (lease: Lease, at: Position, due: DueEmail, items: readonly PageItem[]): Promise<void> => {
    const result = await filePage(items, platform);
    const nextAt = nextTry(mailChecks, receivedMs(due), due.attempts + 1, now());
    await commit(lease, at, at, result, (client) => settlePending(client, due, result.pending, nextAt));
    hastyUntil = result.pending.length > 0 ? now() + mailChecks.retryFirstMs : 0;
    told(items, result);
  };

  /** Follows the log for as long as the lease is ours. The next page is read while one is being filed. */
  const follow = async (lease: Lease, signal: AbortSignal): Promise<void> => {
    const inTurn = oneAtATime();
    let applying: Promise<unknown> = Promise.resolve();
    const broken = new AbortController();
    const ending = AbortSignal.any([signal, broken.signal]);
    let position = lease.position;
    let committed = lease.position;
    let committedAt = now();
    let atHead = false;
    const rest = (): void => {
      if (pending === 0 && atHead) state = 'idle';
    };
    const lane = startPendingLane({
      pool,
      shard,
      now,
      logger,
      holdMs: mailChecks.holdMs,
      checkMs: mailChecks.timeoutMs,
      signal: ending,
      tryAgain: async (due, patience) => {
        const event = await receivedFor(events, due);
        const items = event === null ? [] : [await look(event, patience)];
        await inTurn(() => applyAgain(lease, committed, due, items));
      },
      onWaiting: (waiting) => {
        heldMails = waiting;
        measures.pending(shard, waiting.mails);
      },
    });
    try {
      const pages = log.tail(shard, position, { limit: PAGE, filter: { types: TYPES }, signal: ending });
      for await (const page of pages) {
        atHead = page.atHead;
        if (page.events.length === 0 && now() - committedAt < PASS_BY_MS) {
          rest();
          if (page.atHead) await delay(GATHER_MS, undefined, { signal }).catch(() => undefined);
          continue; // nothing but chat: the checkpoint follows with the next mail, or in a moment
        }
        committedAt = now();
        pending += 1;
        state = page.atHead ? 'working' : 'behind';
        const read = readAhead(page);
        read.catch(() => undefined); // looked at below, which may come to it only after its predecessor failed
        await applying;
        const from = position;
        position = page.next;
        const apply = async (): Promise<void> => {
          const items = await read;
          const put = await inTurn(async () => {
            const waiting = await applyPage(lease, from, page, items);
            committed = page.next;
            return waiting;
          });
          if (put > 0) lane.poke();
        };
        applying = apply().finally(() => {
          pending -= 1;
          rest();
        });
        applying.catch(() => broken.abort());
      }
    } finally {
      // What is in hand is finished; its failure is the reason to start over.
      try {
        await applying;
      } finally {
        broken.abort();
        await lane.over;
      }
    }
  };

  const run = async (): Promise<void> => {
    let failures = 0;
    while (!stopping.signal.aborted) {
      try {
        const lease = await leases.acquire(FILING, shard);
        if ('heldBy' in lease) {
          state = 'not-owner';
          await backoff(16, stopping.signal, ASK_AGAIN_MS);
          continue;
        }
        state = 'idle';
        pending = 0;
        owning = new AbortController();
        try {
          await follow(lease, AbortSignal.any([stopping.signal, owning.signal]));
        } finally {
          owning = null;
          if (stopping.signal.aborted) await leases.release(lease).catch(() => undefined); // else it runs out by itself
        }
        failures = 0;
      } catch (error) {
        if (error instanceof Fenced) continue;
        failures = lastProgressAt !== null && now() - lastProgressAt < 1_000 ? 1 : failures + 1;
        waitingOn = error instanceof Error ? error.message : String(error);
        measures.failed();
        logger.warn({ err: error, failures }, 'filing starts over');
        await backoff(failures, stopping.signal);
      }
    }
  };
  const running = run();
  const startedAt = now();

  return {
    health: () => ({
      state: (state === 'behind' || waitingOn !== null) && now() - (lastProgressAt ?? startedAt) > STUCK_AFTER_MS ? 'stuck' : state,
      lastProgressAt,
      waitingOn: waitingOn ?? heldNote(heldMails),
    }),
    lost: () => owning?.abort(),
    stop: async () => {
      stopping.abort();
      await running;
      await Promise.all(removals);
    },
  };
};

const heldNote = ({ mails, steps }: Waiting): string | null =>
  mails === 0 ? null : `${mails} ${mails === 1 ? 'mail waits' : 'mails wait'} for ${steps.join(' and ')}; all others are filed`;

/** Filing decides on what was filed before, so only one thing is filed at a time. */
const oneAtATime = (): (<A>(work: () => Promise<A>) => Promise<A>) => {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const mine = last.then(work, work);
    last = mine.catch(() => undefined);
    return mine;
  };
};

const concernsFiling = (event: Recorded): event is Recorded<EmailReceived> | Recorded<EmailFiled> =>
  event.type === 'EmailReceived' || event.type === 'EmailFiled';
