/** A comment on a thread: its author may rewrite it or take it back for an hour (mail-contract §3). Who may comment at all is `may`'s to say. */
import type { CommentId, MailboxId, ThreadId, UserId } from '@tidings/contracts/ids';
import { msOf, type Timestamp } from '@tidings/contracts/time';
import { type Either, left, right } from 'fp-ts/lib/Either.js';
import { commentDeleted, commentEdited, type CommentEvent, commentPosted } from './events.ts';
import type { State } from './state.ts';

interface ByAuthor {
  readonly commentId: CommentId;
  readonly threadId: ThreadId;
  /** Those that hold the thread. */
  readonly mailboxIds: readonly MailboxId[];
  readonly by: UserId;
  readonly at: Timestamp;
}
interface Said {
  readonly content: string;
  readonly mentions: readonly UserId[];
}

export type Command =
  | ({ readonly type: 'PostComment' } & ByAuthor & Said)
  | ({ readonly type: 'EditComment' } & ByAuthor & Said)
  | ({ readonly type: 'DeleteComment' } & ByAuthor);

export type Rejection =
  | { readonly type: 'NoSuchComment'; readonly commentId: CommentId }
  | { readonly type: 'NotTheCommentsAuthor'; readonly commentId: CommentId }
  | { readonly type: 'CommentStands'; readonly commentId: CommentId };

export const EDITED_WITHIN_MS = 3_600_000;

export const decide = (command: Command, state: State): Either<Rejection, readonly CommentEvent[]> => {
  const { commentId, threadId, mailboxIds, by, at } = command;
  const about = { commentId, threadId, mailboxIds, by };
  if (command.type === 'PostComment') {
    if (state.kind !== 'none') return right([]); // the id is this request's own: it was posted before, whatever became of it
    const { content, mentions } = command;
    return right([commentPosted({ ...about, content, mentions: [...new Set(mentions)], postedAt: at })]);
  }
  if (state.kind === 'none' || state.threadId !== threadId) return left({ type: 'NoSuchComment', commentId });
  if (state.by !== by) return left({ type: 'NotTheCommentsAuthor', commentId });
  if (state.kind === 'deleted') return command.type === 'DeleteComment' ? right([]) : left({ type: 'NoSuchComment', commentId });
  const stands = msOf(at) - msOf(state.postedAt) > EDITED_WITHIN_MS;
  if (command.type === 'DeleteComment') return stands ? left({ type: 'CommentStands', commentId }) : right([commentDeleted(about)]);
  const mentions = [...new Set(command.mentions)];
  if (command.content === state.content && isSameList(mentions, state.mentions)) return right([]);
  return stands ? left({ type: 'CommentStands', commentId }) : right([commentEdited({ ...about, content: command.content, mentions })]);
};

const isSameList = (a: readonly UserId[], b: readonly UserId[]): boolean => a.length === b.length && a.every((user, at) => user === b[at]);
