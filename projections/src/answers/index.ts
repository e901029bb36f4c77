/** What mailboxes answer without anybody writing it, and which requests for a read receipt were answered. */
import { oneOf } from '@tidings/contracts/codec';
import { AnswerSchedule, AnswerText, ReceiptPolicy } from '@tidings/contracts/events/answering';
import type { AutoreplyRemoved, AutoreplySet, ReceiptAnswered, ReceiptPolicySet } from '@tidings/contracts/events/answering';
import type { Recorded } from '@tidings/contracts/events/index';
import type { MailboxClosed } from '@tidings/contracts/events/mailbox';
import { EmailId, MailboxId } from '@tidings/contracts/ids';
import type { Projection, ProjectionTx } from '@tidings/contracts/projection';
import { isShredded } from '@tidings/contracts/sealed';
import { rows } from '@tidings/contracts/sql-rows';
import * as t from 'io-ts';
import { sql } from 'slonik';
import { storable } from '../chat-view/people.ts';
import { tableIn } from '../chat-view/tables.ts';

/** A mailbox without a row asks, as all do until somebody says otherwise. */
const tables = (schema: string): string => `
  create table ${schema}.autoreply (
    mailbox_id uuid primary key,
    is_active boolean not null,
    schedule json not null,
    content json not null
  );
  create table ${schema}.receipt_policy (
    mailbox_id uuid primary key,
    policy text not null
  );
  create table ${schema}.receipt (
    email_id uuid not null,
    mailbox_id uuid not null,
    answer text not null,
    primary key (email_id, mailbox_id)
  );`;

export const answers: Projection = {
  name: 'answers',
  version: 1,
  handles: ['AutoreplySet', 'AutoreplyRemoved', 'ReceiptPolicySet', 'ReceiptAnswered', 'MailboxClosed'],
  tables,
  // People say these one by one: one statement each keeps the order simple.
  apply: async (page, tx) => {
    for (const event of page) if (isHandled(event)) await applyOne(event, tx);
  },
};

type Handled = Recorded<AutoreplySet | AutoreplyRemoved | ReceiptPolicySet | ReceiptAnswered | MailboxClosed>;
const isHandled = (event: Recorded): event is Handled => answers.handles.includes(event.type);

/** Primary keys. */
const applyOne = async (event: Handled, tx: ProjectionTx): Promise<void> => {
  const { schema } = tx;
  const { mailboxId } = event.data;
  switch (event.type) {
    case 'AutoreplySet': {
      const { isActive, schedule, content } = event.data;
      if (isShredded(content)) return; // its mailbox is about to be closed
      const { subject, text, html } = content;
      const said = { subject: storable(subject), text: storable(text), html: storable(html) };
      await tx.query(
        `insert into ${schema}.autoreply (mailbox_id, is_active, schedule, content) values ($1, $2, $3, $4)
         on conflict (mailbox_id) do update set is_active = excluded.is_active, schedule = excluded.schedule, content = excluded.content`,
        [mailboxId, isActive, JSON.stringify(schedule), JSON.stringify(said)],
      );
      return;
    }
    case 'AutoreplyRemoved':
      await tx.query(`delete from ${schema}.autoreply where mailbox_id = $1`, [mailboxId]);
      return;
    case 'ReceiptPolicySet':
      await tx.query(
        `insert into ${schema}.receipt_policy (mailbox_id, policy) values ($1, $2) on conflict (mailbox_id) do update set policy = excluded.policy`,
        [mailboxId, event.data.policy],
      );
      return;
    case 'ReceiptAnswered':
      await tx.query(`insert into ${schema}.receipt (email_id, mailbox_id, answer) values ($1, $2, $3) on conflict do nothing`, [
        ...[event.data.emailId, mailboxId, event.data.sent ? 'sent' : 'declined'],
      ]);
      return;
    case 'MailboxClosed':
      for (const table of ['autoreply', 'receipt_policy', 'receipt']) {
        await tx.query(`delete from ${schema}.${table} where mailbox_id = $1`, [mailboxId]);
      }
  }
};

const AutoreplyRow = t.readonly(t.type({ isActive: t.boolean, schedule: AnswerSchedule, content: AnswerText }));

/** No row for a mailbox without one. Primary key. */
export const autoreplyOf = (schema: string, mailbox: MailboxId) => sql.type(rows(AutoreplyRow))`
  select is_active as "isActive", schedule, content from ${tableIn(schema, 'autoreply')} where mailbox_id = ${mailbox}`;

/** No row for a mailbox of which nobody said anything. Primary key. */
export const receiptPolicyOf = (schema: string, mailbox: MailboxId) => sql.type(rows(t.readonly(t.type({ policy: ReceiptPolicy }))))`
  select policy from ${tableIn(schema, 'receipt_policy')} where mailbox_id = ${mailbox}`;

const AnsweredRow = t.readonly(t.type({ emailId: EmailId, mailboxId: MailboxId, answer: oneOf('sent', 'declined') }));

/** What was answered about these emails, in whatever mailbox. Primary key. */
export const receiptAnswersOf = (schema: string, emails: readonly EmailId[]) => sql.type(rows(AnsweredRow))`
  select email_id as "emailId", mailbox_id as "mailboxId", answer from ${tableIn(schema, 'receipt')} where email_id = any(${sql.array(emails, 'uuid')})`;
