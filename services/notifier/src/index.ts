/**
 * The notifier: a process manager that tells those who are not looking. It follows the live feed and calls webhooks, browsers and Kafka; and it
 * takes custom notifications from Kafka. Calls are side effects: they come at least once, and never again because something is replayed.
 */
import { randomUUID } from 'node:crypto';
import type { CommandId } from '@tidings/contracts/ids';
import { push, pushKey } from '@tidings/domain/push/index';
import { openKafkaProducer } from '@tidings/infra/kafka/producer';
import { postgresOpenStreams } from '@tidings/infra/presence/open-streams';
import { startProcessManager } from '@tidings/infra/process-manager/process-manager';
import type { LeaseOptions } from '@tidings/infra/projector/lease';
import { vapidKeys } from '@tidings/infra/push/vapid';
import { createCaller } from '@tidings/infra/webhooks/caller';
import { guardOf } from '@tidings/infra/webhooks/guard';
import type { SubscriptionRow } from '@tidings/projections/push-subscriptions/index';
import type { Platform, Service } from '../../platform/src/platform.ts';
import { kafkaChannel, pushChannel, webhookChannel, type Channel } from './channels.ts';
import { followFeed } from './follower.ts';
import { startInbox } from './inbox.ts';
import { startLanes } from './lanes.ts';
import { createMeasures } from './measures.ts';
import { KAFKA_LANE, PUSH_LANE_PREFIX } from './telling.ts';

export { migrateNotifier } from './migrations.ts';

/** Of its lease and checkpoint; `migrations.ts` names it too. */
const NOTIFIER = 'notifier';

export interface NotifierOptions {
  readonly lease?: LeaseOptions;
}

/** Runs on every node; the one that holds the lease follows and calls. Needs `migratePresence`, `migrateOutbound` and `migrateNotifier`. */
export const startNotifier = (platform: Platform, options: NotifierOptions = {}): Service => {
  const { config, pool } = platform;
  const logger = platform.logger.child({ service: 'notifier' });
  const measures = createMeasures(platform.metrics);
  const caller = createCaller({ ...guardOf(config), timeoutMs: config.outbound.timeoutMs });
  const producer = config.kafka.brokers.length === 0 ? null : openKafkaProducer({ ...config.kafka, logger });
  const inbox = config.kafka.brokers.length === 0 ? null : startInbox({ platform, logger, measures });

  const webhooks = webhookChannel(platform, caller);
  const browsers = pushChannel(
    { ...pick(platform), keys: once(() => vapidKeys(pool)), contact: config.outbound.pushContact, forget: forget(platform) },
    caller,
  );
  const kafka = producer === null ? null : kafkaChannel(producer);
  const channelOf = (lane: string): Channel | null =>
    lane === KAFKA_LANE ? kafka : lane.startsWith(PUSH_LANE_PREFIX) ? browsers : webhooks;

  const schedule = { firstMs: config.outbound.retryFirstMs, forMs: config.outbound.retryForMs };
  const process = startProcessManager({
    name: NOTIFIER,
    shards: platform.log.shards.slice(0, 1), // the feed is in the order of one shard
    ...{ pool, logger, now: platform.now, lease: options.lease },
    follow: followFeed({
      platform: { ...pick(platform), config, openStreams: postgresOpenStreams(pool) },
      startLanes: (signal) => startLanes({ platform, channelOf, schedule, measures, logger, signal }),
    }),
    onFailure: () => measures.startedOver(),
  });

  return {
    name: 'notifier',
    health: () => ({ ...process.health(), ...(inbox === null ? {} : { detail: { kafka: inbox.connected() ? 'connected' : 'away' } }) }),
    stop: async () => {
      await Promise.all([process.stop(), inbox?.stop()]);
      caller.close();
      await producer?.close();
      measures.close();
    },
  };
};

const pick = ({ read, often, liveSchema, now }: Platform): Pick<Platform, 'read' | 'often' | 'liveSchema' | 'now'> => ({
  ...{ read, often, liveSchema, now },
});

/** Asked for at the first push; an answer stays, a failure does not. */
const once = <A>(ask: () => Promise<A>): (() => Promise<A>) => {
  let asked: Promise<A> | null = null;
  return () => {
    const asking = (asked ??= ask());
    asking.catch(() => (asked = null));
    return asking;
  };
};

/** The push service says that this browser is no more, which is a fact like the user's own word. */
const forget =
  ({ commands }: Platform) =>
  async ({ id, userId }: SubscriptionRow): Promise<void> => {
    const command = { type: 'UnsubscribeFromPush', subscriptionId: id, userId } as const;
    await commands.transact(
      push,
      pushKey(userId, id),
      command,
      { commandId: randomUUID() as string as CommandId } /* any new UUID will do */,
    );
  };
