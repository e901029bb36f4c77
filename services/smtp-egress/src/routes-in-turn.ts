/** Jobs in hand by where they go: destinations in turn, and of each the mailboxes in turn, so that none takes all places. */
import type { EmailId, MailboxId } from '@tidings/contracts/ids';
import type { DueRecipient } from './due-table.ts';

/** Recipients of one mail that one transmission can serve. */
export interface Job {
  readonly emailId: EmailId;
  readonly mailboxId: MailboxId;
  readonly route: string;
  readonly recipients: readonly number[];
  readonly queuedAt: number;
}

/** RFC 5321 §4.5.3.1.8: what every server takes. */
const MOST_RECIPIENTS = 100;

/**
 * Jobs for recipients, in the order in which they were picked: one for each domain, also where a relay takes several, because those who share a
 * transmission share its return path (docs/decisions/063).
 * @param routeOf what the limits of a destination are counted by
 */
export const jobsOf = (picked: readonly DueRecipient[], routeOf: (domain: string) => string): readonly Job[] =>
  [...Map.groupBy(picked, ({ emailId, domain }) => `${emailId} ${domain}`).values()].flatMap((group) => {
    const [first] = group;
    if (first === undefined) return [];
    const { emailId, mailboxId, domain, queuedAt } = first;
    const recipients = group.map(({ recipient }) => recipient);
    return Array.from({ length: Math.ceil(recipients.length / MOST_RECIPIENTS) }, (_, part) => ({
      ...{ emailId, mailboxId, queuedAt, route: routeOf(domain) },
      recipients: recipients.slice(part * MOST_RECIPIENTS, (part + 1) * MOST_RECIPIENTS),
    }));
  });

export interface InTurnParts {
  /** What may run at once, in all and to each destination. */
  readonly sessions: number;
  readonly sessionsPerRoute: number;
  /** Ends when the job is over. Never rejects. */
  readonly begin: (job: Job) => Promise<void>;
  /** There is a place for another one. */
  readonly onPlace: () => void;
}

export interface InTurn {
  add(job: Job): void;
  /** Begins as many as there are places for. */
  pump(): void;
  /** Jobs that were not begun. */
  readonly waiting: number;
  readonly running: number;
  /** When all that was begun so far is over. */
  begun(): Promise<unknown>;
}

export const inTurn = ({ sessions, sessionsPerRoute, begin, onPlace }: InTurnParts): InTurn => {
  const routes = new Map<string, Route>();
  const inFlight = new Set<Promise<void>>();
  let waiting = 0;

  const start = async (job: Job, route: Route): Promise<void> => {
    route.running += 1;
    waiting -= 1;
    const flight = begin(job);
    inFlight.add(flight);
    await flight;
    inFlight.delete(flight);
    route.running -= 1;
    onPlace();
  };

  return {
    add: (job) => {
      const route = routes.get(job.route) ?? new Route();
      routes.set(job.route, route);
      route.add(job);
      waiting += 1;
    },
    pump: () => {
      for (let started = true; started;) {
        started = false;
        for (const [name, route] of routes) {
          if (inFlight.size >= sessions) return;
          if (route.running >= sessionsPerRoute) continue;
          const job = route.next();
          if (job === null) {
            if (route.running === 0) routes.delete(name);
            continue;
          }
          void start(job, route);
          started = true;
        }
      }
    },
    get waiting() {
      return waiting;
    },
    get running() {
      return inFlight.size;
    },
    begun: () => Promise.all(inFlight),
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
