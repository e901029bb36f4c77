/** What people say and agree about threads beside their emails: comments, who took care when, and where a thread was split. */
import type { CommentEvent } from '@tidings/contracts/events/comment';
import type { Recorded } from '@tidings/contracts/events/index';
import type {
  EmailsDestroyed,
  EmailsSplitOff,
  ThreadAssigned,
  ThreadSplitOff,
  ThreadUnassigned,
  ThreadUnshared,
} from '@tidings/contracts/events/thread';
import type { SubjectErased } from '@tidings/contracts/events/user';
import type { ThreadId } from '@tidings/contracts/ids';
import type { Projection, ProjectionTx } from '@tidings/contracts/projection';
import { reveal, type Sealed } from '@tidings/contracts/sealed';
import { msOf, timestamp } from '@tidings/contracts/time';
import { storable } from '../chat-view/people.ts';

export * from './queries.ts';
export * from './reading.ts';

/** `comment_id`, `content`, `mentions` and `edited_at` are of comments, `user_id` of assignments, `other_thread` of splits. `content` is null once its author is erased. */
const tables = (schema: string): string => `
  create table ${schema}.note (
    thread_id uuid not null,
    position text collate "C" not null,
    kind text not null,
    at timestamptz not null,
    by uuid,
    user_id uuid,
    comment_id uuid,
    content text,
    mentions uuid[] not null default '{}',
    edited_at timestamptz,
    other_thread uuid,
    primary key (thread_id, position)
  );
  create unique index note_of_comment on ${schema}.note (comment_id) where comment_id is not null;
  create index note_by on ${schema}.note (by) where comment_id is not null;`;

export const threadNotes: Projection = {
  name: 'thread-notes',
  version: 2,
  handles: [
    'CommentPosted',
    'CommentEdited',
    'CommentDeleted',
    'ThreadAssigned',
    'ThreadUnassigned',
    'EmailsSplitOff',
    'ThreadSplitOff',
    'EmailsDestroyed',
    'ThreadUnshared',
    'SubjectErased',
  ],
  tables,
  // People write these one by one: one statement each keeps the order simple.
  apply: async (page, tx) => {
    for (const event of page) if (isHandled(event)) await applyOne(event, tx);
  },
};

type Handled = Recorded<
  CommentEvent | ThreadAssigned | ThreadUnassigned | EmailsSplitOff | ThreadSplitOff | EmailsDestroyed | ThreadUnshared | SubjectErased
>;
const isHandled = (event: Recorded): event is Handled => threadNotes.handles.includes(event.type);

const applyOne = async (event: Handled, tx: ProjectionTx): Promise<void> => {
  const { schema } = tx;
  switch (event.type) {
    case 'CommentPosted': {
      const { commentId, threadId, by, content, mentions } = event.data;
      await tx.query(
        `insert into ${schema}.note (thread_id, position, kind, at, by, comment_id, content, mentions)
         values ($1, $2, 'comment', $3, $4, $5, $6, $7) on conflict do nothing`,
        [threadId, event.position, event.recordedAt, by, commentId, shown(content), mentions],
      );
      return;
    }
    case 'CommentEdited': {
      const { commentId, content, mentions } = event.data;
      await tx.query(`update ${schema}.note set content = $2, mentions = $3, edited_at = $4 where comment_id = $1`, [
        commentId,
        shown(content),
        mentions,
        event.recordedAt,
      ]);
      return;
    }
    case 'CommentDeleted':
      await tx.query(`delete from ${schema}.note where comment_id = $1`, [event.data.commentId]);
      return;
    case 'ThreadAssigned':
    case 'ThreadUnassigned':
      await assignment(event, tx);
      return;
    case 'EmailsSplitOff':
      await split(event, 'split', event.data.into, tx);
      await forgetIfGone(event.data, tx);
      return;
    case 'ThreadSplitOff':
      await split(event, 'split-off', event.data.from, tx);
      return;
    case 'EmailsDestroyed':
    case 'ThreadUnshared':
      await forgetIfGone(event.data, tx);
      return;
    case 'SubjectErased':
      await tx.query(`update ${schema}.note set content = null where by = $1 and comment_id is not null`, [event.data.userId]);
  }
};

const shown = (content: Sealed<string>): string | null => {
  const said = reveal(content, null);
  return said === null ? null : storable(said);
};

/** A slip that is taken back at once by who made it is not worth telling (collaborative inbox §1.11). */
const SLIP_MS = 120_000;

const assignment = async (
  { type, data: { threadId, userId, by }, recordedAt, position }: Recorded<ThreadAssigned | ThreadUnassigned>,
  tx: ProjectionTx,
): Promise<void> => {
  if (type === 'ThreadUnassigned' && by !== null) {
    const slips = await tx.query(
      `delete from ${tx.schema}.note n where thread_id = $1 and kind = 'assigned' and user_id = $2 and by = $3 and at >= $4::timestamptz
         and position = (select max(position) from ${tx.schema}.note where thread_id = $1 and user_id = $2)
       returning 1 as one`,
      [threadId, userId, by, timestamp(msOf(recordedAt) - SLIP_MS)],
    );
    if (slips.length > 0) return;
  }
  const kind = type === 'ThreadAssigned' ? 'assigned' : 'unassigned';
  await tx.query(
    `insert into ${tx.schema}.note (thread_id, position, kind, at, by, user_id) values ($1, $2, $3, $4, $5, $6) on conflict do nothing`,
    [threadId, position, kind, recordedAt, by, userId],
  );
};

/** Once, though every mailbox that holds the thread has an event of its own. */
const split = async (
  { data: { threadId, by }, recordedAt, position }: Recorded<EmailsSplitOff | ThreadSplitOff>,
  kind: 'split' | 'split-off',
  other: ThreadId,
  tx: ProjectionTx,
): Promise<void> => {
  await tx.query(
    `insert into ${tx.schema}.note (thread_id, position, kind, at, by, other_thread)
     select $1::uuid, $2::text, $3::text, $4::timestamptz, $5::uuid, $6::uuid
     where not exists (select from ${tx.schema}.note where thread_id = $1 and kind = $3 and other_thread = $6)`,
    [threadId, position, kind, recordedAt, by, other],
  );
};

/** A thread that no mailbox holds is gone with all that was said about it. */
const forgetIfGone = async (
  { threadId, heldBy }: EmailsDestroyed['data'] | EmailsSplitOff['data'] | ThreadUnshared['data'],
  tx: ProjectionTx,
) => {
  if (heldBy.length === 0) await tx.query(`delete from ${tx.schema}.note where thread_id = $1`, [threadId]);
};
