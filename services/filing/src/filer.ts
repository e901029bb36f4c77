/**
 * What filing does with the log of one shard: reads mails ahead in workers, files page after page, moves the checkpoint. A mail that no checker
 * answers for soon is put aside, so that the others go on; a lane of its own asks again.
 */
import type { Recorded } from '@tidings/contracts/events/index';
import type { EmailReceived } from '@tidings/contracts/events/email';
import type { EmailFiled, EmailsDestroyed } from '@tidings/contracts/events/thread';
import type { BlobId } from '@tidings/contracts/ids';
import type { LogPage, Position } from '@tidings/contracts/ports/event-log';
import type { Mime } from '@tidings/infra/mime/mime';
import { logPages } from '@tidings/infra/process-manager/follow-log';
import type { Turn } from '@tidings/infra/process-manager/process-manager';
import type { PoolClient } from 'pg';
import type { Logger } from 'pino';
import type { Platform } from '../../platform/src/platform.ts';
import { removeUnusedBlobs } from '../../platform/src/unused-blobs.ts';
import { filePage, type Incoming, type PageItem, type PageResult } from './file-page.ts';
import type { Measures } from './measures.ts';
import { forgetMailboxes } from './held-index.ts';
import { isPassing } from './passing.ts';
import type { Checkers, Patience } from './checks.ts';
import { addPending, nextTry, receivedMs, settlePending, type DueEmail, type Waiting } from './pending.ts';
import { receivedFor, startPendingLane } from './pending-lane.ts';
import type { Reports } from './reports.ts';
import { roomOf } from './room.ts';
import { understand } from './understand.ts';

const PAGE = 200;
const TYPES = ['EmailReceived', 'EmailFiled', 'EmailsDestroyed', 'MailboxClosed'] as const;
/** While nothing but chat passes by. */
const GATHER_MS = 15;
/** How long a page waits for checkers; and while they are known to be away. */
const PATIENT_MS = 2_000;
const HASTY_MS = 50;
/** Bytes of mail that are read at once. */
const ROOM = 96 * 1024 * 1024;

export interface Filer {
  readonly follow: (turn: Turn) => Promise<void>;
  /** Which mails are held back; null when none is. */
  readonly waitingOn: () => string | null;
  /** When what it does beside filing has ended. */
  readonly over: () => Promise<void>;
}

export interface FilerParts {
  readonly platform: Pick<
    Platform,
    'config' | 'log' | 'events' | 'commands' | 'keys' | 'blobs' | 'pool' | 'read' | 'liveSchema' | 'freshness' | 'now'
  >;
  readonly mime: Mime;
  readonly checkers: Checkers;
  readonly reports: Reports;
  readonly logger: Logger;
  readonly measures: Measures;
}

