/** What readers ask of storage. */
import { type MailboxId, ThreadId } from '@tidings/contracts/ids';
import { rows } from '@tidings/contracts/sql-rows';
import * as t from 'io-ts';
import { sql } from 'slonik';
import { tableIn } from '../chat-view/tables.ts';

/** No row for a mailbox that never held anything. Primary key. */
export const usageOf = (schema: string, mailbox: MailboxId) =>
  sql.type(
    rows(t.readonly(t.type({ bytes: t.number, emails: t.number }))),
  )`select bytes::float8 as bytes, emails from ${tableIn(schema, 'mailbox_size')} where mailbox_id = ${mailbox}`;

/** The largest first. Index thread_size (mailbox_id, bytes desc, thread_id). */
export const largestThreads = (schema: string, mailbox: MailboxId, limit: number) => sql.type(
  rows(t.readonly(t.type({ threadId: ThreadId, bytes: t.number, emails: t.number }))),
)`select thread_id as "threadId", bytes::float8 as bytes, emails from ${tableIn(schema, 'thread_size')}
  where mailbox_id = ${mailbox} order by bytes desc, thread_id limit ${limit}`;
