/** One message. Its id derives from the idempotency key, so a second send of the same key meets the first one here. */
import type { MessageBody } from '@tidings/contracts/events/message';
import { mediaIdIn } from '@tidings/contracts/http/media';
import type { MessageId, RoomId, UserId } from '@tidings/contracts/ids';
import { isShredded, type Sealed } from '@tidings/contracts/sealed';
import { type Either, left, right } from 'fp-ts/lib/Either.js';
import { sameValue } from '../same-value.ts';
import { mediaShown, messageDeleted, messageEdited, type MessageEvent, messageSent } from './events.ts';
import type { State } from './state.ts';

export interface SendMessage {
  readonly type: 'SendMessage';
  readonly roomId: RoomId;
  readonly messageId: MessageId;
  readonly senderId: UserId;
  readonly body: MessageBody;
  readonly mentions: readonly UserId[];
  /** Those of `mentions` who are not in the room, as the room's own stream says. */
  readonly notMembers: readonly UserId[];
  /** The first message of the thread that this one replies in; null outside of threads. */
  readonly threadId: MessageId | null;
  /** What `threadId` is to the sender: a message of this room, one that is itself in a thread, or none they can see. Without a thread `message`. */
  readonly threadRoot: 'message' | 'in-thread' | 'none';
  /** The sender is joined, as the room's own stream says. */
  readonly isMember: boolean;
  /** A block stands between the two of a private room. Groups are not affected. */
  readonly isBlocked: boolean;
}

export interface EditMessage {
  readonly type: 'EditMessage';
  readonly roomId: RoomId;
  readonly messageId: MessageId;
  readonly by: UserId;
  readonly text: string;
  /** Null leaves them as they are. */
  readonly mentions: readonly UserId[] | null;
  readonly notMembers: readonly UserId[];
  readonly isMember: boolean;
  readonly isBlocked: boolean;
}

export interface DeleteMessage {
  readonly type: 'DeleteMessage';
  readonly roomId: RoomId;
  readonly messageId: MessageId;
  readonly by: UserId;
  readonly isMember: boolean;
  /** `by` may delete what others wrote in this room (`may … moderate`). */
  readonly mayModerate: boolean;
}

export type Command = SendMessage | EditMessage | DeleteMessage;

export type Rejection =
  | { readonly type: 'NotAMember'; readonly userId: UserId }
  | { readonly type: 'Blocked' }
  /** The same key stood for another message before. */
  | { readonly type: 'IdempotencyKeyReused'; readonly messageId: MessageId }
  | { readonly type: 'NoSuchMessage'; readonly messageId: MessageId }
  /** It was deleted: only its place is left. */
  | { readonly type: 'MessageGone'; readonly messageId: MessageId }
  | { readonly type: 'NotTheAuthor'; readonly userId: UserId }
  | { readonly type: 'NothingToEdit' }
  | { readonly type: 'MentionsStrangers'; readonly userIds: readonly UserId[] }
  /** Threads are one level deep. */
  | { readonly type: 'ThreadInThread'; readonly threadId: MessageId };

export const decide = (command: Command, state: State): Either<Rejection, readonly MessageEvent[]> => {
  switch (command.type) {
    case 'SendMessage':
      return send(command, state);
    case 'EditMessage':
      return edit(command, state);
    case 'DeleteMessage': {
      const { roomId, messageId, by } = command;
      if (!command.isMember) return left({ type: 'NotAMember', userId: by });
      if (state.kind === 'none') return left({ type: 'NoSuchMessage', messageId });
      if (state.senderId !== by && !command.mayModerate) return left({ type: 'NotTheAuthor', userId: by });
      return right(state.isDeleted ? [] : [messageDeleted({ roomId, messageId, senderId: state.senderId, deletedBy: by })]);
    }
  }
};

const send = (command: SendMessage, state: State): Either<Rejection, readonly MessageEvent[]> => {
  const { roomId, messageId, senderId, body, threadId } = command;
  const mentions = distinct(command.mentions);
  // First, so that a retry is answered alike even when its sender has left in between.
  if (state.kind === 'sent') {
    const { original } = state;
    const same =
      state.senderId === senderId &&
      state.threadId === threadId &&
      sameValue(mentions, original.mentions) &&
      isSameBody(body, original.body);
    return same ? right([]) : left({ type: 'IdempotencyKeyReused', messageId });
  }
  if (!command.isMember) return left({ type: 'NotAMember', userId: senderId });
  if (command.isBlocked) return left({ type: 'Blocked' });
  if (threadId !== null && command.threadRoot === 'none') return left({ type: 'NoSuchMessage', messageId: threadId });
  if (threadId !== null && command.threadRoot === 'in-thread') return left({ type: 'ThreadInThread', threadId });
  if (command.notMembers.length > 0) return left({ type: 'MentionsStrangers', userIds: command.notMembers });
  const mediaId = body.type === 'Media' ? mediaIdIn(body.mediaUrl) : null;
  return right([
    messageSent({ roomId, messageId, senderId, body, mentions, threadId }),
    ...(mediaId === null ? [] : [mediaShown({ roomId, messageId, senderId, mediaId })]),
  ]);
};

const edit = (command: EditMessage, state: State): Either<Rejection, readonly MessageEvent[]> => {
  const { roomId, messageId, by, text } = command;
  if (!command.isMember) return left({ type: 'NotAMember', userId: by });
  if (state.kind === 'none') return left({ type: 'NoSuchMessage', messageId });
  if (state.senderId !== by) return left({ type: 'NotTheAuthor', userId: by });
  const { body: before } = state.current;
  if (state.isDeleted || isShredded(before)) return left({ type: 'MessageGone', messageId });
  if (command.isBlocked) return left({ type: 'Blocked' });
  if (before.type === 'Media') return left({ type: 'NothingToEdit' });
  if (command.notMembers.length > 0) return left({ type: 'MentionsStrangers', userIds: command.notMembers });
  const mentions = command.mentions === null ? state.current.mentions : distinct(command.mentions);
  if (text === before.text && sameValue(mentions, state.current.mentions)) return right([]);
  return right([messageEdited({ roomId, messageId, senderId: by, body: { ...before, text }, mentions })]);
};

const distinct = (users: readonly UserId[]): readonly UserId[] => [...new Set(users)];

/** What was erased cannot be compared, and there is nothing to add to it. */
const isSameBody = (body: MessageBody, sent: Sealed<MessageBody>): boolean =>
  isShredded(sent) || sameValue(asWritten(body), asWritten(sent));

/** The quote is looked up anew on each try and may have changed; the sender only wrote which message they answer. */
const asWritten = (body: MessageBody): unknown =>
  body.type === 'Reply' ? { type: body.type, text: body.text, answers: body.quoted.messageId } : body;
