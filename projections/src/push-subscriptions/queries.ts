/** What readers ask about push subscriptions. */
import { SubscriptionId, UserId } from '@tidings/contracts/ids';
import { rows } from '@tidings/contracts/sql-rows';
import * as t from 'io-ts';
import { sql } from 'slonik';
import { tableIn } from '../chat-view/tables.ts';

const SubscriptionRow = t.readonly(t.type({ id: SubscriptionId, userId: UserId, endpoint: t.string, p256dh: t.string, auth: t.string }));
export type SubscriptionRow = t.TypeOf<typeof SubscriptionRow>;

const columns = sql.fragment`subscription_id as id, user_id as "userId", endpoint, p256dh, auth`;

/** Index subscription_of_user. */
export const subscriptionsOf = (schema: string, users: readonly UserId[]) => sql.type(rows(SubscriptionRow))`
  select ${columns} from ${tableIn(schema, 'subscription')} where user_id = any(${sql.array(users, 'uuid')}) order by subscription_id`;

export const subscriptionById = (schema: string, id: SubscriptionId) =>
  sql.type(rows(SubscriptionRow))`select ${columns} from ${tableIn(schema, 'subscription')} where subscription_id = ${id}`;

/** Whether there is any at all: without, nobody needs to look who is away. */
export const anySubscription = (schema: string) =>
  sql.type(rows(t.type({ any: t.boolean })))`select exists (select from ${tableIn(schema, 'subscription')}) as any`;
