/** What is asked of the gateway's mails. */
import { int, nullable } from '@tidings/contracts/codec';
import { HeldClaim } from '@tidings/contracts/events/gateway-mail';
import { BlobId, ConversationId, GatewayMailId, UserId } from '@tidings/contracts/ids';
import { rows } from '@tidings/contracts/sql-rows';
import { Timestamp } from '@tidings/contracts/time';
import * as t from 'io-ts';
import { sql } from 'slonik';
import { tableIn } from '../chat-view/tables.ts';

const HeldRow = t.readonly(
  t.type({
    mailId: GatewayMailId,
    conversationId: ConversationId,
    userId: nullable(UserId),
    reason: nullable(t.string),
    claim: nullable(HeldClaim),
    receivedAt: Timestamp,
  }),
);
export type HeldRow = t.TypeOf<typeof HeldRow>;

/** Those of one conversation that wait for a member, the oldest first. Index (conversation_id, received_at, mail_id) of held ones. */
export const heldMailsOf = (schema: string, conversation: ConversationId, limit: number) => sql.type(rows(HeldRow))`
  select mail_id as "mailId", conversation_id as "conversationId", user_id as "userId", reason, claim, received_at as "receivedAt"
  from ${tableIn(schema, 'mail')} where conversation_id = ${conversation} and outcome = 'held' and decision is null
  order by received_at, mail_id limit ${limit}`;

const MailRow = t.readonly(t.type({ blobId: BlobId, conversationId: nullable(ConversationId), outcome: nullable(t.string) }));

/** Primary key. */
export const gatewayMailById = (schema: string, id: GatewayMailId) => sql.type(rows(MailRow))`
  select blob_id as "blobId", conversation_id as "conversationId", outcome from ${tableIn(schema, 'mail')} where mail_id = ${id}`;

const FiguresRow = t.readonly(t.type({ processed: int(0), failed: int(0) }));

/** Of the day that begins at `since`: a mail counts on the day on which it was first settled, a duplicate on none. Index (settled_at, outcome). */
export const gatewayFigures = (schema: string, since: Timestamp) => sql.type(rows(FiguresRow))`
  select count(*) filter (where outcome in ('posted', 'filed', 'held', 'loop')) as processed, count(*) filter (where outcome = 'refused') as failed
  from ${tableIn(schema, 'mail')} where settled_at >= ${since}`;

const LastRow = t.readonly(t.type({ at: nullable(Timestamp) }));

/** When the last one was done with. Index (settled_at, outcome). */
export const lastGatewayMail = (schema: string) => sql.type(rows(LastRow))`select max(settled_at) as at from ${tableIn(schema, 'mail')}`;
