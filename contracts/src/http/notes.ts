/** What a team says and agrees about a thread, never sent to anybody: comments, assignment, and both beside the emails (mail-contract §3). */
import * as t from 'io-ts';
import { nullable } from '../codec.ts';
import { CommentText } from '../events/comment.ts';
import { CommentId, MailboxId, ThreadId, UserId } from '../ids.ts';
import { Timestamp } from '../time.ts';
import { Email, mailPageOf, Thread } from './mail-objects.ts';
import { intParam } from './query.ts';
import { defineRoute, type Route } from './route.ts';

export const MOST_MENTIONS = 50;

/** Someone who works on mail, by the name they have now. */
export const Colleague = t.readonly(t.type({ id: UserId, displayName: t.string }));
export type Colleague = t.TypeOf<typeof Colleague>;

export const Comment = t.readonly(
  t.type({
    id: CommentId,
    threadId: ThreadId,
    author: Colleague,
    /** Null once the author is erased. */
    content: nullable(t.string),
    mentions: t.readonlyArray(Colleague),
    createdAt: Timestamp,
    editedAt: nullable(Timestamp),
  }),
);
export type Comment = t.TypeOf<typeof Comment>;

/** What happened in a thread, in the order it did. `by` is null where someone lost the right to a thread and so its assignment. */
export const TimelineEntry = t.union([
  t.readonly(t.type({ type: t.literal('email'), email: Email })),
  t.readonly(t.type({ type: t.literal('comment'), comment: Comment })),
  t.readonly(t.type({ type: t.literal('assigned'), at: Timestamp, user: Colleague, by: nullable(Colleague) })),
  t.readonly(t.type({ type: t.literal('unassigned'), at: Timestamp, user: Colleague, by: nullable(Colleague) })),
  /** What came behind went on in the thread `into`; that one tells `split-off` behind its emails. */
  t.readonly(t.type({ type: t.literal('split'), at: Timestamp, by: Colleague, into: ThreadId })),
  t.readonly(t.type({ type: t.literal('split-off'), at: Timestamp, by: Colleague, from: ThreadId })),
]);
export type TimelineEntry = t.TypeOf<typeof TimelineEntry>;

const threadParams = t.readonly(t.type({ threadId: ThreadId }));
const commentParams = t.readonly(t.type({ commentId: CommentId }));
const words = t.readonly(t.intersection([t.type({ content: CommentText }), t.partial({ mentions: t.readonlyArray(UserId) })]));

export const getThreadTimeline = defineRoute({
  id: 'getThreadTimeline',
  method: 'GET',
  path: '/api/threads/{threadId}/timeline',
  tag: 'Comments',
  summary:
    'Emails, comments, assignments and splits of a thread, the oldest first. Emails in spam and trash are left out unless the thread has no others. A page may end early when its bodies are large.',
  params: threadParams,
  query: t.partial({ cursor: t.string, limit: intParam(1, 100), mailboxId: MailboxId }),
  response: mailPageOf(TimelineEntry),
  errors: [404],
});

export const postComment = defineRoute({
  id: 'postComment',
  method: 'POST',
  path: '/api/threads/{threadId}/comments',
  tag: 'Comments',
  summary: 'Comments on a thread; may mention those who can read it. For editors.',
  params: threadParams,
  body: words,
  response: Comment,
  errors: [403, 404, 422],
});

export const editComment = defineRoute({
  id: 'editComment',
  method: 'PATCH',
  path: '/api/comments/{commentId}',
  tag: 'Comments',
  summary: 'Rewrites a comment of yours, within an hour.',
  params: commentParams,
  body: words,
  response: Comment,
  errors: [403, 404, 409],
});

export const deleteComment = defineRoute({
  id: 'deleteComment',
  method: 'DELETE',
  path: '/api/comments/{commentId}',
  tag: 'Comments',
  summary: 'Takes a comment of yours back, within an hour.',
  params: commentParams,
  errors: [403, 404, 409],
});

const assignment = {
  tag: 'Threads',
  params: t.readonly(t.type({ threadId: ThreadId, userId: UserId })),
  response: Thread,
  errors: [403, 404, 409],
} as const;

export const assignThread = defineRoute({
  id: 'assignThread',
  method: 'PUT',
  path: '/api/threads/{threadId}/assignees/{userId}',
  summary: 'Has someone take care of a thread who may edit it. For editors.',
  ...assignment,
});

export const unassignThread = defineRoute({
  id: 'unassignThread',
  method: 'DELETE',
  path: '/api/threads/{threadId}/assignees/{userId}',
  summary: 'Has someone no longer take care of a thread. For editors.',
  ...assignment,
});

export const noteRoutes: readonly Route[] = [getThreadTimeline, postComment, editComment, deleteComment, assignThread, unassignThread];
