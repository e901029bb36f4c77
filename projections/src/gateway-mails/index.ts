/** What came in by the gateway and what became of it: held mails for members to decide, and the gateway's figures. */
import type { GatewayMailReceived, GatewayMailSettled, HeldMailConfirmed, HeldMailRefused } from '@tidings/contracts/events/gateway-mail';
import type { Recorded } from '@tidings/contracts/events/index';
import type { GatewayMailId } from '@tidings/contracts/ids';
import type { SubjectErased } from '@tidings/contracts/events/user';
import type { Projection, ProjectionTx } from '@tidings/contracts/projection';
import { reveal } from '@tidings/contracts/sealed';
import { storable } from '../chat-view/people.ts';

export * from './queries.ts';

/** `outcome` is null until the gateway is done with it; `claim` is that of a held mail, null once its sender is erased. `settled_at` is the first time. */
const tables = (schema: string): string => `
  create table ${schema}.mail (
    mail_id uuid primary key,
    door text not null,
    sender_id uuid not null,
    blob_id text not null,
    received_at timestamptz not null,
    outcome text,
    reason text,
    conversation_id uuid,
    user_id uuid,
    claim jsonb,
    decision text,
    settled_at timestamptz
  );
  create index on ${schema}.mail (sender_id) where claim is not null;`;

const indexes = (schema: string): string => `
  create index on ${schema}.mail (conversation_id, received_at, mail_id) where outcome = 'held' and decision is null;
  create index on ${schema}.mail (settled_at, outcome);`;

/** Mails that are received or settled one behind the other are one statement; nothing is said of a mail before it is received. */
const apply = async (page: readonly Recorded[], tx: ProjectionTx): Promise<void> => {
  await insert(
    page.filter((event): event is Recorded<GatewayMailReceived> => event.type === 'GatewayMailReceived'),
    tx,
  );
  const settled = new Map<GatewayMailId, Recorded<GatewayMailSettled>>();
  const settleSoFar = async (): Promise<void> => {
    await settle([...settled.values()], tx);
    settled.clear();
  };
  for (const event of page) {
    if (event.type === 'GatewayMailSettled') {
      if (settled.has(event.data.mailId)) await settleSoFar();
      settled.set(event.data.mailId, event);
    } else if (event.type === 'HeldMailConfirmed' || event.type === 'HeldMailRefused' || event.type === 'SubjectErased') {
      await settleSoFar();
      await applyOne(event, tx);
    }
  }
  await settleSoFar();
};

export const gatewayMails: Projection = {
  name: 'gateway-mails',
  version: 1,
  // Of commands, only a member's word on a held mail waits for it.
  unhurried: true,
  handles: ['GatewayMailReceived', 'GatewayMailSettled', 'HeldMailConfirmed', 'HeldMailRefused', 'SubjectErased'],
  tables,
  indexes,
  apply,
};

const insert = async (events: readonly Recorded<GatewayMailReceived>[], tx: ProjectionTx): Promise<void> => {
  if (events.length === 0) return;
  await tx.query(
    `insert into ${tx.schema}.mail (mail_id, door, sender_id, blob_id, received_at)
     select * from unnest($1::uuid[], $2::text[], $3::uuid[], $4::text[], $5::timestamptz[])`,
    [
      ...[events.map(({ data }) => data.mailId), events.map(({ data }) => data.door), events.map(({ data }) => data.senderId)],
      ...[events.map(({ data }) => data.blobId), events.map(({ recordedAt }) => recordedAt)],
    ],
  );
};

/** Each of another mail. */
const settle = async (events: readonly Recorded<GatewayMailSettled>[], tx: ProjectionTx): Promise<void> => {
  if (events.length === 0) return;
  const told = ({ claim }: GatewayMailSettled['data']): string | null => {
    const shown = reveal(claim, null);
    return shown === null ? null : storable(JSON.stringify(shown).replaceAll('\\u0000', ''));
  };
  const column = <A>(value: (data: GatewayMailSettled['data']) => A): readonly A[] => events.map(({ data }) => value(data));
  await tx.query(
    `update ${tx.schema}.mail set outcome = new.outcome, reason = new.reason, conversation_id = new.conversation_id, user_id = new.user_id,
       claim = new.claim, settled_at = coalesce(mail.settled_at, new.at)
     from unnest($1::uuid[], $2::text[], $3::text[], $4::uuid[], $5::uuid[], $6::jsonb[], $7::timestamptz[])
       as new (mail_id, outcome, reason, conversation_id, user_id, claim, at)
     where mail.mail_id = new.mail_id`,
    [
      ...[column(({ mailId }) => mailId), column(({ outcome }) => outcome), column(({ reason }) => reason)],
      ...[column(({ conversationId }) => conversationId), column(({ userId }) => userId), column(told)],
      events.map(({ recordedAt }) => recordedAt),
    ],
  );
};

const applyOne = async (event: Recorded<HeldMailConfirmed | HeldMailRefused | SubjectErased>, tx: ProjectionTx): Promise<void> => {
  if (event.type === 'SubjectErased') {
    await tx.query(`update ${tx.schema}.mail set claim = null where sender_id = $1`, [event.data.userId]);
    return;
  }
  const decision = event.type === 'HeldMailConfirmed' ? 'confirmed' : 'refused';
  await tx.query(`update ${tx.schema}.mail set decision = $2, claim = null where mail_id = $1`, [event.data.mailId, decision]);
};
