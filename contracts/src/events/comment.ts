/**
 * Streams `comment-<threadId>.<commentId>`: what people say to each other about a thread; no mail, and never sent. `mailboxIds` are those that held
 * the thread as it happened: their members are told.
 */
import * as t from 'io-ts';
import { text } from '../codec.ts';
import { CommentId, MailboxId, ThreadId, UserId } from '../ids.ts';
import { sealed } from '../sealed.ts';
import { Timestamp } from '../time.ts';
import { defineEvent, type EventOf } from './definition.ts';

export const CommentText = text(1, 10_000);

const about = { commentId: CommentId, threadId: ThreadId, mailboxIds: t.readonlyArray(MailboxId), by: UserId };
const said = { ...about, content: sealed(CommentText), mentions: t.readonlyArray(UserId) };
const personal = [{ subject: 'by', fields: ['content'] }];

export const CommentPosted = defineEvent({
  type: 'CommentPosted',
  doc: 'Someone commented on a thread. It can be edited for a while after `postedAt`.',
  data: t.readonly(t.type({ ...said, postedAt: Timestamp })),
  personal,
});
export type CommentPosted = EventOf<typeof CommentPosted>;

export const CommentEdited = defineEvent({
  type: 'CommentEdited',
  doc: 'The author of a comment rewrote it.',
  data: t.readonly(t.type(said)),
  personal,
});
export type CommentEdited = EventOf<typeof CommentEdited>;

export const CommentDeleted = defineEvent({
  type: 'CommentDeleted',
  doc: 'The author of a comment took it back.',
  data: t.readonly(t.type(about)),
});
export type CommentDeleted = EventOf<typeof CommentDeleted>;

export const commentEvents = [CommentPosted, CommentEdited, CommentDeleted] as const;
export type CommentEvent = EventOf<(typeof commentEvents)[number]>;
