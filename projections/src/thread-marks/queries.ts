/** What readers ask of labels and shares. */
import { nullable, oneOf } from '@tidings/contracts/codec';
import { LabelId, MailboxId, ThreadId } from '@tidings/contracts/ids';
import { rows } from '@tidings/contracts/sql-rows';
import * as t from 'io-ts';
import { sql } from 'slonik';
import { tableIn } from '../chat-view/tables.ts';

const LabelRow = t.readonly(t.type({ id: LabelId, name: t.string, color: t.string, description: nullable(t.string), auto: t.boolean }));
export type LabelRow = t.TypeOf<typeof LabelRow>;

const labelColumns = sql.fragment`label_id as id, name, color, description, auto`;

/** Index label_of_mailbox. */
export const labelsOf = (schema: string, mailbox: MailboxId) =>
  sql.type(
    rows(LabelRow),
  )`select ${labelColumns} from ${tableIn(schema, 'label')} where mailbox_id = ${mailbox} order by lower(name), name`;

/** The mailbox's label of this id. Primary key. */
export const labelById = (schema: string, mailbox: MailboxId, label: LabelId) =>
  sql.type(rows(LabelRow))`select ${labelColumns} from ${tableIn(schema, 'label')} where label_id = ${label} and mailbox_id = ${mailbox}`;

/** Which mailbox a label is of. Primary key. */
export const mailboxOfLabel = (schema: string, label: LabelId) =>
  sql.type(
    rows(t.readonly(t.type({ mailboxId: MailboxId }))),
  )`select mailbox_id as "mailboxId" from ${tableIn(schema, 'label')} where label_id = ${label}`;

/** Of these labels those that there are, by name. Primary key. */
export const labelsAmong = (schema: string, labels: readonly LabelId[]) =>
  sql.type(
    rows(t.readonly(t.type({ id: LabelId }))),
  )`select label_id as id from ${tableIn(schema, 'label')} where label_id = any(${sql.array(labels, 'uuid')}) order by lower(name), label_id`;

const ShareRow = t.readonly(t.type({ threadId: ThreadId, mailboxId: MailboxId, role: oneOf('viewer', 'editor') }));

/** Who has these threads from another mailbox, and what they may do. Primary key. */
export const sharesOf = (schema: string, threads: readonly ThreadId[]) => sql.type(rows(ShareRow))`
  select thread_id as "threadId", mailbox_id as "mailboxId", role from ${tableIn(schema, 'share')}
  where thread_id = any(${sql.array(threads, 'uuid')}) order by thread_id, mailbox_id`;
