/** What is asked of mappings: by the gateway, to find where an answer belongs; by members, to see how it was found. */
import { nullable, oneOf } from '@tidings/contracts/codec';
import { Disagreement, Strategy, Sureness } from '@tidings/contracts/events/gateway';
import { ConversationId, GatewayMailId, MessageId, UserId } from '@tidings/contracts/ids';
import { rows } from '@tidings/contracts/sql-rows';
import { Timestamp } from '@tidings/contracts/time';
import * as t from 'io-ts';
import { sql } from 'slonik';
import { tableIn } from '../chat-view/tables.ts';

const MappingRow = t.readonly(
  t.type({
    conversationId: ConversationId,
    direction: oneOf('in', 'out'),
    userId: UserId,
    emailMessageId: nullable(t.string),
    senderEmail: nullable(t.string),
    subjectNormalized: nullable(t.string),
    replyToToken: nullable(t.string),
    strategy: Strategy,
    sureness: Sureness,
    disagreeing: t.readonlyArray(Disagreement),
    messageId: nullable(MessageId),
    mailId: nullable(GatewayMailId),
    createdAt: Timestamp,
  }),
);
export type MappingRow = t.TypeOf<typeof MappingRow>;

const columns = sql.fragment`conversation_id as "conversationId", direction, user_id as "userId", email_message_id as "emailMessageId",
  sender as "senderEmail", subject as "subjectNormalized", reply_to_token as "replyToToken", strategy, sureness, disagreeing,
  message_id as "messageId", mail_id as "mailId", created_at as "createdAt"`;

/** Of one conversation, the oldest first. Index (conversation_id, position). */
export const mappingsOf = (schema: string, conversation: ConversationId, limit: number) => sql.type(rows(MappingRow))`
  select ${columns} from ${tableIn(schema, 'mapping')} where conversation_id = ${conversation} order by position limit ${limit}`;

const FoundRow = t.readonly(t.intersection([MappingRow, t.type({ by: oneOf('id', 'subject') })]));

export interface Sought {
  /** Message-IDs in angle brackets. */
  readonly messageIds: readonly string[];
  readonly sender: string;
  /** Empty: nothing is found by it. */
  readonly subject: string;
  /** For what is found by sender and subject, inclusive. */
  readonly since: Timestamp;
}

/**
 * `by` one of these Message-IDs, the newest first; and the newest `by` this sender and subject. Indexes md5 (email_message_id), md5 (sender, subject).
 */
export const mappingsFor = (schema: string, { messageIds, sender, subject, since }: Sought) => sql.prepared(
  `${schema} mappings for`,
  rows(FoundRow),
)`
  (select 'id' as by, ${columns} from ${tableIn(schema, 'mapping')}
   where md5(email_message_id) = any(array(select md5(one) from unnest(${sql.array(messageIds, 'text')}) one))
     and email_message_id = any(${sql.array(messageIds, 'text')})
   order by position desc)
  union all
  (select 'subject' as by, ${columns} from ${tableIn(schema, 'mapping')}
   where ${subject}::text <> '' and md5(sender || ' ' || subject) = md5(${sender}::text || ' ' || ${subject}::text)
     and sender = ${sender} and subject = ${subject} and created_at >= ${since}
   order by position desc limit 1)`;

/** What went to someone last in a conversation: what a mail to them answers. Index (conversation_id, position). */
export const lastMailedTo = (schema: string, conversation: ConversationId, userId: UserId) => sql.type(rows(MappingRow))`
  select ${columns} from ${tableIn(schema, 'mapping')}
  where conversation_id = ${conversation} and user_id = ${userId} and direction = 'out' order by position desc limit 1`;

/** What went to someone or came from them last in a conversation: what the next mail to them goes on from. Index (conversation_id, position). */
export const lastMailWith = (schema: string, conversation: ConversationId, userId: UserId) => sql.type(rows(MappingRow))`
  select ${columns} from ${tableIn(schema, 'mapping')}
  where conversation_id = ${conversation} and user_id = ${userId} and email_message_id is not null order by position desc limit 1`;

/** The mail to or from someone that a chat message stands for. Index (conversation_id, position). */
export const mailOfMessage = (schema: string, conversation: ConversationId, userId: UserId, message: MessageId) => sql.type(
  rows(MappingRow),
)`
  select ${columns} from ${tableIn(schema, 'mapping')}
  where conversation_id = ${conversation} and user_id = ${userId} and message_id = ${message} and email_message_id is not null
  order by position desc limit 1`;

const CameRow = t.readonly(t.type({ at: Timestamp }));

/** When the last mails of someone came into a conversation since then. Index (conversation_id, user_id, created_at) of those. */
export const mailsWithin = (
  schema: string,
  { conversationId, userId }: Pick<MappingRow, 'conversationId' | 'userId'>,
  { since, limit }: { readonly since: Timestamp; readonly limit: number },
) => sql.type(rows(CameRow))`
  select created_at as at from ${tableIn(schema, 'mapping')}
  where conversation_id = ${conversationId} and user_id = ${userId} and direction = 'in' and created_at >= ${since}
  order by created_at desc limit ${limit}`;
