/** The table of mails that told members of messages: to know whose news it is, what to call off, and what is read with what. */
import type { EmailId, MailboxId, MessageId, RoomId, ThreadId, UserId } from '@tidings/contracts/ids';
import type { Pool } from 'pg';

/** One message in one mail to one member. */
export interface Mailed {
  readonly emailId: EmailId;
  readonly messageId: MessageId;
  readonly roomId: RoomId;
  readonly userId: UserId;
  /** The email that it is in the member's own mailbox, if that is one of ours. */
  readonly receivedAs: EmailId;
  readonly isRead: boolean;
  /** Where that is filed; null until it is, and for mailboxes elsewhere. */
  readonly mailboxId: MailboxId | null;
  readonly threadId: ThreadId | null;
}

const columns = `email_id as "emailId", message_id as "messageId", room_id as "roomId", user_id as "userId", received_as as "receivedAs",
  is_read as "isRead", mailbox_id as "mailboxId", thread_id as "threadId"`;
const select = async (pool: Pool, where: string, values: readonly unknown[]): Promise<readonly Mailed[]> =>
  (await pool.query<Mailed>(`select ${columns} from gateway_out.mailed where ${where} order by message_id`, [...values])).rows;

/** Before it is queued. Once more changes nothing. */
export const rememberMailed = async (
  pool: Pool,
  messages: readonly Pick<Mailed, 'emailId' | 'messageId' | 'roomId' | 'userId' | 'receivedAs'>[],
): Promise<void> => {
  await pool.query(
    `insert into gateway_out.mailed (email_id, message_id, room_id, user_id, received_as)
     select * from unnest($1::uuid[], $2::uuid[], $3::uuid[], $4::uuid[], $5::uuid[]) on conflict do nothing`,
    [
      ...[messages.map((one) => one.emailId), messages.map((one) => one.messageId), messages.map((one) => one.roomId)],
      ...[messages.map((one) => one.userId), messages.map((one) => one.receivedAs)],
    ],
  );
};

/** What lies in a member's mailbox already, and is on no way any more. Once more changes nothing. */
export const rememberRead = async (
  pool: Pool,
  one: Omit<Mailed, 'isRead'> & { readonly mailboxId: MailboxId; readonly threadId: ThreadId },
): Promise<void> => {
  await pool.query(
    `insert into gateway_out.mailed (email_id, message_id, room_id, user_id, received_as, mailbox_id, thread_id, under_way)
     values ($1, $2, $3, $4, $5, $6, $7, false) on conflict do nothing`,
    [one.emailId, one.messageId, one.roomId, one.userId, one.receivedAs, one.mailboxId, one.threadId],
  );
};

/** Primary key. */
export const mailedIn = (pool: Pool, emailId: EmailId): Promise<readonly Mailed[]> => select(pool, 'email_id = $1', [emailId]);

/** Mails of these that nothing was heard of for good. Indexes mailed_message, mailed_unread. */
export const underWayOf = (pool: Pool, messageId: MessageId): Promise<readonly Mailed[]> =>
  select(pool, 'message_id = $1 and under_way', [messageId]);
export const underWayTo = (pool: Pool, roomId: RoomId, userId: UserId): Promise<readonly Mailed[]> =>
  select(pool, 'room_id = $1 and user_id = $2 and under_way', [roomId, userId]);

/** Nothing more will be heard of it, or something may be again. */
export const setUnderWay = async (pool: Pool, emailId: EmailId, underWay: boolean): Promise<void> => {
  await pool.query('update gateway_out.mailed set under_way = $2 where email_id = $1', [emailId, underWay]);
};

/** Of a member in a room, as far as they are not read. Index mailed_unread. */
export const unreadTo = (pool: Pool, roomId: RoomId, userId: UserId): Promise<readonly Mailed[]> =>
  select(pool, 'room_id = $1 and user_id = $2 and not is_read', [roomId, userId]);
/** Of a thread. Index mailed_thread. */
export const unreadIn = (pool: Pool, threadId: ThreadId, mailboxId: MailboxId): Promise<readonly Mailed[]> =>
  select(pool, 'thread_id = $1 and mailbox_id = $2 and not is_read', [threadId, mailboxId]);

export const setRead = async (pool: Pool, those: readonly Mailed[]): Promise<void> => {
  await pool.query(
    `update gateway_out.mailed m set is_read = true from unnest($1::uuid[], $2::uuid[]) as of (email_id, message_id)
     where m.email_id = of.email_id and m.message_id = of.message_id`,
    [those.map((one) => one.emailId), those.map((one) => one.messageId)],
  );
};

/** Where a mail of ours lies in its reader's mailbox; what was not one of ours changes nothing. @returns what it told of. Index mailed_received. */
export const setFiled = async (
  pool: Pool,
  { emailId, mailboxId, threadId }: { readonly emailId: EmailId; readonly mailboxId: MailboxId; readonly threadId: ThreadId },
): Promise<readonly Mailed[]> => {
  const { rows } = await pool.query<Mailed>(
    `update gateway_out.mailed set mailbox_id = $2, thread_id = $3 where received_as = $1 and (mailbox_id is null or mailbox_id = $2) returning ${columns}`,
    [emailId, mailboxId, threadId],
  );
  return rows;
};
