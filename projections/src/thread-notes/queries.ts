/** What readers ask of notes. */
import { nullable, oneOf } from '@tidings/contracts/codec';
import { CommentId, ThreadId, UserId } from '@tidings/contracts/ids';
import type { Position } from '@tidings/contracts/ports/event-log';
import { rows } from '@tidings/contracts/sql-rows';
import { Timestamp } from '@tidings/contracts/time';
import * as t from 'io-ts';
import { sql } from 'slonik';
import { tableIn } from '../chat-view/tables.ts';

/** Positions in our own tables were checked when they were written. */
const PositionText = t.string as unknown as t.Type<Position, string>;

const NoteRow = t.readonly(
  t.type({
    threadId: ThreadId,
    position: PositionText,
    kind: oneOf('comment', 'assigned', 'unassigned', 'split', 'split-off'),
    at: Timestamp,
    by: nullable(UserId),
    userId: nullable(UserId),
    commentId: nullable(CommentId),
    content: nullable(t.string),
    mentions: t.readonlyArray(UserId),
    editedAt: nullable(Timestamp),
    otherThread: nullable(ThreadId),
  }),
);
export type NoteRow = t.TypeOf<typeof NoteRow>;

const columns = sql.fragment`thread_id as "threadId", position, kind, at, by, user_id as "userId", comment_id as "commentId", content, mentions,
  edited_at as "editedAt", other_thread as "otherThread"`;

/** Behind `after`, the oldest first. Primary key (thread_id, position): notes are in the order of their positions and of their times alike. */
export const notesOf = (
  schema: string,
  thread: ThreadId,
  after: { readonly at: Timestamp; readonly position: Position } | null,
  limit: number,
) => sql.type(rows(NoteRow))`
  select ${columns} from ${tableIn(schema, 'note')}
  where thread_id = ${thread} ${after === null ? sql.fragment`` : sql.fragment`and (at, position) > (${after.at}::timestamptz, ${after.position})`}
  order by position limit ${limit}`;

/** Index note_of_comment. */
export const commentById = (schema: string, comment: CommentId) =>
  sql.type(rows(NoteRow))`select ${columns} from ${tableIn(schema, 'note')} where comment_id = ${comment}`;
