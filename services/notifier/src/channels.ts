/** How each kind of target is called. A channel makes one attempt and says how it went; lanes decide what follows. */
import type { SubscriptionId, WebhookId } from '@tidings/contracts/ids';
import { msOf } from '@tidings/contracts/time';
import type { KafkaProducer } from '@tidings/infra/kafka/producer';
import { pushCall } from '@tidings/infra/push/message';
import type { VapidKeys } from '@tidings/infra/push/vapid';
import type { Answered, Caller } from '@tidings/infra/webhooks/caller';
import { sign } from '@tidings/infra/webhooks/signature';
import { subscriptionById, type SubscriptionRow } from '@tidings/projections/push-subscriptions/index';
import { webhookById } from '@tidings/projections/webhooks/index';
import type { Platform } from '../../platform/src/platform.ts';
import { browserBody, handOff, webhookBody } from './bodies.ts';
import type { Due } from './due.ts';
import type { Channel as Name } from './measures.ts';

export type Result =
  | { readonly type: 'taken' }
  /** Trying again may help. */
  | { readonly type: 'failed'; readonly error: string; readonly retryAfterMs: number | null }
  /** It will not. */
  | { readonly type: 'hopeless'; readonly error: string }
  /** Whom it was for is no more. */
  | { readonly type: 'gone' };

export interface Channel {
  readonly name: Name;
  /** Attempts at the same time in one lane, and deliveries in one attempt. */
  readonly atOnce: number;
  readonly inOne: number;
  /** What is given up is shown to administrators instead of forgotten. */
  readonly keepsDead: boolean;
  /** One attempt, for all of them alike. Throws for faults on our own side. */
  attempt(due: readonly Due[], signal: AbortSignal): Promise<Result>;
}

const GONE: Result = { type: 'gone' };

export const webhookChannel = ({ read, liveSchema, now }: Pick<Platform, 'read' | 'liveSchema' | 'now'>, caller: Caller): Channel => ({
  name: 'webhook',
  atOnce: 4,
  inOne: 1,
  keepsDead: true,
  attempt: async ([due], signal) => {
    if (due?.row == null) return GONE;
    const webhook = await read.maybeOne(webhookById(liveSchema('webhooks'), due.delivery.target as WebhookId)); // what its lane's deliveries name
    if (webhook === null) return GONE;
    const body = webhookBody(due.delivery, due.row);
    const timestamp = String(Math.floor(now() / 1000));
    const headers = {
      'content-type': 'application/json',
      'tidings-webhook-id': webhook.id,
      'tidings-timestamp': timestamp,
      'tidings-signature': sign(webhook.secret, timestamp, body),
    };
    return resultOf(
      () => caller.post({ url: webhook.url, headers, body }, signal),
      () => false,
    );
  },
});

export interface PushParts extends Pick<Platform, 'read' | 'liveSchema' | 'now'> {
  readonly keys: () => Promise<VapidKeys>;
  /** `mailto:` or `https:`. */
  readonly contact: string;
  /** The push service knows the browser no more. */
  readonly forget: (subscription: SubscriptionRow) => Promise<void>;
}

/** A message that comes a day late is none. */
const STALE_AFTER_MS = 24 * 60 * 60 * 1000;

export const pushChannel = ({ read, liveSchema, now, keys, contact, forget }: PushParts, caller: Caller): Channel => ({
  name: 'web-push',
  atOnce: 16,
  inOne: 1,
  keepsDead: false,
  attempt: async ([due], signal) => {
    if (due?.row == null) return GONE;
    const { delivery, row } = due;
    const subscription = await read.maybeOne(subscriptionById(liveSchema('push-subscriptions'), delivery.target as SubscriptionId)); // as above
    if (subscription === null || subscription.userId !== delivery.toUsers?.[0]) return GONE;
    if (now() - msOf(row.recordedAt) > STALE_AFTER_MS) return { type: 'hopeless', error: 'a day old' };
    const call = pushCall(subscription, browserBody(delivery, row), await keys(), contact);
    let forgotten = false;
    const result = await resultOf(
      () => caller.post(call, signal),
      (status) => {
        forgotten = status === 404 || status === 410; // RFC 8030 §7.3
        return forgotten || [400, 401, 403, 413].includes(status);
      },
    );
    if (!forgotten) return result;
    await forget(subscription);
    return GONE;
  },
});

export const PUSH_TOPIC = 'push-notifications.requested.v1';
/** What consumers of ISM's topic dispatch by (chat-contract §2). */
const PUSH_HEADERS = {
  __TypeId__: 'com.meventure.api.notifications.model.UndeliveredMessage',
  contentType: 'application/json',
};

export const kafkaChannel = (producer: KafkaProducer): Channel => ({
  name: 'kafka',
  atOnce: 1, // in order
  inOne: 100,
  keepsDead: false,
  attempt: async (due) => {
    const records = due.flatMap(({ delivery, row }) =>
      row === null ? [] : [{ key: delivery.toldId, value: handOff(delivery, row), headers: PUSH_HEADERS }],
    );
    if (records.length === 0) return GONE;
    try {
      await producer.send(PUSH_TOPIC, records);
      return { type: 'taken' };
    } catch (error) {
      return { type: 'failed', error: wordsOf(error), retryAfterMs: null };
    }
  },
});

/** Only a 2xx counts as taken; everything else may be better next time, except what `isHopeless`. */
const resultOf = async (post: () => Promise<Answered>, isHopeless: (status: number) => boolean): Promise<Result> => {
  try {
    const { status, retryAfterMs } = await post();
    if (status >= 200 && status < 300) return { type: 'taken' };
    const error = `answered ${status}`;
    return isHopeless(status) ? { type: 'hopeless', error } : { type: 'failed', error, retryAfterMs };
  } catch (error) {
    return { type: 'failed', error: wordsOf(error), retryAfterMs: null };
  }
};

const wordsOf = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error);
  const first: unknown = error instanceof AggregateError ? error.errors[0] : undefined;
  return first instanceof Error ? first.message : error.message;
};
