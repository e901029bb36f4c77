/** Which mail belongs to which conversation of the gateway: how answers find their way, and what members see of it. */
import type { MailMapped } from '@tidings/contracts/events/gateway';
import type { Recorded } from '@tidings/contracts/events/index';
import type { UserId } from '@tidings/contracts/ids';
import type { Projection, ProjectionTx } from '@tidings/contracts/projection';
import { reveal } from '@tidings/contracts/sealed';
import { storable } from '../chat-view/people.ts';

export * from './queries.ts';

/** `email_message_id`, `sender` and `subject` are null once whose mail it was is erased. */
const tables = (schema: string): string => `
  create table ${schema}.mapping (
    position text collate "C" primary key,
    conversation_id uuid not null,
    direction text not null,
    user_id uuid not null,
    email_message_id text,
    sender text,
    subject text,
    reply_to_token text,
    strategy text not null,
    sureness text not null,
    disagreeing jsonb not null,
    message_id uuid,
    mail_id uuid,
    created_at timestamptz not null
  );
  create index on ${schema}.mapping (user_id);`;

const indexes = (schema: string): string => `
  create index on ${schema}.mapping (conversation_id, position);
  create index on ${schema}.mapping (conversation_id, user_id, created_at) where direction = 'in';
  create index on ${schema}.mapping (md5(email_message_id));
  create index on ${schema}.mapping (md5(sender || ' ' || subject), position);`;

const apply = async (page: readonly Recorded[], tx: ProjectionTx): Promise<void> => {
  const mapped = page.filter((event): event is Recorded<MailMapped> => event.type === 'MailMapped');
  const erased = page.flatMap((event): readonly UserId[] => (event.type === 'SubjectErased' ? [event.data.userId] : []));
  await insert(mapped, tx);
  if (erased.length > 0) {
    await tx.query(
      `update ${tx.schema}.mapping set email_message_id = null, sender = null, subject = null where user_id = any($1::uuid[])`,
      [erased],
    );
  }
};

export const mappings: Projection = {
  name: 'mappings',
  version: 1,
  urgent: true,
  handles: ['MailMapped', 'SubjectErased'],
  tables,
  indexes,
  apply,
};

const insert = async (events: readonly Recorded<MailMapped>[], tx: ProjectionTx): Promise<void> => {
  if (events.length === 0) return;
  const column = <A>(value: (data: MailMapped['data'], event: Recorded<MailMapped>) => A): readonly A[] =>
    events.map((event) => value(event.data, event));
  const told = (value: MailMapped['data']['emailMessageId']): string | null => {
    const text = reveal(value, null);
    return text === null ? null : storable(text);
  };
  await tx.query(
    `insert into ${tx.schema}.mapping (position, conversation_id, direction, user_id, email_message_id, sender, subject, reply_to_token,
       strategy, sureness, disagreeing, message_id, mail_id, created_at)
     select * from unnest($1::text[], $2::uuid[], $3::text[], $4::uuid[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[],
       $10::text[], $11::jsonb[], $12::uuid[], $13::uuid[], $14::timestamptz[])`,
    [
      ...[column((_, { position }) => position), column((data) => data.conversationId), column((data) => data.direction)],
      ...[column((data) => data.userId), column((data) => told(data.emailMessageId)), column((data) => told(data.senderEmail))],
      ...[column((data) => told(data.subjectNormalized)), column((data) => data.replyToToken), column((data) => data.strategy)],
      ...[column((data) => data.sureness), column((data) => JSON.stringify(data.disagreeing)), column((data) => data.messageId)],
      ...[column((data) => data.mailId), column((_, { recordedAt }) => recordedAt)],
    ],
  );
};
