/** What readers ask of contacts. */
import { nullable } from '@tidings/contracts/codec';
import { ContactId, type MailboxId } from '@tidings/contracts/ids';
import { rows } from '@tidings/contracts/sql-rows';
import { Timestamp } from '@tidings/contracts/time';
import * as t from 'io-ts';
import { sql, type FragmentSqlToken } from 'slonik';
import { tableIn } from '../chat-view/tables.ts';
import { patternsOf } from './words.ts';

const ContactRow = t.readonly(
  t.type({
    id: ContactId,
    email: t.string,
    name: nullable(t.string),
    saved: t.boolean,
    times: t.number,
    lastSeenAt: nullable(Timestamp),
  }),
);
export type ContactRow = t.TypeOf<typeof ContactRow>;

const select = (schema: string, mailbox: MailboxId): FragmentSqlToken => sql.fragment`
  select c.contact_id as id, c.email, case when c.state = 'saved' then c.saved_name else c.learnt_name end as name,
    c.state = 'saved' as saved, c.times, c.last_seen_at as "lastSeenAt"
  from ${tableIn(schema, 'contact')} c
  where c.mailbox_id = ${mailbox} and c.state <> 'removed'
    and not exists (select from ${tableIn(schema, 'own')} o where o.mailbox_id = c.mailbox_id and o.email = c.email)`;

/** By address, behind `after`. Primary key. */
export const contactsIn = (schema: string, mailbox: MailboxId, after: string | null, limit: number) => sql.type(rows(ContactRow))`
  ${select(schema, mailbox)} ${after === null ? sql.fragment`` : sql.fragment`and c.email > ${after}`}
  order by c.email limit ${limit}`;

/** Those that `typed` may mean, the most likely first. Walks the mailbox's contacts by primary key. */
export const contactsLike = (schema: string, mailbox: MailboxId, typed: string, limit: number) => sql.type(rows(ContactRow))`
  ${select(schema, mailbox)}
    and case when c.state = 'saved' then c.saved_words else c.words end like all (${sql.array(patternsOf(typed), 'text')})
  order by c.times desc, c.last_seen_at desc nulls last, c.email limit ${limit}`;

/** Index contact (mailbox_id, contact_id). */
export const contactById = (schema: string, mailbox: MailboxId, contact: ContactId) => sql.type(rows(ContactRow))`
  ${select(schema, mailbox)} and c.contact_id = ${contact}`;
