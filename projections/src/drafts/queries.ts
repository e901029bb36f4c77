/** What readers ask of drafts and uploads. */
import { int, nullable } from '@tidings/contracts/codec';
import { DraftContent, DraftSummary } from '@tidings/contracts/events/draft';
import { BlobId, DraftId, EmailId, MailboxId, ThreadId, UserId } from '@tidings/contracts/ids';
import { rows } from '@tidings/contracts/sql-rows';
import { Timestamp } from '@tidings/contracts/time';
import * as t from 'io-ts';
import { sql, type FragmentSqlToken } from 'slonik';
import { tableIn } from '../chat-view/tables.ts';

const DraftRow = t.readonly(
  t.type({
    draftId: DraftId,
    mailboxId: MailboxId,
    threadId: nullable(ThreadId),
    revision: int(1),
    /** Null once erased. */
    summary: nullable(DraftSummary),
    updatedAt: Timestamp,
    updatedBy: UserId,
    submission: nullable(t.readonly(t.type({ sendAt: Timestamp, emailId: EmailId, messageId: t.string }))),
  }),
);
export type DraftRow = t.TypeOf<typeof DraftRow>;

const WholeDraftRow = t.readonly(t.intersection([DraftRow, t.type({ content: nullable(DraftContent), contentBlobId: nullable(BlobId) })]));
export type WholeDraftRow = t.TypeOf<typeof WholeDraftRow>;

const columns = sql.fragment`draft_id as "draftId", mailbox_id as "mailboxId", thread_id as "threadId", revision, summary,
  updated_at as "updatedAt", updated_by as "updatedBy", submission`;

/** Primary key. */
export const draftById = (schema: string, draft: DraftId) => sql.type(rows(WholeDraftRow))`
  select ${columns}, content, content_blob_id as "contentBlobId" from ${tableIn(schema, 'draft')} where draft_id = ${draft} and revision > 0`;

/** The one saved last first, behind `after`. Index draft_of_mailbox. */
export const draftsIn = (
  schema: string,
  mailbox: MailboxId,
  after: { readonly at: Timestamp; readonly id: DraftId } | null,
  limit: number,
) => sql.type(rows(DraftRow))`
  select ${columns} from ${tableIn(schema, 'draft')}
  where mailbox_id = ${mailbox} and revision > 0 ${after === null ? sql.fragment`` : sql.fragment`and (updated_at, draft_id) < (${after.at}::timestamptz, ${after.id}::uuid)`}
  order by updated_at desc, draft_id desc limit ${limit}`;

/** Index draft_of_mailbox. */
export const draftCount = (schema: string, mailbox: MailboxId) =>
  sql.type(
    rows(t.readonly(t.type({ drafts: int(0) }))),
  )`select count(*)::int as drafts from ${tableIn(schema, 'draft')} where mailbox_id = ${mailbox} and revision > 0`;

/** Which of these threads are answered in a draft of these mailboxes. Index draft_of_thread. */
export const draftsOn = (schema: string, threads: readonly ThreadId[], mailboxes: readonly MailboxId[]) => sql.type(
  rows(t.readonly(t.type({ threadId: ThreadId, mailboxId: MailboxId }))),
)`select distinct thread_id as "threadId", mailbox_id as "mailboxId" from ${tableIn(schema, 'draft')}
  where thread_id = any(${sql.array(threads, 'uuid')}) and mailbox_id = any(${sql.array(mailboxes, 'uuid')}) and revision > 0`;

/** Threads that are answered in a draft of the mailbox. Index draft_of_mailbox. */
export const threadsWithDraft = (schema: string, mailbox: MailboxId): FragmentSqlToken =>
  sql.fragment`select thread_id from ${tableIn(schema, 'draft')} where mailbox_id = ${mailbox} and revision > 0 and thread_id is not null`;

const FileRow = t.readonly(t.type({ mailboxId: MailboxId, size: int(0), type: t.string, name: nullable(t.string) }));
export type FileRow = t.TypeOf<typeof FileRow>;

/** Where a file was uploaded, in these mailboxes. Index upload_of_blob. */
export const uploadsOf = (schema: string, blob: BlobId, mailboxes: readonly MailboxId[]) => sql.type(rows(FileRow))`
  select mailbox_id as "mailboxId", size::float8 as size, type, name from ${tableIn(schema, 'upload')}
  where blob_id = ${blob} and mailbox_id = any(${sql.array(mailboxes, 'uuid')}) order by uploaded_at`;

/** Drafts of these mailboxes that a file goes along with. As many rows as there are drafts in them. */
export const draftsWith = (schema: string, blob: BlobId, mailboxes: readonly MailboxId[]) => sql.type(
  rows(t.readonly(t.type({ draftId: DraftId }))),
)`select draft_id as "draftId" from ${tableIn(schema, 'draft')}
  where mailbox_id = any(${sql.array(mailboxes, 'uuid')}) and ${blob} = any(blobs) and ${blob} is distinct from content_blob_id and revision > 0
  order by draft_id limit 10`;

/** Uploads that came before `until`, the oldest first. Index upload_by_age. */
export const uploadsBefore = (schema: string, until: Timestamp, limit: number) => sql.type(
  rows(t.readonly(t.type({ mailboxId: MailboxId, blobId: BlobId }))),
)`select mailbox_id as "mailboxId", blob_id as "blobId" from ${tableIn(schema, 'upload')}
  where uploaded_at < ${until}::timestamptz order by uploaded_at, mailbox_id, blob_id limit ${limit}`;
