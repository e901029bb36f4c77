/**
 * Mail of others that became a message and lies in mailboxes of members, too: read as one is read as the other (docs/decisions/062). Whichever is known
 * last, message or mailbox, brings the two together.
 */
import {
  derivedId,
  type EmailId,
  type GatewayMailId,
  type MailboxId,
  type MessageId,
  type RoomId,
  type ThreadId,
} from '@tidings/contracts/ids';
import { mailbox, mailboxKey } from '@tidings/domain/mailbox/index';
import { isMember, room, roomKey } from '@tidings/domain/room/index';
import type { Pool } from 'pg';
import { rememberRead } from './mailed.ts';
import type { OutParts } from './parts.ts';

/** A mail for the gateway that came for mailboxes, too. Once more changes nothing. */
export const rememberArrival = async (pool: Pool, mailId: GatewayMailId, emailId: EmailId): Promise<void> => {
  await pool.query('insert into gateway_out.arrived (mail_id, email_id) values ($1, $2) on conflict do nothing', [mailId, emailId]);
};

/** It became this message; what did not come for mailboxes changes nothing. @returns the email that it is there */
export const arrivedAs = async (
  pool: Pool,
  { mailId, messageId, roomId }: { readonly mailId: GatewayMailId; readonly messageId: MessageId; readonly roomId: RoomId },
): Promise<EmailId | null> => {
  const { rows } = await pool.query<{ email_id: EmailId }>({
    name: 'gateway-out-arrived-as',
    text: 'update gateway_out.arrived set message_id = $2, room_id = $3 where mail_id = $1 returning email_id',
    values: [mailId, messageId, roomId],
  });
  return rows[0]?.email_id ?? null;
};

/** It lies in this mailbox; what is not such a mail changes nothing. @returns whether it is one. Index arrived_email. */
export const arrivedIn = async (
  pool: Pool,
  { emailId, mailboxId, threadId }: { readonly emailId: EmailId; readonly mailboxId: MailboxId; readonly threadId: ThreadId },
): Promise<boolean> => {
  const { rowCount } = await pool.query(
    `insert into gateway_out.arrived_in (email_id, mailbox_id, thread_id)
     select $1, $2, $3 where exists (select from gateway_out.arrived where email_id = $1)
     on conflict (email_id, mailbox_id) do update set thread_id = excluded.thread_id`,
    [emailId, mailboxId, threadId],
  );
  return rowCount === 1;
};

interface Pair {
  readonly messageId: MessageId;
  readonly roomId: RoomId;
  readonly mailboxId: MailboxId;
  readonly threadId: ThreadId;
}

/** Brings together what is known of it. @returns ids by which its mails are remembered. */
export const bringTogether = async (parts: OutParts, emailId: EmailId): Promise<readonly EmailId[]> => {
  const { pool, commands } = parts.platform;
  const { rows } = await pool.query<Pair>(
    `select message_id as "messageId", room_id as "roomId", mailbox_id as "mailboxId", thread_id as "threadId"
     from gateway_out.arrived join gateway_out.arrived_in using (email_id) where email_id = $1 and message_id is not null`,
    [emailId],
  );
  const ids: EmailId[] = [];
  for (const { messageId, roomId, mailboxId, threadId } of rows) {
    const { state: box } = await commands.load(mailbox, mailboxKey(mailboxId));
    const userId = box.kind === 'open' && box.mailboxKind === 'personal' ? box.owner : null;
    if (userId === null || !isMember((await commands.load(room, roomKey(roomId))).state, userId)) continue;
    const id = derivedId<EmailId>('arrived', emailId, mailboxId);
    await rememberRead(pool, { emailId: id, messageId, roomId, userId, receivedAs: emailId, mailboxId, threadId });
    ids.push(id);
  }
  return ids;
};
