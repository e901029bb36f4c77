/** Who wants to be told of anything: without them, the feed is passed by unread. */
import { anySubscription } from '@tidings/projections/push-subscriptions/index';
import { allWebhooks, type WebhookRow } from '@tidings/projections/webhooks/index';
import type { Platform } from '../../platform/src/platform.ts';

export interface Targets {
  readonly webhooks: readonly WebhookRow[];
  /** Some browser takes Web Push. */
  readonly browsers: boolean;
  readonly kafka: boolean;
}

export const loadTargets = async ({ read, liveSchema, config }: Pick<Platform, 'read' | 'liveSchema' | 'config'>): Promise<Targets> => {
  const [webhooks, browsers] = await Promise.all([
    read.any(allWebhooks(liveSchema('webhooks'))),
    read.one(anySubscription(liveSchema('push-subscriptions'))),
  ]);
  return { webhooks, browsers: browsers.any, kafka: config.kafka.brokers.length > 0 };
};

export const isNobody = ({ webhooks, browsers, kafka }: Targets): boolean => webhooks.length === 0 && !browsers && !kafka;
