/**
 * Chat by mail, the way out (docs/decisions/048): a process manager that tells members of messages by mail, shows on the messages what becomes of those
 * mails, and lets what is read on one side be read on the other. What it does is recorded before it is done, by ids that derive from what it follows from.
 */
import type { EventType, Recorded } from '@tidings/contracts/events/index';
import type { LoggedEvent, LogPage, Position } from '@tidings/contracts/ports/event-log';
import { mailing, mailingKey } from '@tidings/domain/mailing/index';
import { createCommands } from '@tidings/infra/commands/create-commands';
import { openComposer } from '@tidings/infra/compose/compose';
import { postgresOpenStreams } from '@tidings/infra/presence/open-streams';
import { type ProcessManager, startProcessManager, type Turn } from '@tidings/infra/process-manager/process-manager';
import { startTimer, type Timer } from '@tidings/infra/process-manager/timer';
import type { LeaseOptions } from '@tidings/infra/projector/lease';
import type { Logger } from 'pino';
import { isAnybodyMailed } from '@tidings/projections/mail-policies/index';
import { openReplyAddresses } from '../../../platform/src/gateway/reply-addresses.ts';
import { openSignedLinks } from '../../../platform/src/gateway/signed-links.ts';
import type { Platform } from '../../../platform/src/platform.ts';
import { concernedIn } from './concerned.ts';
import { type Due, type DueNotice, dueAt, forget, nextDue, remember } from './due.ts';
import { underWayOf, underWayTo } from './mailed.ts';
import { migrateGatewayOut } from './migrations.ts';
import { callOff, isNews, newsTypes, recordNews } from './news.ts';
import { outPages } from './pages.ts';
import type { OutParts } from './parts.ts';
import { planMailings, sentMessage } from './plan.ts';
import { mailFiled, mailMapped, mailRead, mailReceived, roomRead } from './receipts.ts';
import { sendDigest } from './send-digest.ts';
import { contextOf, sendNotice } from './send.ts';

/** Of its leases and checkpoints. */
const GATEWAY_OUT = 'gateway-out';
const POLICIES_BUDGET_MS = 10_000;

/** Read as they stand in the log: what matters of them is in the open, and there are many. */
const UNOPENED: ReadonlySet<string> = new Set<EventType>(['MessageSent', 'EmailFiled', 'GatewayMailReceived', 'MailMapped']);
const FOLLOWED = [
  ...(['MailingPlanned', 'MessageDeleted', 'RoomLeft', 'MailPolicySet'] as const),
  ...(['RoomRead', 'ThreadRead', 'EmailKeywordsSet'] as const),
] as const;
type Followed = Extract<Recorded, { readonly type: (typeof FOLLOWED)[number] }>;
const followed: ReadonlySet<string> = new Set(FOLLOWED);
const isFollowed = (event: Recorded): event is Followed => followed.has(event.type);

/** Mail may leave a moment later; most messages of a chat are none of ours, and looking at each by itself costs the chat a tenth of its speed. */
const REST_MS = 250;
const TYPES: readonly EventType[] = ['MessageSent', 'EmailFiled', 'GatewayMailReceived', 'MailMapped', ...FOLLOWED, ...newsTypes];

/** Runs on every node; each shard is followed by the one that holds its lease. Needs `migrateProjector` and `migratePresence` to have run. */
export const startGatewayOut = async (platform: Platform, logger: Logger, lease?: LeaseOptions): Promise<ProcessManager> => {
  const { log, events, pool, now, config, keys } = platform;
  await migrateGatewayOut(pool);
  const composer = openComposer({ threads: 1 });
  const parts: OutParts = {
    platform: { ...platform, commands: createCommands(events, { freshForMs: 0 }) },
    ...{ composer, replyAddresses: await openReplyAddresses(platform), links: await openSignedLinks(keys) },
    openStreams: postgresOpenStreams(pool),
    publicUrl: config.http.publicUrl ?? `http://localhost:${config.http.port}`,
    logger,
  };

  const dispatch = async (due: Due): Promise<void> => {
    if (due.kind === 'digest') return sendDigest(parts, due);
    await sendNotice(parts, due);
    await forget(pool, due); // sent, or not to be sent
  };

  const isAnybodyTold = async (asOf: Position): Promise<boolean> => {
    if (!config.gatewayOut.enabled) return false;
    await policiesUpTo(parts, asOf);
    return (await platform.read.one(isAnybodyMailed(platform.liveSchema('mail-policies')))).any;
  };
  const follow = async (turn: Turn): Promise<void> => {
    const ending = new AbortController();
    const signal = AbortSignal.any([turn.signal, ending.signal]);
    const timer = startTimer<Due>({
      dueAt: (at, limit) => dueAt(pool, turn.shard, at, limit),
      nextDue: () => nextDue(pool, turn.shard),
      ...{ now, logger, signal, dispatch },
    });
    try {
      for await (const { page, due } of outPages({ log, types: TYPES, restMs: REST_MS, isAnybodyTold }, turn, turn.signal)) {
        if (due) {
          turn.report(page.atHead ? 'working' : 'behind');
          await takePage(parts, page, turn, timer);
          if (turn.signal.aborted) return;
          await turn.commit(page.next);
        }
        turn.report(page.atHead ? 'idle' : 'behind');
      }
    } finally {
      ending.abort();
      await timer.over;
    }
  };
  const manager = startProcessManager({ name: GATEWAY_OUT, shards: log.shards, pool, logger, now, lease, follow });
  return {
    health: manager.health,
    stop: async () => {
      await manager.stop();
      await composer.close();
    },
  };
};

