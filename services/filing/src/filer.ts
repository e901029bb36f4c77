/**
 * Filing's loop over one shard: hold the lease, follow the log, read mails ahead in workers, file page after page, move the checkpoint. It
 * survives outages by starting over from the checkpoint, and an owner that lost its lease cannot commit.
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
import type { Logger } from 'pino';
import type { Platform, ServiceHealth } from '../../platform/src/platform.ts';
import { removeUnusedBlobs } from '../../platform/src/unused-blobs.ts';
import { filePage, type PageItem, type PageResult } from './file-page.ts';
import type { Measures } from './measures.ts';
import { forgetMailboxes } from './held-index.ts';
import { isPassing } from './passing.ts';
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
    'log' | 'events' | 'commands' | 'keys' | 'blobs' | 'pool' | 'read' | 'liveSchema' | 'freshness' | 'now'
  >;
  readonly shard: number;
  readonly leases: Leases;
  readonly mime: Mime;
  readonly logger: Logger;
  readonly measures: Measures;
}

export const startFiler = ({ platform, shard, leases, mime, logger, measures }: FilerParts): Filer => {
  const { log, events, blobs, pool, now } = platform;
  const stopping = new AbortController();
  let owning: AbortController | null = null;
  let state: ServiceHealth['state'] = 'starting';
  let lastProgressAt: number | null = null;
  let waitingOn: string | null = null;
  let pending = 0;

  /** Starts reading the mails of a page; what a single mail cannot change is kept beside it instead of thrown. */
  const readAhead = async (page: LogPage): Promise<readonly PageItem[]> => {
    const opened = await events.open(page.events);
    for (const { event, reason } of opened.faults)
      logger.error({ stream: event.stream, position: event.position, reason }, 'an event cannot be read; not filed');
    return Promise.all(
      opened.events.filter(concernsFiling).map(async (event): Promise<PageItem> => {
        if (event.type === 'EmailFiled') return { event };
        try {
          const understood = await understand(event.data, blobs, mime);
          if (understood.fault !== null)
            logger.warn({ emailId: event.data.emailId, fault: understood.fault }, 'mail filed by its plain view');
          return { event, understood };
        } catch (error) {
          if (isPassing(error)) throw error;
          return { event, understood: { error } };
        }
      }),
    );
  };

  const commit = (lease: Lease, from: Position, page: LogPage, { index, setAside }: PageResult): Promise<void> =>
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
      const closed = page.events.filter(({ type }) => type === 'MailboxClosed').map(({ data }) => data['mailboxId']);
      if (closed.length > 0) await forgetMailboxes(client, closed);
      await advanceAndCommit(client, lease, from, page.next);
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

  const applyPage = async (lease: Lease, from: Position, page: LogPage, read: Promise<readonly PageItem[]>): Promise<void> => {
    const items = await read;
    const result = await filePage(items, platform);
    await commit(lease, from, page, result);
    remove(result.dropped);
    for (const one of result.setAside) logger.error({ ...one }, 'mail set aside: it cannot be filed');
    measures.filed(items, result, now());
    lastProgressAt = now();
    waitingOn = null;
  };

  /** Follows the log for as long as the lease is ours. The next page is read while one is being filed. */
  const follow = async (lease: Lease, signal: AbortSignal): Promise<void> => {
    let applying: Promise<void> = Promise.resolve();
    const broken = new AbortController();
    let position = lease.position;
    let committedAt = now();
    let atHead = false;
    const rest = (): void => {
      if (pending === 0 && atHead) state = 'idle';
    };
    try {
      const pages = log.tail(shard, position, { limit: PAGE, filter: { types: TYPES }, signal: AbortSignal.any([signal, broken.signal]) });
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
        read.catch(() => undefined); // looked at by applyPage, which may come to it only after its predecessor failed
        await applying;
        const from = position;
        position = page.next;
        applying = applyPage(lease, from, page, read).finally(() => {
          pending -= 1;
          rest();
        });
        applying.catch(() => broken.abort());
      }
    } finally {
      // What is in hand is finished; its failure is the reason to start over.
      await applying;
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
      waitingOn,
    }),
    lost: () => owning?.abort(),
    stop: async () => {
      stopping.abort();
      await running;
      await Promise.all(removals);
    },
  };
};

const concernsFiling = (event: Recorded): event is Recorded<EmailReceived> | Recorded<EmailFiled> =>
  event.type === 'EmailReceived' || event.type === 'EmailFiled';
