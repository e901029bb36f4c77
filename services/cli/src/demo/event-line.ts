/** A live event in a few words. */
import type { MsgBody, Preview } from '@tidings/contracts/http/chat-objects';
import type { ThreadChange } from '@tidings/contracts/http/live';
import type { StoryEvent } from './live.ts';
import { short } from './stage.ts';

/** What people are called by id: users by name, mailboxes by address. */
export type Names = ReadonlyMap<string, string>;

const MOST = 90;

export const eventLine = (event: StoryEvent, names: Names): string => {
  const nameOf = (id: string): string => names.get(id) ?? id;
  switch (event.type) {
    case 'ChatMessage':
    case 'RoomChangeEvent':
      return short(previewLine(event.roomPreviewText), MOST);
    case 'NewRoom':
      return event.room.roomName ?? 'a room without a name';
    case 'LeaveRoom':
      return `left room ${event.roomId}`;
    case 'UserReadChat':
      return `${nameOf(event.userId)} has read up to message ${event.upToSeq}`;
    case 'Typing':
      return `${nameOf(event.userId)} ${event.typing ? 'is typing' : 'types no longer'}`;
    case 'MessageEdited':
      return short(`${nameOf(event.senderId)} rewrote: ${spoken(event.msgBody)}`, MOST);
    case 'MessageDeleted':
      return `${nameOf(event.deletedBy)} deleted a message`;
    case 'ReactionChanged':
      return `${nameOf(event.userId)} ${event.added ? 'reacted with' : 'took back'} ${event.emoji}`;
    case 'MessagePinned':
      return `${nameOf(event.by)} pinned a message`;
    case 'MessageUnpinned':
      return `${nameOf(event.by)} took a pin away`;
    case 'MessageMailChanged':
      return `the mail of a message to ${nameOf(event.userId)} is ${event.status}`;
    case 'RoomUpdated':
      return `${nameOf(event.by)} made the room ${event.roomName ?? 'one without a name'}`;
    case 'MemberRoleChanged':
      return `${nameOf(event.userId)} is ${event.role}`;
    case 'UserDeliveredChat':
      return `message ${event.upToSeq} reached ${nameOf(event.userId)}`;
    case 'FriendRequestReceived':
    case 'FriendRequestAccepted':
      return `from ${event.fromUser.displayName}`;
    case 'SystemMessage':
      return short(JSON.stringify(event.message), MOST);
    case 'EmailReceived':
      return short(
        `in ${nameOf(event.mailboxId)}: ${event.from.map(({ name, email }) => name ?? email).join(', ')}: ${event.subject}`,
        MOST,
      );
    case 'ThreadChanged':
      return `in ${nameOf(event.mailboxId)}: ${changeLine(event.change, nameOf)}`;
    case 'CommentPosted':
      return `in ${nameOf(event.mailboxId)}: ${nameOf(event.by)} commented`;
    case 'DraftChanged':
      return `in ${nameOf(event.mailboxId)}: a draft was ${event.change}`;
    case 'DeliveryChanged':
      return `in ${nameOf(event.mailboxId)}: mail to ${event.recipients.length} is ${event.change}`;
    case 'MailboxChanged':
      if (event.userId === null) return `${nameOf(event.mailboxId)} has changed`;
      return `${nameOf(event.userId)} is ${event.role ?? 'no longer'} in ${nameOf(event.mailboxId)}`;
    case 'ImportProgress':
      return `in ${nameOf(event.mailboxId)}: ${event.done} of ${event.total ?? 'some'} mails brought along (${event.state})`;
    case 'Resync':
      return event.reason;
  }
};

export const previewLine = (preview: Preview): string => {
  switch (preview.type) {
    case 'Text':
      return `${preview.sender_username}: ${preview.text}`;
    case 'Media':
      return `${preview.sender_username}: [${preview.media_type}]`;
    case 'Reply':
      return `${preview.sender_username}: ${preview.reply_text}`;
    case 'RoomChange':
      return `${preview.sender_username}: ${preview.room_change_type.toLowerCase()}`;
    case 'New':
      return 'nothing said yet';
  }
};

/** What someone said in a room. */
export const spoken = (body: MsgBody): string => {
  if ('text' in body) return body.text;
  if ('replyText' in body)
    return `↳ ${'text' in body.replyMsgDetails ? `“${short(body.replyMsgDetails.text, 30)}” ` : ''}${body.replyText}`;
  if ('mediaUrl' in body) return `[${body.mediaType}]`;
  return `[${body.related_user.displayName}: ${body.type}]`;
};

const changeLine = (change: ThreadChange, nameOf: (id: string) => string): string => {
  switch (change.type) {
    case 'filed':
      return `filed in ${change.place}`;
    case 'read':
      return `${nameOf(change.by)} ${change.upTo === null ? 'marked it unread' : 'has read it'}`;
    case 'moved':
      return `${nameOf(change.by)} moved it to ${change.place}`;
    case 'starred':
      return `${nameOf(change.by)} ${change.starred ? 'starred it' : 'took the star off'}`;
    case 'assigned':
      return `${nameOf(change.by)} gave it to ${nameOf(change.userId)}`;
    case 'unassigned':
      return `${nameOf(change.userId)} no longer takes care of it`;
    case 'keywords':
      return `${nameOf(change.by)} marked an email`;
    case 'shared':
      return `${nameOf(change.by)} shared it with ${nameOf(change.with)}`;
    case 'unshared':
      return `${nameOf(change.by)} took it back from ${nameOf(change.with)}`;
    case 'destroyed':
      return change.by === null ? 'its time in the trash is over' : `${nameOf(change.by)} destroyed it`;
    case 'split':
      return `${nameOf(change.by)} split it`;
    case 'split-off':
      return `${nameOf(change.by)} split it off`;
    case 'comment-edited':
      return `${nameOf(change.by)} rewrote a comment`;
    case 'comment-deleted':
      return `${nameOf(change.by)} took a comment back`;
    case 'labelled':
      return `${nameOf(change.by)} ${change.labelled ? 'put a label on it' : 'took a label off'}`;
  }
};