/** What filing does with a shard. */
export const createFiler = ({ platform, mime, checkers, reports, logger, measures }: FilerParts): Filer => {
  const { log, events, blobs, pool, now } = platform;
  const { mailChecks } = platform.config;
  const room = roomOf(ROOM);
  /** By shard. */
  const held = new Map<number, Waiting>();
  /** Until when a page does not wait for checkers, which did not answer the last time. */
  let hastyUntil = 0;

  const look = async (event: Recorded<EmailReceived>, patience: Patience): Promise<Incoming> => {
    try {
      const understood = await room(event.data.size, () => understand(event.data, { blobs, mime, checkers, reports }, patience));
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
        if (event.type !== 'EmailReceived') return { event };
        return look(event, { ms: now() < hastyUntil ? HASTY_MS : Math.min(PATIENT_MS, mailChecks.timeoutMs), lastChance: false });
      }),
    );
  };

  /** All of it can be had from the log again, so it need not wait for the disk. */
  const commit = (turn: Turn, to: Position, { index, setAside }: PageResult, more: (client: PoolClient) => Promise<void>): Promise<void> =>
    turn.commit(to, async (client) => {
      await index.save(client);
      if (setAside.length > 0) {
        await client.query(
          `insert into filing.set_aside (mailbox_id, email_id, error, shard)
           select *, $4 from unnest($1::uuid[], $2::uuid[], $3::text[]) on conflict do nothing`,
          [setAside.map((one) => one.mailboxId), setAside.map((one) => one.emailId), setAside.map((one) => one.error), turn.shard],
        );
      }
      await more(client);
    });

  const removals = new Set<Promise<unknown>>();
  /** Beside the filing of what comes after: it takes seconds. */
  const remove = (blobs: readonly BlobId[]): void => {
    if (blobs.length === 0) return;
    const removal = removeUnusedBlobs(platform, blobs)
      .catch((error: unknown) => logger.warn({ err: error }, 'the bytes of mail for a closed mailbox could not be removed'))
      .finally(() => removals.delete(removal));
    removals.add(removal);
  };

  const told = (items: readonly PageItem[], result: PageResult): void => {
    remove(result.orphans);
    for (const one of result.setAside) logger.error({ ...one }, 'mail set aside: it cannot be filed');
    measures.filed(items, result, now());
  };

  const applyPage = async (turn: Turn, page: LogPage, items: readonly PageItem[]): Promise<number> => {
    const result = await filePage(items, platform);
    const closed = page.events.filter(({ type }) => type === 'MailboxClosed').map(({ data }) => data['mailboxId']);
    await commit(turn, page.next, result, async (client) => {
      await addPending(client, turn.shard, result.pending);
      if (closed.length > 0) await forgetMailboxes(client, closed);
    });
    for (const { emailId, hold } of result.pending) logger.warn({ emailId, ...hold }, 'mail waits for a checker');
    if (result.pending.length > 0) hastyUntil = now() + mailChecks.retryFirstMs;
    told(items, result);
    return result.pending.length;
  };

  /** The same fence, though the checkpoint does not move. */
  const applyAgain = async (turn: Turn, due: DueEmail, items: readonly PageItem[]): Promise<void> => {
    const result = await filePage(items, platform);
    const nextAt = nextTry(mailChecks, receivedMs(due), due.attempts + 1, now());
    await commit(turn, turn.position, result, (client) => settlePending(client, due, result.pending, nextAt));
    hastyUntil = result.pending.length > 0 ? now() + mailChecks.retryFirstMs : 0;
    told(items, result);
  };

  /** The next page is read while one is being filed. */
  const follow = async (turn: Turn): Promise<void> => {
    const { shard, signal } = turn;
    const inTurn = oneAtATime();
    let applying: Promise<unknown> = Promise.resolve();
    const broken = new AbortController();
    const ending = AbortSignal.any([signal, broken.signal]);
    let pending = 0;
    let atHead = false;
    const rest = (): void => {
      if (pending === 0 && atHead) turn.report('idle');
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
        await inTurn(() => applyAgain(turn, due, items));
      },
      onWaiting: (waiting) => {
        held.set(shard, waiting);
        measures.pending(shard, waiting.mails);
      },
    });
    try {
      for await (const { page, due } of logPages({ log, types: TYPES, limit: PAGE, gatherMs: GATHER_MS }, turn, ending)) {
        atHead = page.atHead;
        if (!due) {
          rest();
          continue; // nothing but chat: the checkpoint follows with the next mail, or in a moment
        }
        pending += 1;
        turn.report(page.atHead ? 'working' : 'behind');
        const read = readAhead(page);
        read.catch(() => undefined); // looked at below, which may come to it only after its predecessor failed
        await applying;
        const apply = async (): Promise<void> => {
          const items = await read;
          if ((await inTurn(() => applyPage(turn, page, items))) > 0) lane.poke();
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

  return { follow, waitingOn: () => heldNote([...held.values()]), over: async () => void (await Promise.all(removals)) };
};

const heldNote = (held: readonly Waiting[]): string | null => {
  const mails = held.reduce((sum, waiting) => sum + waiting.mails, 0);
  const steps = new Set(held.flatMap((waiting) => waiting.steps));
  return mails === 0 ? null : `${mails} ${mails === 1 ? 'mail waits' : 'mails wait'} for ${[...steps].join(' and ')}; all others are filed`;
};

/** Filing decides on what was filed before, so only one thing is filed at a time. */
const oneAtATime = (): (<A>(work: () => Promise<A>) => Promise<A>) => {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const mine = last.then(work, work);
    last = mine.catch(() => undefined);
    return mine;
  };
};

const concernsFiling = (event: Recorded): event is Recorded<EmailReceived> | Recorded<EmailFiled | EmailsDestroyed> =>
  event.type === 'EmailReceived' || event.type === 'EmailFiled' || event.type === 'EmailsDestroyed';
