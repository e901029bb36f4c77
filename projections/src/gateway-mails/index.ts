/** What came in by the gateway and what became of it: held mails for members to decide, and the gateway's figures. */
import type { GatewayMailReceived, GatewayMailSettled, HeldMailConfirmed, HeldMailRefused } from '@tidings/contracts/events/gateway-mail';
import type { Recorded } from '@tidings/contracts/events/index';
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

const apply = async (page: readonly Recorded[], tx: ProjectionTx): Promise<void> => {
  for (const event of page) if (isHandled(event)) await applyOne(event, tx);
};

export const gatewayMails: Projection = {
  name: 'gateway-mails',
  version: 1,
  handles: ['GatewayMailReceived', 'GatewayMailSettled', 'HeldMailConfirmed', 'HeldMailRefused', 'SubjectErased'],
  tables,
  indexes,
  apply,
};

type Handled = Recorded<GatewayMailReceived | GatewayMailSettled | HeldMailConfirmed | HeldMailRefused | SubjectErased>;
const isHandled = (event: Recorded): event is Handled => gatewayMails.handles.includes(event.type);

const applyOne = async (event: Handled, tx: ProjectionTx): Promise<void> => {
  const table = `${tx.schema}.mail`;
  switch (event.type) {
    case 'GatewayMailReceived': {
      const { mailId, door, senderId, blobId } = event.data;
      await tx.query(`insert into ${table} (mail_id, door, sender_id, blob_id, received_at) values ($1, $2, $3, $4, $5)`, [
        ...[mailId, door, senderId, blobId, event.recordedAt],
      ]);
      return;
    }
    case 'GatewayMailSettled': {
      const { mailId, outcome, reason, conversationId, userId, claim } = event.data;
      const shown = reveal(claim, null);
      const told = shown === null ? null : storable(JSON.stringify(shown).replaceAll('\\u0000', ''));
      await tx.query(
        `update ${table} set outcome = $2, reason = $3, conversation_id = $4, user_id = $5, claim = $6::jsonb, settled_at = coalesce(settled_at, $7)
         where mail_id = $1`,
        [mailId, outcome, reason, conversationId, userId, told, event.recordedAt],
      );
      return;
    }
    case 'HeldMailConfirmed':
    case 'HeldMailRefused':
      await tx.query(`update ${table} set decision = $2, claim = null where mail_id = $1`, [
        event.data.mailId,
        event.type === 'HeldMailConfirmed' ? 'confirmed' : 'refused',
      ]);
      return;
    case 'SubjectErased':
      await tx.query(`update ${table} set claim = null where sender_id = $1`, [event.data.userId]);
  }
};
