/** Calls that wait to be made, in Postgres (`migrateOutbound`). Whoever holds the notifier's lease adds and makes them; others only look, and retry by hand. */
import type { EventId, UserId, WebhookId } from '@tidings/contracts/ids';
import type { Position } from '@tidings/contracts/ports/event-log';
import type { Timestamp } from '@tidings/contracts/time';
import type { ClientBase, Pool } from 'pg';

/** A call to make: what stands at a place of the feed, to a target. */
export interface NewDelivery {
  readonly id: EventId;
  readonly lane: string;
  readonly target: string;
  readonly toldId: EventId;
  readonly type: string;
  readonly position: Position;
  readonly index: number;
  readonly toUsers: readonly UserId[] | null;
}

export interface Delivery extends NewDelivery {
  readonly attempts: number;
  readonly since: Timestamp;
  readonly nextAt: Timestamp;
}

/** As administrators see it. */
export interface DeliveryStatus {
  readonly id: EventId;
  readonly type: string;
  readonly state: 'waiting' | 'dead';
  readonly attempts: number;
  readonly createdAt: Timestamp;
  readonly lastAttemptAt: Timestamp | null;
  readonly lastError: string | null;
  readonly nextAttemptAt: Timestamp | null;
}

export interface Failure {
  readonly error: string;
  /** Milliseconds since the epoch; null: there will be no further attempt. */
  readonly nextAt: number | null;
}

export const webhookLane = (id: WebhookId | string): string => `webhook:${id}`;

/** In the transaction that moves the notifier's checkpoint. Adding one again changes nothing. */
export const addDeliveries = async (client: ClientBase, added: readonly NewDelivery[]): Promise<void> => {
  if (added.length === 0) return;
  await client.query(
    `insert into outbound.delivery (delivery_id, lane, target, told_id, type, position, index, to_users)
     select id, lane, target, told_id, type, position, index, to_users::uuid[]
     from unnest($1::uuid[], $2::text[], $3::text[], $4::uuid[], $5::text[], $6::text[], $7::int[], $8::text[])
       as added (id, lane, target, told_id, type, position, index, to_users)
     on conflict do nothing`,
    [
      added.map((one) => one.id),
      added.map((one) => one.lane),
      added.map((one) => one.target),
      added.map((one) => one.toldId),
      added.map((one) => one.type),
      added.map((one) => one.position),
      added.map((one) => one.index),
      added.map((one) => (one.toUsers === null ? null : `{${one.toUsers.join(',')}}`)),
    ],
  );
};

/** Lanes that have something to do, now or later. */
export const lanesWaiting = async (pool: Pool): Promise<readonly string[]> => {
  const { rows } = await pool.query<{ lane: string }>(
    // One step of the index delivery_due per lane, however long the lanes are.
    `with recursive lanes as (
       (select lane from outbound.delivery where state = 'waiting' order by lane limit 1)
       union all
       select (select d.lane from outbound.delivery d where d.state = 'waiting' and d.lane > lanes.lane order by d.lane limit 1)
       from lanes where lanes.lane is not null
     )
     select lane from lanes where lane is not null`,
  );
  return rows.map((row) => row.lane);
};

/** What a lane has to do next, due or not; the first due comes first. Those in `besides` are being done. Index delivery_due. */
export const nextOf = async (pool: Pool, lane: string, besides: readonly EventId[], limit: number): Promise<readonly Delivery[]> => {
  const { rows } = await pool.query<Delivery>({
    name: 'outbound_next',
    text: `select delivery_id as id, lane, target, told_id as "toldId", type, position, index, to_users as "toUsers", attempts, since, next_at as "nextAt"
           from outbound.delivery
           where lane = $1 and state = 'waiting' and delivery_id <> all($2::uuid[])
           order by next_at, position, index limit $3`,
    values: [lane, [...besides], limit],
  });
  return rows;
};

/** Taken, or no longer wanted. */
export const removeDeliveries = async (pool: Pool, ids: readonly EventId[]): Promise<void> => {
  await pool.query('delete from outbound.delivery where delivery_id = any($1::uuid[])', [[...ids]]);
};

export const noteFailure = async (pool: Pool, id: EventId, { error, nextAt }: Failure): Promise<void> => {
  await pool.query(
    `update outbound.delivery
     set attempts = attempts + 1, last_attempt_at = clock_timestamp(), last_error = $2,
       state = case when $3::double precision is null then 'dead' else 'waiting' end,
       next_at = coalesce(to_timestamp($3::double precision / 1000), next_at)
     where delivery_id = $1 and state = 'waiting'`,
    [id, error.slice(0, 500), nextAt],
  );
};

/** Of a target that is gone. */
export const removeDeliveriesTo = async (pool: Pool, target: string): Promise<void> => {
  await pool.query('delete from outbound.delivery where target = $1', [target]);
};

export interface DeliveryPage {
  readonly state: 'waiting' | 'dead' | null;
  /** The last one of the page before. */
  readonly after: EventId | null;
  readonly limit: number;
}

/** Oldest first, as the feed orders them. Index delivery_of_target. */
export const deliveriesTo = async (
  pool: Pool,
  target: string,
  { state, after, limit }: DeliveryPage,
): Promise<readonly DeliveryStatus[]> => {
  const { rows } = await pool.query<DeliveryStatus>(
    `select delivery_id as id, type, state, attempts, created_at as "createdAt", last_attempt_at as "lastAttemptAt",
       last_error as "lastError", case when state = 'waiting' then next_at end as "nextAttemptAt"
     from outbound.delivery
     where target = $1 and ($2::text is null or state = $2)
       and ($3::uuid is null or (position, index, delivery_id) > (select position, index, delivery_id from outbound.delivery where delivery_id = $3))
     order by position, index, delivery_id limit $4`,
    [target, state, after, limit],
  );
  return rows;
};

/** As if it were new. @returns false when the target has no such delivery */
export const retryNow = async (pool: Pool, target: string, id: EventId): Promise<boolean> => {
  const { rowCount } = await pool.query(
    `update outbound.delivery set state = 'waiting', attempts = 0, since = clock_timestamp(), next_at = clock_timestamp()
     where delivery_id = $2 and target = $1`,
    [target, id],
  );
  return rowCount === 1;
};

const DEAD_DAYS = 30;
/** Dead letters that nobody looked after. */
export const forgetDead = async (pool: Pool): Promise<void> => {
  await pool.query(
    `delete from outbound.delivery where state = 'dead' and last_attempt_at < clock_timestamp() - make_interval(days => $1)`,
    [DEAD_DAYS],
  );
};
