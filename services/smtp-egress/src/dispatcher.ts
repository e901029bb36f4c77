/**
 * Who is sent to next: takes what is due into hand, a bounded amount, and starts attempts. What the log has just told of is taken as it is told; the
 * table is looked into for the rest, and when something becomes due in it.
 */
import type { Position } from '@tidings/contracts/ports/event-log';
import { Waker } from '@tidings/infra/projector/waker';
import type { DueRecipient, Wanted } from './due-table.ts';
import { createHand } from './hand.ts';
import { inTurn, type Job, jobsOf } from './routes-in-turn.ts';

export interface DispatcherParts {
  readonly shard: number;
  readonly now: () => number;
  readonly pick: (wanted: Wanted) => Promise<readonly DueRecipient[]>;
  readonly nextDue: (now: number) => Promise<number | null>;
  /** What the limits of a destination are counted by. */
  readonly routeOf: (domain: string) => string;
  /** Tries. Resolves with the position of the last event that tells of it, null when nothing was recorded. Never rejects. */
  readonly attempt: (job: Job) => Promise<Position | null>;
  readonly sessions: number;
  readonly sessionsPerRoute: number;
  readonly signal: AbortSignal;
  readonly onError: (error: unknown) => void;
  /** Milliseconds, of a clock that nobody sets. */
  readonly elapsed?: () => number;
}

export interface Dispatcher {
  /** These are due now, and the log says so at `position`. */
  readonly offer: (due: readonly DueRecipient[], position: Position) => void;
  /** The table has what was told up to here; the next of what it changed by that is due at `nextAt` (milliseconds since the epoch). */
  readonly applied: (position: Position, nextAt: number | null) => void;
  readonly inHand: () => { readonly recipients: number; readonly running: number };
  /** After the signal: when all that was begun is over. Never rejects. */
  readonly over: Promise<void>;
}

const PICKED_AT_ONCE = 1_000;
const LONGEST_SLEEP_MS = 30_000;
/** While something waits in hand, or nothing was found, there is no hurry to look for more: one look in the database serves many mails. */
const LOOK_EVERY_MS = 100;
/** At most this part of the time goes into looking meanwhile, unless that would be too seldom. */
const PART = 20;
const LOOK_AT_LEAST_EVERY_MS = 1_000;
/** What could not even be recorded is left alone for a moment. */
const AFTER_NOTHING_MS = 2_000;

export const startDispatcher = (parts: DispatcherParts): Dispatcher => {
  const { shard, now, routeOf, signal, elapsed = () => performance.now() } = parts;
  const waker = new Waker();
  const hand = createHand();
  let applied: Position | null = null;
  /** Offered up to here, and for some there was no room: they are to be looked for when the table has them. */
  let passedOver: Position | null = null;
  /** When the table may have something that is due and not in hand. */
  let dueAt = -Infinity;
  const lookAt = (at: number): void => {
    dueAt = Math.min(dueAt, at);
    waker.wake();
  };

  const begin = async (job: Job): Promise<void> => {
    const places = job.recipients.map((recipient) => ({ emailId: job.emailId, recipient }));
    const letGo = (): void => {
      for (const place of places) hand.letGo(place);
      lookAt(now());
    };
    const told = await parts.attempt(job);
    if (told === null) setTimeout(letGo, AFTER_NOTHING_MS).unref();
    else if (applied !== null && told <= applied) letGo();
    else for (const place of places) hand.over(place, told);
  };
  const jobs = inTurn({ ...parts, begin, onPlace: () => waker.wake() });

  const take = (due: readonly DueRecipient[]): number => {
    const fresh = due.filter((one) => hand.take(one));
    for (const job of jobsOf(fresh, routeOf)) jobs.add(job);
    return fresh.length;
  };

  /** @returns whether anything was found */
  const look = async (): Promise<boolean> => {
    dueAt = Infinity; // whoever says otherwise meanwhile is heard
    const at = now(); // one moment for both questions, so that nothing becomes due in between
    const { taken, fullLanes, fullDomains } = hand.contents();
    const limit = Math.min(PICKED_AT_ONCE, hand.room);
    if (limit > 0 && take(await parts.pick({ shard, now: at, limit, taken, fullLanes, fullDomains })) > 0) {
      lookAt(now());
      return true;
    }
    const isFull = limit <= 0 || fullLanes.length > 0 || fullDomains.length > 0;
    lookAt(isFull ? at : ((await parts.nextDue(at)) ?? Infinity));
    return false;
  };

  const run = async (): Promise<void> => {
    let nextLookAt = -Infinity;
    let found = true;
    while (!signal.aborted) {
      jobs.pump();
      const early = jobs.waiting > 0 || !found ? nextLookAt - elapsed() : 0;
      const sleep = Math.min(LONGEST_SLEEP_MS, Math.max(early, dueAt - now()));
      if (sleep > 0) {
        const slept = elapsed();
        await waker.wait(sleep);
        if (elapsed() - slept >= LONGEST_SLEEP_MS) lookAt(now()); // in case that somebody set the clock
        continue;
      }
      const began = elapsed();
      try {
        found = await look();
        nextLookAt = began + Math.min(Math.max(LOOK_EVERY_MS, (elapsed() - began) * PART), LOOK_AT_LEAST_EVERY_MS);
      } catch (error) {
        if (signal.aborted) break;
        parts.onError(error);
        lookAt(now() + AFTER_NOTHING_MS);
      }
    }
    await jobs.begun();
  };
  const wake = (): void => waker.wake();
  signal.addEventListener('abort', wake, { once: true });
  return {
    offer: (due, position) => {
      if (signal.aborted || due.length === 0) return;
      if (take(due) < due.length) passedOver = position;
      wake();
    },
    applied: (position, nextAt) => {
      applied = position;
      hand.applied(position);
      if (nextAt !== null) lookAt(nextAt);
      if (passedOver === null) return;
      lookAt(now());
      if (passedOver <= position) passedOver = null;
    },
    inHand: () => ({ recipients: hand.size, running: jobs.running }),
    over: run().finally(() => signal.removeEventListener('abort', wake)),
  };
};
