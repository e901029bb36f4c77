/**
 * Who is sent to next: takes what is due into hand, a bounded amount, and starts attempts; so many at once in all and to each destination, the
 * mailboxes in turn. What was tried stays in hand until the table of what is due knows what came of it.
 */
import type { EmailId, MailboxId } from '@tidings/contracts/ids';
import type { Position } from '@tidings/contracts/ports/event-log';
import { Waker } from '@tidings/infra/projector/waker';
import type { DueRecipient, Wanted } from './due-table.ts';

/** Recipients of one mail that one transmission can serve. */
export interface Job {
  readonly emailId: EmailId;
  readonly mailboxId: MailboxId;
  readonly route: string;
  readonly recipients: readonly number[];
  readonly queuedAt: number;
}

export interface DispatcherParts {
  readonly shard: number;
  readonly now: () => number;
  readonly pick: (wanted: Wanted) => Promise<readonly DueRecipient[]>;
  readonly nextDue: (now: number) => Promise<number | null>;
  /** What goes to a domain together with others. */
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
  /** Something may be due. */
  readonly poke: () => void;
  /** The table has what was told up to here. */
  readonly applied: (position: Position) => void;
  readonly inHand: () => { readonly recipients: number; readonly running: number };
  /** After the signal: when all that was begun is over. Never rejects. */
  readonly over: Promise<void>;
}

const MOST_IN_HAND = 4_000;
const MOST_OF_LANE = 300;
const MOST_OF_DOMAIN = 1_500;
const PICKED_AT_ONCE = 1_000;
/** RFC 5321 §4.5.3.1.8: what every server takes. */
const MOST_RECIPIENTS = 100;
const LONGEST_SLEEP_MS = 30_000;
/** While something waits in hand there is no hurry to look for more: one look in the database serves many mails. */
const LOOK_EVERY_MS = 25;
/** What could not even be recorded is left alone for a moment. */
const AFTER_NOTHING_MS = 2_000;

interface Taken extends DueRecipient {
  /** Set when an attempt is over: let go of once the table has this. */
  told: Position | null;
}

export const startDispatcher = (parts: DispatcherParts): Dispatcher => {
  const { shard, now, routeOf, sessions, sessionsPerRoute, signal, elapsed = () => performance.now() } = parts;
  const waker = new Waker();
  const taken = new Map<string, Taken>();
  const routes = new Map<string, Route>();
  const inFlight = new Set<Promise<void>>();
  let running = 0;
  /** Jobs in hand that were not begun. */
  let waiting = 0;
  let applied: Position | null = null;

  const letGo = (): void => {
    for (const [key, one] of taken) if (one.told !== null && applied !== null && one.told <= applied) taken.delete(key);
  };

  const refill = async (): Promise<number> => {
    const room = Math.min(PICKED_AT_ONCE, MOST_IN_HAND - taken.size);
    if (room <= 0) return 0;
    const hand = [...taken.values()];
    const picked = await parts.pick({ ...{ shard, now: now(), limit: room, taken: hand }, ...fullness(hand) });
    const fresh = picked.filter((one) => !taken.has(keyOf(one)));
    for (const one of fresh) taken.set(keyOf(one), { ...one, told: null });
    for (const job of jobsOf(fresh, routeOf)) {
      const route = routes.get(job.route) ?? new Route();
      routes.set(job.route, route);
      route.add(job);
      waiting += 1;
    }
    return fresh.length;
  };

  const start = (job: Job, route: Route): void => {
    route.running += 1;
    running += 1;
    waiting -= 1;
    const settle = (told: Position | null): void => {
      route.running -= 1;
      running -= 1;
      for (const recipient of job.recipients) {
        const one = taken.get(keyOf({ emailId: job.emailId, recipient }));
        if (one !== undefined) one.told = told;
      }
      letGo();
      waker.wake();
    };
    const work = async (): Promise<void> => {
      const told = await parts.attempt(job);
      settle(told);
      if (told !== null) return;
      const forget = (): void => {
        for (const recipient of job.recipients) taken.delete(keyOf({ emailId: job.emailId, recipient }));
        waker.wake();
      };
      setTimeout(forget, AFTER_NOTHING_MS).unref();
    };
    const flight = work().finally(() => inFlight.delete(flight));
    inFlight.add(flight);
  };

  /** Destinations in turn, so that none takes all places. */
  const pump = (): void => {
    for (let started = true; started;) {
      started = false;
      for (const [name, route] of routes) {
        if (running >= sessions) return;
        if (route.running >= sessionsPerRoute) continue;
        const job = route.next();
        if (job === null) {
          if (route.running === 0) routes.delete(name);
          continue;
        }
        start(job, route);
        started = true;
      }
    }
  };

  const run = async (): Promise<void> => {
    let lookedAt = -Infinity;
    while (!signal.aborted) {
      try {
        letGo();
        const early = lookedAt + LOOK_EVERY_MS - elapsed();
        if (early > 0 && waiting > 0) {
          pump();
          if (waiting > 0) await waker.wait(early);
          continue;
        }
        lookedAt = elapsed();
        const got = await refill();
        pump();
        if (got === PICKED_AT_ONCE) continue;
        const at = await parts.nextDue(now());
        await waker.wait(at === null ? LONGEST_SLEEP_MS : Math.max(5, Math.min(LONGEST_SLEEP_MS, at - now())));
      } catch (error) {
        if (signal.aborted) break;
        parts.onError(error);
        await waker.wait(AFTER_NOTHING_MS);
      }
    }
    await Promise.all(inFlight);
  };
  const wake = (): void => waker.wake();
  signal.addEventListener('abort', wake, { once: true });
  return {
    poke: wake,
    applied: (position) => {
      applied = position;
      wake();
    },
    inHand: () => ({ recipients: taken.size, running }),
    over: run().finally(() => signal.removeEventListener('abort', wake)),
  };
};

