/** What is said in a call. The live event goes in as the feed rendered it, byte for byte. Pure. */
import type { Delivery } from '@tidings/infra/webhooks/deliveries';
import { MAX_PUSH_BYTES } from '@tidings/infra/push/message';
import type { FeedRow } from '@tidings/projections/feed/queries';

/** `{"to_user":[…],"notification":{…}}` (chat-contract §2); also the value on the Kafka topic. */
export const handOff = ({ toUsers }: Pick<Delivery, 'toUsers'>, row: FeedRow): string =>
  `{"to_user":${JSON.stringify(toUsers ?? [])},"notification":${row.payload}}`;

/** The body of a webhook call: `WebhookCall` of the contract. */
export const webhookBody = (delivery: Delivery, row: FeedRow): string => {
  const data = delivery.toUsers === null ? `{"audience":${audienceOf(row)},"notification":${row.payload}}` : handOff(delivery, row);
  const head = JSON.stringify({ id: delivery.toldId, type: delivery.type, createdAt: row.recordedAt });
  return `${head.slice(0, -1)},"data":${data}}`;
};

/** Whom it is for: one user, or the members of a room or mailbox. */
const audienceOf = ({ audience }: FeedRow): string => {
  const at = audience.indexOf(':');
  return JSON.stringify({ type: audience.slice(0, at), id: audience.slice(at + 1) });
};

/** What a browser is sent: the live event with an id, and without a message's body where it would be too long; the preview stays. */
export const browserBody = (delivery: Pick<Delivery, 'toldId'>, row: FeedRow): string => {
  const whole = `{"id":"${delivery.toldId}","notification":${row.payload}}`;
  if (Buffer.byteLength(whole) <= MAX_PUSH_BYTES) return whole;
  // The feed rendered it by `LiveEvent`; what is not looked at stays as it is.
  const event = JSON.parse(row.payload) as { readonly message?: { readonly msgBody?: unknown } };
  if (event.message === undefined) return `{"id":"${delivery.toldId}","truncated":true,"notification":{"type":"${row.type}"}}`;
  const { msgBody: _, ...message } = event.message;
  return JSON.stringify({ id: delivery.toldId, truncated: true, notification: { ...event, message } });
};
