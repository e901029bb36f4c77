/** What the domain refuses, as HTTP says it: one table over every rejection there is (chat-contract §1.1, §1.4, §1.5; mail-contract). */
import type { ErrorCode } from '@tidings/contracts/http/problem';
import type { Rejection } from '@tidings/domain/rejection';
import * as E from 'fp-ts/lib/Either.js';
import { ApiError } from './errors.ts';

/** For a route whose contract asks for another code than the table's: `{ NotAMember: 'CONTENT_NOT_FOUND' }`. */
export type CodeOverrides<R extends Rejection> = { readonly [T in R['type']]?: ErrorCode };

/**
 * The outcome of a decision; a rejection is thrown as the answer it stands for.
 * @example const done = orReject(await platform.commands.transact(room, roomId, { type: 'InviteToRoom', … }, ctx.context));
 * @throws ApiError
 */
export const orReject = <R extends Rejection, A>(decided: E.Either<R, A>, overrides: CodeOverrides<R> = {}, names: FieldNames = {}): A => {
  if (E.isRight(decided)) return decided.right;
  const type: R['type'] = decided.left.type;
  const { code, says, field } = rejections[type];
  throw new ApiError(
    overrides[type] ?? code,
    says,
    field === undefined ? {} : { fields: [{ path: names[field] ?? field, message: says }] },
  );
};

/** What a route calls fields that the table calls so. */
export type FieldNames = Readonly<Record<string, string>>;

/** `field` is where in the request it lies: of the path, the query or the body. A 400 always says so. */
type Answer =
  | { readonly code: 'VALIDATION_ERROR'; readonly says: string; readonly field: string }
  | { readonly code: Exclude<ErrorCode, 'VALIDATION_ERROR'>; readonly says: string; readonly field?: string };