/** Jobs for one destination, mailboxes in turn. */
class Route {
  running = 0;
  readonly #mailboxes = new Map<MailboxId, Job[]>();

  add(job: Job): void {
    const jobs = this.#mailboxes.get(job.mailboxId);
    if (jobs === undefined) this.#mailboxes.set(job.mailboxId, [job]);
    else jobs.push(job);
  }

  next(): Job | null {
    for (const [mailbox, jobs] of this.#mailboxes) {
      const job = jobs.shift();
      // To the end of the line, or out of it.
      this.#mailboxes.delete(mailbox);
      if (jobs.length > 0) this.#mailboxes.set(mailbox, jobs);
      if (job !== undefined) return job;
    }
    return null;
  }
}

const keyOf = ({ emailId, recipient }: { readonly emailId: EmailId; readonly recipient: number }): string => `${emailId} ${recipient}`;

/** In the order in which they were picked. */
const jobsOf = (picked: readonly DueRecipient[], routeOf: (domain: string) => string): readonly Job[] =>
  [...Map.groupBy(picked, ({ emailId, domain }) => `${emailId} ${routeOf(domain)}`).values()].flatMap((group) => {
    const [first] = group;
    if (first === undefined) return [];
    const { emailId, mailboxId, domain, queuedAt } = first;
    const recipients = group.map(({ recipient }) => recipient);
    return Array.from({ length: Math.ceil(recipients.length / MOST_RECIPIENTS) }, (_, part) => ({
      ...{ emailId, mailboxId, queuedAt, route: routeOf(domain) },
      recipients: recipients.slice(part * MOST_RECIPIENTS, (part + 1) * MOST_RECIPIENTS),
    }));
  });

const fullness = (
  hand: readonly Taken[],
): { readonly fullLanes: { mailboxId: MailboxId; domain: string }[]; readonly fullDomains: string[] } => ({
  fullLanes: [...Map.groupBy(hand, ({ mailboxId, domain }) => `${mailboxId} ${domain}`).values()].flatMap(([first, ...others]) =>
    first !== undefined && others.length + 1 >= MOST_OF_LANE ? [{ mailboxId: first.mailboxId, domain: first.domain }] : [],
  ),
  fullDomains: [...Map.groupBy(hand, ({ domain }) => domain)].flatMap(([domain, those]) =>
    those.length >= MOST_OF_DOMAIN ? [domain] : [],
  ),
});
