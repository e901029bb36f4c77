/** What someone who blocks others sees of them in a group: that they spoke, and when, but not what (chat-contract §6). */
import type { Message, MsgBody } from '@tidings/contracts/http/chat-objects';
import type { UserId } from '@tidings/contracts/ids';
import { NO_BODY } from './entries.ts';

/** A message of a group for whoever blocks these. Its place and its thread stay; nothing of what they wrote is quoted either. */
export const withoutBlocked = (message: Message, blocked: ReadonlySet<UserId>): Message => {
  if (blocked.size === 0) return message;
  if (!blocked.has(message.senderId)) {
    const msgBody = withoutQuoteOf(message.msgBody, blocked);
    return msgBody === message.msgBody ? message : { ...message, msgBody };
  }
  if (message.msgType === 'RoomChange') return message; // who is in the room is no secret
  const { mentions: _mentions, editedAt: _editedAt, reactions: _reactions, ...place } = message;
  return { ...place, msgBody: NO_BODY, msgType: 'Text', hidden: true };
};

/** The body, without the quote when it is of one of these. */
export const withoutQuoteOf = (body: MsgBody, authors: ReadonlySet<UserId>): MsgBody =>
  'replySenderId' in body && authors.has(body.replySenderId) ? { ...body, replyMsgType: 'Text', replyMsgDetails: { text: '' } } : body;
