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
import { Fenced } from '@tidings/infra/projector/lease';
import { randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import type { Platform } from '../../platform/src/platform.ts';
import { changesOf, dueIn, NO_DOMAIN } from './changes.ts';
import { type Dispatcher, startDispatcher } from './dispatcher.ts';
import { applyChanges, lookAgainAtHeld, nextDue, orphansOf, pickDue } from './due-table.ts';
import { forgetSpent } from './limits.ts';
import type { Measures } from './measures.ts';
import { measureQueue } from './measure-queue.ts';
import type { Job } from './routes-in-turn.ts';
import { forgetStsPolicies } from './sts-policies.ts';
import { startTable, type Table } from './table-writer.ts';

const PAGE = 1_000;
const TYPES = outboundEvents.map(({ type }) => type);

export interface OwnerParts {
  readonly platform: Pick<Platform, 'config' | 'log' | 'events' | 'commands' | 'pool' | 'now'>;
  readonly logger: Logger;
  readonly measures: Measures;
  readonly routeOf: (domain: string) => string;
  readonly sessions: number;
  /** Is told what of a turn is still under way after its lease was lost. */
  readonly leave: (over: Promise<unknown>) => void;
  /** See `attempt`. */
  readonly attempt: (job: Job, leaseToken: string, signal: AbortSignal) => Promise<Position | null>;
}

/** To be followed by a process manager. */
export const sendFrom =
  (parts: OwnerParts) =>
  async (turn: Turn): Promise<void> => {
    const { pool, now } = parts.platform;
    await catchUp(parts, turn);
    if (turn.signal.aborted) return;
    const ending = new AbortController();
    const signal = AbortSignal.any([turn.signal, ending.signal]);
    const sending = await startSending(parts, turn, signal);
    const table = startTable(turn, signal, (position, nextAt) => sending.applied(position, nextAt));
    const measuring = measureQueue({ pool, now, shard: turn.shard, sending, ...parts, signal });
    const following = followLog(parts, turn, sending, table, signal);
    let isFenced = false;
    try {
      await Promise.race([following, table.over]);
    } catch (error) {
      isFenced = error instanceof Fenced;
      throw error;
    } finally {
      // What is on its way is waited for: its outcome is known here and nowhere else. Whoever lost the lease may be needed again before that.
      ending.abort();
      const over = Promise.allSettled([sending.over, measuring, following, table.over]);
      if (isFenced || turn.isLost()) parts.leave(over);
      else await over;
    }
  };

/** What it tells of is sent at once, and written into the table a little later. */
const followLog = async (parts: OwnerParts, turn: Turn, sending: Dispatcher, table: Table, signal: AbortSignal): Promise<void> => {
  const { log, now, commands } = parts.platform;
  for await (const { page, due } of logPages({ log, types: TYPES, limit: PAGE }, turn, signal)) {
    if (!due) continue;
    turn.report(page.atHead ? 'working' : 'behind');
    const events = await opened(parts, page);
    if (page.atHead) for (const event of events) commands.learn(outbound, outboundKey(event.data.emailId), event);
    const changes = await changesOf(events, (emailId) => domainsOf(parts.platform, emailId));
    sending.offer(dueIn(changes, now()), page.next);
    await table.write(changes, page);
  }
};

/** Everything there is, so that what is due is known before anything is sent. */
const catchUp = async (parts: OwnerParts, turn: Turn): Promise<void> => {
  turn.report('behind');
  for (let atHead = false; !atHead && !turn.signal.aborted;) {
    const page = await parts.platform.log.readAll(turn.shard, turn.position, PAGE, { types: TYPES });
    if (page.next !== turn.position) {
      const changes = await changesOf(await opened(parts, page), (emailId) => domainsOf(parts.platform, emailId));
      await turn.commit(page.next, (client) => applyChanges(client, turn.shard, changes));
    }
    ({ atHead } = page);
  }
  turn.report('idle');
};

const opened = async ({ platform, logger }: OwnerParts, page: LogPage): Promise<readonly Recorded<OutboundEvent>[]> => {
  const { events, faults } = await platform.events.open(page.events);
  for (const { event, reason } of faults)
    logger.error({ stream: event.stream, position: event.position, reason }, 'an event cannot be read; passed over');
  return events.filter(isOutbound);
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