const takePage = async (parts: OutParts, page: LogPage, turn: Turn, timer: Timer): Promise<void> => {
  await plan(parts, page.events);
  const opened = await parts.platform.events.open(page.events.filter(({ type }) => !UNOPENED.has(type)));
  for (const { event, reason } of opened.faults) {
    parts.logger.error({ stream: event.stream, position: event.position, reason }, 'an event cannot be read; passed over');
  }
  const byPosition = new Map(opened.events.map((event) => [event.position, event]));
  const concerned = await concernedIn(parts.platform.pool, page.events);
  for (const logged of page.events) {
    if (turn.signal.aborted) return;
    if (logged.type === 'EmailFiled') await mailFiled(parts, logged, concerned);
    if (logged.type === 'GatewayMailReceived') await mailReceived(parts, logged);
    if (logged.type === 'MailMapped') await mailMapped(parts, logged, concerned);
    const event = byPosition.get(logged.position);
    if (event === undefined) continue;
    if (isNews(event)) await recordNews(parts, event);
    else if (isFollowed(event)) await take(parts, event, turn, timer);
  }
};

/** @throws Error when the read model does not come so far in time */
const policiesUpTo = async ({ platform: { freshness } }: OutParts, position: Position): Promise<void> => {
  if (await freshness.waitFor(position, ['mail-policies'], POLICIES_BUDGET_MS)) return;
  throw new Error('it is not known yet who wants mail: the read model mail-policies is behind');
};

/** Once more changes nothing: a message is planned once. */
const plan = async (parts: OutParts, logged: readonly LoggedEvent[]): Promise<void> => {
  const { platform } = parts;
  const { gatewayOut } = platform.config;
  const messages = logged.flatMap((event) => (event.type === 'MessageSent' ? (sentMessage(event) ?? []) : []));
  const last = logged.findLast(({ type }) => type === 'MessageSent');
  if (!gatewayOut.enabled || messages.length === 0 || last === undefined) return;
  await policiesUpTo(parts, last.position);
  for (const { message, recipients } of await planMailings(platform, messages, gatewayOut)) {
    const { roomId, messageId, senderId } = message;
    const command = { type: 'PlanMailing', roomId, messageId, senderId, recipients } as const;
    await platform.commands.transact(mailing, mailingKey(roomId, messageId), command, contextOf('plan', messageId));
  }
};

const take = async (parts: OutParts, event: Followed, turn: Turn, timer: Timer): Promise<void> => {
  const { pool } = parts.platform;
  const { recordedAt: at } = event;
  /** Told with what was called off, and to be told without it. */
  const again = async (dues: readonly DueNotice[]): Promise<void> => {
    if (dues.length === 0) return;
    await remember(pool, turn.shard, dues);
    timer.poke();
  };
  switch (event.type) {
    case 'MailingPlanned': {
      const { roomId, messageId, recipients } = event.data;
      await remember(
        pool,
        turn.shard,
        recipients.map((one) => ({ roomId, messageId, ...one })),
      );
      timer.poke();
      return;
    }
    case 'MessageDeleted':
      return again(await callOff(parts, await underWayOf(pool, event.data.messageId), { by: event.data.deletedBy, at }));
    case 'RoomLeft':
      return again(await callOff(parts, await underWayTo(pool, event.data.roomId, event.data.userId), { by: event.data.by, at }));
    case 'MailPolicySet': {
      const { roomId, userId, policy } = event.data;
      if (roomId !== null && policy === 'never')
        await again(await callOff(parts, await underWayTo(pool, roomId, userId), { by: userId, at }));
      return;
    }
    case 'RoomRead':
      return roomRead(parts, event);
    case 'ThreadRead':
    case 'EmailKeywordsSet':
      return mailRead(parts, event);
  }
};
