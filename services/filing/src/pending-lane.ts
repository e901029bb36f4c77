/**
 * Asks again about mails that wait for a checker, each until it is filed; everything else passes them by. What it does is in the database before
 * and after, so a crash repeats at most what was on its way.
 */
import type { EmailReceived } from '@tidings/contracts/events/email';
import type { Recorded } from '@tidings/contracts/events/index';
import { streamId } from '@tidings/contracts/ids';
import { email, emailKey } from '@tidings/domain/email/index';
import type { EventStore } from '@tidings/infra/event-store/event-store';
import { Waker } from '@tidings/infra/projector/waker';
import type { Logger } from 'pino';
import type { Pool } from 'pg';
import type { Patience } from './checks.ts';
import { duePending, receivedMs, waitingIn, type DueEmail, type Waiting } from './pending.ts';

export interface PendingLaneParts {
  readonly pool: Pool;
  readonly shard: number;
  readonly holdMs: number;
  readonly checkMs: number;
  readonly now: () => number;
  readonly logger: Logger;
  readonly signal: AbortSignal;
  /** Tries one, and writes down what came of it. */
  readonly tryAgain: (due: DueEmail, patience: Patience) => Promise<void>;
  readonly onWaiting: (waiting: Waiting) => void;
}

export interface PendingLane {
  /** There is something new in the table. */
  readonly poke: () => void;
  /** Never rejects. */
  readonly over: Promise<void>;
}

const AT_ONCE = 8;
/** How soon a mail that an operator has tried again is seen. */
const LONGEST_SLEEP_MS = 2_000;
const AFTER_FAULT_MS = 1_000;

export const startPendingLane = ({
  pool,
  shard,
  holdMs,
  checkMs,
  now,
  logger,
  signal,
  tryAgain,
  onWaiting,
}: PendingLaneParts): PendingLane => {
  const waker = new Waker();
  const one = (due: DueEmail): Promise<void> => tryAgain(due, { ms: checkMs, lastChance: now() - receivedMs(due) >= holdMs });

  const run = async (): Promise<void> => {
    while (!signal.aborted) {
      try {
        const due = await duePending(pool, shard, now(), AT_ONCE);
        await Promise.all(due.map(one));
        const waiting = await waitingIn(pool, shard);
        onWaiting(waiting);
        if (due.length < AT_ONCE) await waker.wait(waiting.nextAt === null ? LONGEST_SLEEP_MS : sleepUntil(waiting.nextAt - now()));
      } catch (error) {
        if (signal.aborted) return;
        logger.warn({ err: error }, 'mails that wait for a checker could not be tried; trying again');
        await waker.wait(AFTER_FAULT_MS);
      }
    }
  };
  const wake = (): void => waker.wake();
  signal.addEventListener('abort', wake, { once: true });
  return { poke: wake, over: run().finally(() => signal.removeEventListener('abort', wake)) };
};

const sleepUntil = (ms: number): number => Math.max(10, Math.min(LONGEST_SLEEP_MS, ms));

/** The mail as it is for those mailboxes that still wait. Null when its stream tells nothing of it. */
export const receivedFor = async (events: EventStore, due: DueEmail): Promise<Recorded<EmailReceived> | null> => {
  const received = (await events.readStream(streamId(email.category, emailKey(due.emailId)))).find(
    (event) => event.type === 'EmailReceived',
  );
  if (received === undefined) return null;
  const waiting = new Set(due.mailboxIds);
  const recipients = received.data.recipients.filter(({ mailboxId }) => waiting.has(mailboxId));
  return { ...received, data: { ...received.data, recipients } };
};
