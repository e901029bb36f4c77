/**
 * When users are told by mail of what is said in their rooms, as they said it, and who takes part by mail alone. What holds where they say nothing is
 * the domain's (`policyIn`).
 */
import type { ReplyAddressIssued } from '@tidings/contracts/events/gateway';
import type { Recorded } from '@tidings/contracts/events/index';
import type { MailPolicySet, NoticesEvent } from '@tidings/contracts/events/notices';
import type { SubjectErased } from '@tidings/contracts/events/user';
import type { RoomId } from '@tidings/contracts/ids';
import type { Projection, ProjectionTx } from '@tidings/contracts/projection';

export * from './queries.ts';

const tables = (schema: string): string => `
  create table ${schema}.standard (
    user_id uuid primary key,
    policy text not null
  );
  create table ${schema}.room (
    user_id uuid not null,
    room_id uuid not null,
    policy text not null,
    primary key (user_id, room_id)
  );
  create table ${schema}.digest (
    user_id uuid primary key,
    time_zone text not null,
    times json not null
  );
  create table ${schema}.outsider (
    room_id uuid not null,
    user_id uuid not null,
    primary key (room_id, user_id)
  );
  create index on ${schema}.room (room_id);`;

export const mailPolicies: Projection = {
  name: 'mail-policies',
  version: 2,
  urgent: true,
  handles: ['MailPolicySet', 'DigestTimesSet', 'ReplyAddressIssued', 'SubjectErased'],
  tables,
  // People say it now and then: one statement each keeps the order simple.
  apply: async (page, tx) => {
    for (const event of page) if (isHandled(event)) await applyOne(event, tx);
  },
};

type Handled = Recorded<NoticesEvent | ReplyAddressIssued | SubjectErased>;
const isHandled = (event: Recorded): event is Handled => mailPolicies.handles.includes(event.type);

const applyOne = async (event: Handled, tx: ProjectionTx): Promise<void> => {
  const { schema } = tx;
  switch (event.type) {
    case 'MailPolicySet':
      return event.data.roomId === null ? setStandard(event.data, tx) : setRoom(event.data, event.data.roomId, tx);
    case 'DigestTimesSet': {
      const { userId, timeZone, times } = event.data;
      await tx.query(
        `insert into ${schema}.digest (user_id, time_zone, times) values ($1, $2, $3)
         on conflict (user_id) do update set time_zone = excluded.time_zone, times = excluded.times`,
        [userId, timeZone, JSON.stringify(times)],
      );
      return;
    }
    case 'ReplyAddressIssued': {
      const { conversationId, userId, outsider } = event.data;
      if (!outsider) return;
      await tx.query(`insert into ${schema}.outsider (room_id, user_id) values ($1, $2) on conflict do nothing`, [conversationId, userId]);
      return;
    }
    case 'SubjectErased':
      for (const table of ['standard', 'room', 'digest', 'outsider']) {
        await tx.query(`delete from ${schema}.${table} where user_id = $1`, [event.data.userId]);
      }
  }
};

type Policy = MailPolicySet['data'];

const setStandard = async ({ userId, policy }: Policy, tx: ProjectionTx): Promise<void> => {
  if (policy === null) return void (await tx.query(`delete from ${tx.schema}.standard where user_id = $1`, [userId]));
  await tx.query(
    `insert into ${tx.schema}.standard (user_id, policy) values ($1, $2) on conflict (user_id) do update set policy = excluded.policy`,
    [userId, policy],
  );
};

const setRoom = async ({ userId, policy }: Policy, roomId: RoomId, tx: ProjectionTx): Promise<void> => {
  if (policy === null) return void (await tx.query(`delete from ${tx.schema}.room where user_id = $1 and room_id = $2`, [userId, roomId]));
  await tx.query(
    `insert into ${tx.schema}.room (user_id, room_id, policy) values ($1, $2, $3)
     on conflict (user_id, room_id) do update set policy = excluded.policy`,
    [userId, roomId, policy],
  );
};
