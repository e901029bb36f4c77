/** Mails that are being written or wait to be sent, and the files that were uploaded for them. */
import type { DraftEvent } from '@tidings/contracts/events/draft';
import type { Recorded } from '@tidings/contracts/events/index';
import type { MailboxClosed } from '@tidings/contracts/events/mailbox';
import type { UploadEvent } from '@tidings/contracts/events/upload';
import type { Projection, ProjectionTx } from '@tidings/contracts/projection';
import { reveal } from '@tidings/contracts/sealed';

export * from './queries.ts';
export * from './view.ts';

/**
 * `revision` 0 is a message that was handed over whole; it is nobody's draft, but its bytes are needed until it is filed. `summary` and `content`
 * are as in `DraftSaved`, null once the mailbox's data is erased; `json`, for they are read whole. `blobs` is all that the draft is made of.
 */
const tables = (schema: string): string => `
  create table ${schema}.draft (
    draft_id uuid primary key,
    mailbox_id uuid not null,
    thread_id uuid,
    revision int not null,
    summary json,
    content json,
    content_blob_id text,
    blobs text[] not null,
    updated_at timestamptz not null,
    updated_by uuid not null,
    submission json,
    raw_blob_id text,
    position text collate "C" not null
  );
  create index draft_of_mailbox on ${schema}.draft (mailbox_id, updated_at, draft_id) where revision > 0;
  create index draft_of_thread on ${schema}.draft (thread_id) where thread_id is not null;
  create table ${schema}.upload (
    mailbox_id uuid not null,
    blob_id text not null,
    size bigint not null,
    type text not null,
    name text,
    uploaded_at timestamptz not null,
    primary key (mailbox_id, blob_id)
  );
  create index upload_of_blob on ${schema}.upload (blob_id);
  create index upload_by_age on ${schema}.upload (uploaded_at);`;

export const drafts: Projection = {
  name: 'drafts',
  version: 1,
  handles: [
    'DraftSaved',
    'DraftDiscarded',
    'DraftSubmitted',
    'DraftSendUndone',
    'DraftDispatched',
    'BlobUploaded',
    'UploadForgotten',
    'MailboxClosed',
  ],
  tables,
  // People write these one by one: one statement each keeps the order simple.
  apply: async (page, tx) => {
    for (const event of page) if (isHandled(event)) await applyOne(event, tx);
  },
};

type Handled = Recorded<DraftEvent | UploadEvent | MailboxClosed>;
const isHandled = (event: Recorded): event is Handled => drafts.handles.includes(event.type);

/** All by primary keys, but for a mailbox that is closed. */
const applyOne = async (event: Handled, tx: ProjectionTx): Promise<void> => {
  const { schema } = tx;
  switch (event.type) {
    case 'DraftSaved': {
      const { draftId, mailboxId, threadId, revision, summary, content, contentBlobId, blobIds, by } = event.data;
      await tx.query(
        `insert into ${schema}.draft
           (draft_id, mailbox_id, thread_id, revision, summary, content, content_blob_id, blobs, updated_at, updated_by, position)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
         on conflict (draft_id) do update set mailbox_id = excluded.mailbox_id, thread_id = excluded.thread_id, revision = excluded.revision,
           summary = excluded.summary, content = excluded.content, content_blob_id = excluded.content_blob_id, blobs = excluded.blobs,
           updated_at = excluded.updated_at, updated_by = excluded.updated_by, position = excluded.position`,
        [
          ...[draftId, mailboxId, threadId, revision, json(reveal(summary, null)), json(reveal(content, null)), contentBlobId, blobIds],
          ...[event.recordedAt, by, event.position],
        ],
      );
      return;
    }
    case 'DraftSubmitted': {
      const { draftId, mailboxId, threadId, submission, revision, emailId, messageId, rawBlobId, sendAt, by } = event.data;
      await tx.query(
        `insert into ${schema}.draft (draft_id, mailbox_id, thread_id, revision, blobs, updated_at, updated_by, submission, raw_blob_id, position)
         values ($1, $2, $3, $4, '{}', $5, $6, $7, $8, $9)
         on conflict (draft_id) do update set submission = excluded.submission, raw_blob_id = excluded.raw_blob_id, position = excluded.position`,
        [
          ...[draftId, mailboxId, threadId, revision, event.recordedAt, by],
          ...[json({ submission, sendAt, emailId, messageId }), rawBlobId, event.position],
        ],
      );
      return;
    }
    case 'DraftSendUndone':
      await tx.query(`delete from ${schema}.draft where draft_id = $1 and revision = 0`, [event.data.draftId]);
      await tx.query(`update ${schema}.draft set submission = null, raw_blob_id = null, position = $2 where draft_id = $1`, [
        event.data.draftId,
        event.position,
      ]);
      return;
    case 'DraftDiscarded':
    case 'DraftDispatched':
      await tx.query(`delete from ${schema}.draft where draft_id = $1`, [event.data.draftId]);
      return;
    case 'BlobUploaded': {
      const { mailboxId, blobId, size, type, name } = event.data;
      await tx.query(
        `insert into ${schema}.upload (mailbox_id, blob_id, size, type, name, uploaded_at) values ($1, $2, $3, $4, $5, $6)
         on conflict do nothing`,
        [mailboxId, blobId, size, type, reveal(name, null), event.recordedAt],
      );
      return;
    }
    case 'UploadForgotten':
      await tx.query(`delete from ${schema}.upload where mailbox_id = $1 and blob_id = $2`, [event.data.mailboxId, event.data.blobId]);
      return;
    case 'MailboxClosed':
      for (const table of ['draft', 'upload'])
        await tx.query(`delete from ${schema}.${table} where mailbox_id = $1`, [event.data.mailboxId]);
  }
};

/** NUL is nothing that Postgres takes; JSON keeps it as an escape that `json` does take. */
const json = (value: object | null): string | null => (value === null ? null : JSON.stringify(value));