/** Sentences for the caller; they tell nothing that the caller may not know, so never who blocked whom or whose an address is. */
export const rejections: Readonly<Record<Rejection['type'], Answer>> = {
  NotAMember: { code: 'INSUFFICIENT_PERMISSIONS', says: 'You are not a member of this room.' },
  Blocked: { code: 'INSUFFICIENT_PERMISSIONS', says: 'Messages between you two are blocked.' },
  IdempotencyKeyReused: { code: 'IDEMPOTENCY_KEY_REUSED', says: 'This Idempotency-Key was used before with other content.' },

  CreatorNotInvited: { code: 'VALIDATION_ERROR', says: 'invitedUsers must contain you.', field: 'invitedUsers' },
  NotAPair: { code: 'VALIDATION_ERROR', says: 'A private room needs exactly one other person who can be invited.', field: 'invitedUsers' },
  TooFewMembers: { code: 'VALIDATION_ERROR', says: 'A group needs at least one other person who can be invited.', field: 'invitedUsers' },
  RoomExists: { code: 'VALIDATION_ERROR', says: 'This room exists already.', field: 'invitedUsers' },
  InviteBlocked: { code: 'INSUFFICIENT_PERMISSIONS', says: 'This person cannot be invited.' },
  PrivateRoom: { code: 'VALIDATION_ERROR', says: 'This is for groups; a private room is for two people.', field: 'roomId' },
  NotAPrivateRoom: { code: 'VALIDATION_ERROR', says: 'This is not a private room.', field: 'roomId' },
  AlreadyMember: { code: 'VALIDATION_ERROR', says: 'This person is a member already.', field: 'userId' },

  RoleTooLow: { code: 'INSUFFICIENT_PERMISSIONS', says: 'Your role in this room does not allow this.' },
  NoSuchMember: { code: 'CONTENT_NOT_FOUND', says: 'This person is not a member of the room.' },
  RemovesYourself: { code: 'VALIDATION_ERROR', says: 'You cannot remove yourself; leave the room instead.', field: 'userId' },
  LastOwner: { code: 'CONFLICT', says: 'A group needs an owner: make someone else one first.' },
  TooManyPins: { code: 'CONFLICT', says: 'This room has as many pins as it can take; take one away first.' },

  NoSuchMessage: { code: 'CONTENT_NOT_FOUND', says: 'There is no such message in this room.' },
  MessageGone: { code: 'CONTENT_NOT_FOUND', says: 'There is no such message in this room.' },
  NotTheAuthor: { code: 'INSUFFICIENT_PERMISSIONS', says: 'This message is not yours.' },
  NothingToEdit: { code: 'VALIDATION_ERROR', says: 'A media message has no text to edit.', field: 'messageId' },
  MentionsStrangers: { code: 'VALIDATION_ERROR', says: 'mentions must name members of this room.', field: 'mentions' },
  ThreadInThread: { code: 'VALIDATION_ERROR', says: 'threadId must be a message that is not in a thread itself.', field: 'threadId' },
  TooManyReactions: { code: 'CONFLICT', says: 'You have put as many reactions on this message as it can take.' },

  OwnMessage: { code: 'VALIDATION_ERROR', says: 'This message is your own.', field: 'messageId' },
  NoSuchReport: { code: 'CONTENT_NOT_FOUND', says: 'There is no such report.' },
  ReportClosed: { code: 'CONFLICT', says: 'This report was closed with another outcome.' },

  TooManyReplyAddresses: { code: 'CONFLICT', says: 'This conversation has as many people by mail as it can take.' },
  NoSuchGatewayMail: { code: 'CONTENT_NOT_FOUND', says: 'There is no such mail here.' },
  MailNotHeld: { code: 'CONFLICT', says: 'This mail waits for nobody.' },
  HeldMailDecided: { code: 'CONFLICT', says: 'A member has decided otherwise.' },

  WithYourself: { code: 'VALIDATION_ERROR', says: 'This cannot be done with yourself.', field: 'userId' },
  FriendshipBlocked: { code: 'VALIDATION_ERROR', says: 'You two cannot be friends now.', field: 'userId' },
  NoRelationship: { code: 'CONTENT_NOT_FOUND', says: 'There is nothing between you two.' },
  NotInvited: { code: 'VALIDATION_ERROR', says: 'This person did not ask you to be friends.', field: 'userId' },
  NotFriends: { code: 'VALIDATION_ERROR', says: 'You two are not friends.', field: 'userId' },
  NotBlocked: { code: 'VALIDATION_ERROR', says: 'You have not blocked this person.', field: 'userId' },
  BlockedByOther: { code: 'INSUFFICIENT_PERMISSIONS', says: 'This is not yours to lift.' },

  AddressTaken: { code: 'CONFLICT', says: 'This address is taken.' },
  NoSuchMailbox: { code: 'CONTENT_NOT_FOUND', says: 'There is no such mailbox.' },
  MailboxExists: { code: 'CONFLICT', says: 'This mailbox exists already.' },
  TooManyBlockedSenders: { code: 'CONFLICT', says: 'This mailbox blocks as many senders as it can; take one away first.' },
  LastAdmin: { code: 'CONFLICT', says: 'The last admin of a mailbox must stay one.' },

  EmailIdReused: { code: 'CONFLICT', says: 'This email id stands for other bytes.' },
  NoRecipients: { code: 'VALIDATION_ERROR', says: 'There must be at least one recipient.', field: 'to' },
  QueuedDifferently: { code: 'CONFLICT', says: 'This email goes out with other content.' },
  NoSuchRecipient: { code: 'CONTENT_NOT_FOUND', says: 'This email does not go out to such a recipient.' },
  AnsweredToday: { code: 'CONFLICT', says: 'This sender had an automatic reply today.' },
  ReceiptAnsweredDifferently: { code: 'CONFLICT', says: 'It was answered already whether a receipt is sent.' },
  BeingSent: { code: 'CONFLICT', says: 'It is being sent to this recipient right now; try again when it is over.' },
  AlreadyDelivered: { code: 'CONFLICT', says: 'It was delivered to this recipient.' },
  NothingToCancel: { code: 'CONFLICT', says: 'Nothing more will be tried for this recipient anyway.' },
  NothingToDismiss: { code: 'CONFLICT', says: 'Nothing went wrong for this recipient that could be dismissed.' },
  NoSuchThread: { code: 'CONTENT_NOT_FOUND', says: 'There is no such thread.' },
  TooManyLabelsOnThread: { code: 'CONFLICT', says: 'This thread has as many labels as it can take; take one away first.' },
  TooManyAssignees: { code: 'CONFLICT', says: 'This thread has as many assignees as it can take; take one away first.' },
  ThreadIsItsOwn: { code: 'CONFLICT', says: 'This mailbox has the thread as its own.' },
  TooManyShares: { code: 'CONFLICT', says: 'This thread is shared with as many mailboxes as it can be; take one away first.' },
  NoSuchComment: { code: 'CONTENT_NOT_FOUND', says: 'There is no such comment.' },
  NotTheCommentsAuthor: { code: 'INSUFFICIENT_PERMISSIONS', says: 'This comment is not yours.' },
  CommentStands: { code: 'CONFLICT', says: 'A comment can be changed for an hour; this one stands.' },
  NoSuchLabel: { code: 'CONTENT_NOT_FOUND', says: 'There is no such label in this mailbox.' },
  BadLabelName: {
    code: 'VALIDATION_ERROR',
    says: 'name must be at most 10 steps divided by /, none empty, each of at most 100 characters.',
    field: 'name',
  },
  LabelExists: { code: 'CONFLICT', says: 'This mailbox has a label of this name.' },
  LabelUnderItself: { code: 'VALIDATION_ERROR', says: 'A label cannot go under itself.', field: 'name' },
  TooManyLabels: { code: 'CONFLICT', says: 'This mailbox has as many labels as it can take; delete one first.' },
  TooManyTemplates: { code: 'CONFLICT', says: 'There are as many templates as there can be; remove one first.' },
  NoSuchDraft: { code: 'CONTENT_NOT_FOUND', says: 'There is no such draft among yours.' },
  DraftChangedMeanwhile: {
    code: 'CONFLICT',
    says: 'Somebody saved this draft in the meantime; nothing was overwritten.',
    field: 'revision',
  },
  DraftBeingSent: { code: 'CONFLICT', says: 'This draft is about to be sent; take it back first.' },
  DraftSent: { code: 'CONFLICT', says: 'This draft was sent.' },

  NotInThread: { code: 'VALIDATION_ERROR', says: 'This email is not in the thread.', field: 'upTo' },

  NoSuchImport: { code: 'CONTENT_NOT_FOUND', says: 'There is no such import.' },
  ImportIdReused: { code: 'CONFLICT', says: 'This id stands for another import.' },
  SplitAtFirst: { code: 'VALIDATION_ERROR', says: 'A thread cannot be split at its first email: all of it would go.', field: 'emailId' },
  SplitAtDraft: { code: 'VALIDATION_ERROR', says: 'A thread cannot be split at a draft.', field: 'emailId' },
  NotInTrash: { code: 'CONFLICT', says: 'Only what lies in the trash or in spam can be destroyed; put it there first.' },
  ThreadMovedOn: { code: 'SERVICE_UNAVAILABLE', says: 'The thread keeps changing; nothing was done. Try again shortly.' },
  WentOn: { code: 'CONFLICT', says: 'This went on in another thread.' },

  NoDigestTimes: { code: 'VALIDATION_ERROR', says: 'There must be at least one time of day.', field: 'digest.times' },
  TooManyDigestTimes: { code: 'VALIDATION_ERROR', says: 'There are at most 24 digests a day.', field: 'digest.times' },

  NoSuchUser: { code: 'CONTENT_NOT_FOUND', says: 'There is no such user.' },
  NotificationIdReused: { code: 'CONFLICT', says: 'This id stands for another notification.' },
  MediaIdReused: { code: 'CONFLICT', says: 'This id stands for another file.' },
  WebhookIdReused: { code: 'CONFLICT', says: 'This id stands for another webhook.' },
  NoSuchWebhook: { code: 'CONTENT_NOT_FOUND', says: 'There is no such webhook.' },

  UserErased: { code: 'INSUFFICIENT_PERMISSIONS', says: 'This account was erased.' },
};
