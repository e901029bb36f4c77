/**
 * Egress over one shard, for as long as this node owns it: bring the table of what is due up to date with the log, then send. A node that takes over
 * first finds what its predecessor was in the middle of, and says of it that nobody knows.
 */
import type { Recorded } from '@tidings/contracts/events/index';
import { type OutboundEvent, outboundEvents } from '@tidings/contracts/events/outbound';
import { type CommandId, derivedId, type EmailId } from '@tidings/contracts/ids';
import type { LogPage, Position } from '@tidings/contracts/ports/event-log';
import { isShredded } from '@tidings/contracts/sealed';
import { timestamp } from '@tidings/contracts/time';
import { outbound, outboundKey } from '@tidings/domain/outbound/index';
import { domainIn } from '@tidings/infra/mail-transport/routes';
import { logPages } from '@tidings/infra/process-manager/follow-log';
import type { Turn } from '@tidings/infra/process-manager/process-manager';
import { randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import type { Platform } from '../../platform/src/platform.ts';
import { changesOf, NO_DOMAIN } from './changes.ts';
import { type Dispatcher, type Job, startDispatcher } from './dispatcher.ts';
import { applyChanges, lookAgainAtHeld, nextDue, orphansOf, pickDue } from './due-table.ts';
import { forgetSpent } from './limits.ts';
import type { Measures } from './measures.ts';
import { measureQueue } from './measure-queue.ts';
import { forgetStsPolicies } from './sts-policies.ts';

const PAGE = 1_000;
const TYPES = outboundEvents.map(({ type }) => type);

export interface OwnerParts {
  readonly platform: Pick<Platform, 'config' | 'log' | 'events' | 'commands' | 'pool' | 'now'>;
  readonly logger: Logger;
  readonly measures: Measures;
  readonly routeOf: (domain: string) => string;
  readonly sessions: number;
  /** See `attempt`. */
  readonly attempt: (job: Job, leaseToken: string, signal: AbortSignal) => Promise<Position | null>;
}

/** To be followed by a process manager. */
export const sendFrom =
  (parts: OwnerParts) =>
  async (turn: Turn): Promise<void> => {
    const { log, pool, now } = parts.platform;
    await catchUp(parts, turn);
    if (turn.signal.aborted) return;
    const ending = new AbortController();
    const signal = AbortSignal.any([turn.signal, ending.signal]);
    const sending = await startSending(parts, turn, signal);
    const measuring = measureQueue({ pool, now, shard: turn.shard, sending, ...parts, signal });
    try {
      for await (const { page, due } of logPages({ log, types: TYPES, limit: PAGE }, turn, turn.signal)) {
        if (!due) continue;
        turn.report(page.atHead ? 'working' : 'behind');
        await apply(parts, turn, page);
        sending.applied(page.next);
        if (page.atHead) turn.report('idle');
      }
    } finally {
      // What is on its way is waited for: its outcome is known here and nowhere else.
      ending.abort();
      await Promise.all([sending.over, measuring]);
    }
  };

/** Everything there is, so that what is due is known before anything is sent. */
const catchUp = async (parts: OwnerParts, turn: Turn): Promise<void> => {
  turn.report('behind');
  for (let atHead = false; !atHead && !turn.signal.aborted;) {
    const page = await parts.platform.log.readAll(turn.shard, turn.position, PAGE, { types: TYPES });
    if (page.next !== turn.position) await apply(parts, turn, page);
    ({ atHead } = page);
  }
  turn.report('idle');
};

const apply = async ({ platform, logger }: OwnerParts, turn: Turn, page: LogPage): Promise<void> => {
  const opened = await platform.events.open(page.events);
  for (const { event, reason } of opened.faults)
    logger.error({ stream: event.stream, position: event.position, reason }, 'an event cannot be read; passed over');
  const changes = await changesOf(opened.events.filter(isOutbound), (emailId) => domainsOf(platform, emailId));
  // All of it can be had from the log again, so it need not wait for the disk.
  await turn.commit(page.next, (client) => applyChanges(client, turn.shard, changes));
};

/** Of recipients in their order; none for a mailbox that was erased. */
const domainsOf = async ({ commands }: OwnerParts['platform'], emailId: EmailId): Promise<readonly string[]> => {
  const { state } = await commands.load(outbound, outboundKey(emailId));
  if (state.kind === 'none' || isShredded(state.addresses)) return [];
  return state.addresses.map(({ address }) => domainIn(address) ?? NO_DOMAIN);
};

const startSending = async (parts: OwnerParts, turn: Turn, signal: AbortSignal): Promise<Dispatcher> => {
  const { platform, logger, routeOf, sessions } = parts;
  const { pool, now, config } = platform;
  const { shard } = turn;
  const leaseToken = randomUUID();
  await settleOrphans(parts, shard, leaseToken);
  await turn.commit(turn.position, (client) => lookAgainAtHeld(client, shard, now()));
  await forgetSpent(pool, now());
  await forgetStsPolicies(pool, now());
  return startDispatcher({
    ...{ shard, now, routeOf, sessions, sessionsPerRoute: config.mailOut.sessionsPerDestination, signal },
    pick: (wanted) => pickDue(pool, wanted),
    nextDue: (at) => nextDue(pool, shard, at),
    attempt: (job) => parts.attempt(job, leaseToken, signal),
    onError: (error) => logger.warn({ err: error }, 'what is due could not be looked up; trying again'),
  });
};

/** Nobody waits for these replies any more. */
const settleOrphans = async ({ platform, measures, logger }: OwnerParts, shard: number, leaseToken: string): Promise<void> => {
  const { pool, commands, now, config } = platform;
  const { unknownPolicy, scheduleMs } = config.mailOut;
  for (const { emailId, attemptId, recipients } of await orphansOf(pool, shard, leaseToken)) {
    const retryAt = unknownPolicy === 'retry' ? timestamp(now() + (scheduleMs[0] ?? 0)) : null;
    const outcome = { type: 'unknown', recipients, reply: 'Whoever sent it ended before the reply came.', retryAt } as const;
    const context = { commandId: derivedId<CommandId>('outcome-unknown', attemptId) };
    await commands.transact(outbound, outboundKey(emailId), { type: 'RecordOutcomes', attemptId, outcomes: [outcome] }, context);
    measures.orphaned(recipients.length);
    logger.warn({ emailId, recipients: recipients.length }, 'nobody knows whether a mail arrived');
  }
};

const isOutbound = (event: Recorded): event is Recorded<OutboundEvent> => TYPES.some((type) => type === event.type);
