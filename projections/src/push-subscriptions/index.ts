/** Browsers that take Web Push. An endpoint is one browser, and one user's: the last one's who subscribed there. */
import { hash } from 'node:crypto';
import type { Recorded } from '@tidings/contracts/events/index';
import type { PushEvent, PushSubscribed } from '@tidings/contracts/events/push';
import type { SubjectErased } from '@tidings/contracts/events/user';
import type { Projection, ProjectionTx } from '@tidings/contracts/projection';
import { isShredded } from '@tidings/contracts/sealed';

export * from './queries.ts';

/** The endpoint's hash stands for it in the index: a URL may be too long for one. */
const tables = (schema: string): string => `
  create table ${schema}.subscription (
    subscription_id uuid primary key,
    user_id uuid not null,
    endpoint text not null,
    endpoint_hash text collate "C" not null unique,
    p256dh text not null,
    auth text not null
  );
  create index subscription_of_user on ${schema}.subscription (user_id);`;

export const pushSubscriptions: Projection = {
  name: 'push-subscriptions',
  version: 1,
  handles: ['PushSubscribed', 'PushUnsubscribed', 'SubjectErased'],
  tables,
  // People subscribe now and then: one statement each keeps the order simple.
  apply: async (page, tx) => {
    for (const event of page) if (isHandled(event)) await applyOne(event, tx);
  },
};

type Handled = Recorded<PushEvent | SubjectErased>;
const isHandled = (event: Recorded): event is Handled => pushSubscriptions.handles.includes(event.type);

const applyOne = async (event: Handled, tx: ProjectionTx): Promise<void> => {
  switch (event.type) {
    case 'PushSubscribed':
      return subscribe(event, tx);
    case 'PushUnsubscribed':
      await tx.query(`delete from ${tx.schema}.subscription where subscription_id = $1`, [event.data.subscriptionId]);
      return;
    case 'SubjectErased':
      await tx.query(`delete from ${tx.schema}.subscription where user_id = $1`, [event.data.userId]);
  }
};

const subscribe = async ({ data }: Recorded<PushSubscribed>, tx: ProjectionTx): Promise<void> => {
  const { subscriptionId, userId, endpoint, keys } = data;
  if (isShredded(endpoint) || isShredded(keys)) return;
  const endpointHash = hash('sha256', endpoint);
  await tx.query(`delete from ${tx.schema}.subscription where endpoint_hash = $1 or subscription_id = $2`, [endpointHash, subscriptionId]);
  await tx.query(
    `insert into ${tx.schema}.subscription (subscription_id, user_id, endpoint, endpoint_hash, p256dh, auth) values ($1, $2, $3, $4, $5, $6)`,
    [subscriptionId, userId, endpoint, endpointHash, keys.p256dh, keys.auth],
  );
};
