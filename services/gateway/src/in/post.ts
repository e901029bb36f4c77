/** A mail as messages of a chat room: its text, in pieces where it is long, then its files. Everything has an id that derives from the mail. */
import type { MessageBody } from '@tidings/contracts/events/message';
import { type CommandId, derivedId, type GatewayMailId, type MessageId, type RoomId, type UserId } from '@tidings/contracts/ids';
import { message, messageKey } from '@tidings/domain/message/index';
import { room, roomKey } from '@tidings/domain/room/index';
import type { CommandContext } from '@tidings/infra/event-store/event-store';
import type { ReplyMail } from '@tidings/infra/mime/mime';
import * as E from 'fp-ts/lib/Either.js';
import { standingIn } from '../../../command-api/src/chat/standing.ts';
import type { Platform } from '../../../platform/src/platform.ts';
import { type AttachmentParts, mediaOf } from './attachments.ts';

/** Of one message (chat-contract). */
const LONGEST = 4_000;
const MOST_PIECES = 5;

export interface Posting {
  readonly mailId: GatewayMailId;
  readonly roomId: RoomId;
  /** Vouched for; need not be a member. */
  readonly senderId: UserId;
  readonly mail: ReplyMail;
  readonly raw: Uint8Array;
  readonly context: CommandContext;
}

export type Posted =
  | { readonly type: 'posted'; readonly messageIds: readonly MessageId[] }
  | { readonly type: 'refused'; readonly reason: string };

/** The text goes first, so that it does not wait for pictures. */
export const postMail = async (platform: Platform, parts: Omit<AttachmentParts, 'platform'>, posting: Posting): Promise<Posted> => {
  const { mailId, senderId, mail, raw } = posting;
  const refused = await comeBack(platform, posting);
  if (refused !== null) return { type: 'refused', reason: refused };
  const texts = textsOf(mail);
  const messageIds: MessageId[] = [];
  const send = async (body: MessageBody): Promise<string | null> => {
    const messageId = derivedId<MessageId>('gateway-message', mailId, messageIds.length);
    const reason = await sendOne(platform, posting, messageId, body);
    if (reason === null) messageIds.push(messageId);
    return reason;
  };
  for (const text of texts) {
    const reason = await send({ type: 'Text', text });
    if (reason !== null) return { type: 'refused', reason };
  }
  const files = mail.details.attachments.filter(({ cid, disposition }) => cid === null || disposition === 'attachment');
  for (const body of await mediaOf({ ...parts, platform }, { mailId, raw, files, by: senderId })) await send(body);
  return { type: 'posted', messageIds };
};

/** One message at least: a mail of files alone needs no text, any other shows what it is about. */
const textsOf = ({ reply, content }: ReplyMail): readonly string[] => {
  const letters = [...reply.trim()];
  if (letters.length === 0) return content.hasAttachments ? [] : [content.subject.trim() === '' ? '(no text)' : content.subject.trim()];
  const pieces = Math.min(Math.ceil(letters.length / LONGEST), MOST_PIECES);
  const texts = Array.from({ length: pieces }, (_, at) => letters.slice(at * LONGEST, (at + 1) * LONGEST).join(''));
  return letters.length > LONGEST * MOST_PIECES ? [...texts.slice(0, -1), `${(texts.at(-1) ?? '').slice(0, -1)}…`] : texts;
};

/** Who left a private room comes back by what is written to them, as in chat. @returns why nothing can be written there */
const comeBack = async (platform: Platform, { roomId, senderId, mailId }: Posting): Promise<string | null> => {
  const { state, isBlocked, away } = await standingIn(platform, roomId, senderId);
  if (state.kind !== 'open') return 'the conversation is over';
  if (isBlocked) return 'blocked';
  if (away === null) return null;
  const back = await platform.commands.transact(
    room,
    roomKey(roomId),
    { type: 'ReopenRoom', roomId, userId: away, by: senderId },
    { commandId: derivedId<CommandId>('gateway-reopen', mailId) },
  );
  return E.isLeft(back) ? back.left.type : null;
};

const sendOne = async (platform: Platform, posting: Posting, messageId: MessageId, body: MessageBody): Promise<string | null> => {
  const { roomId, senderId, context } = posting;
  const sent = await platform.commands.transact(
    message,
    messageKey(roomId, messageId),
    {
      ...{ type: 'SendMessage', roomId, messageId, senderId, body, isMember: true, isBlocked: false },
      ...{ mentions: [], notMembers: [], threadId: null, threadRoot: 'message' },
    },
    { ...context, commandId: derivedId<CommandId>('gateway-message', messageId) },
  );
  // A picture that an earlier try encoded otherwise: it was sent then.
  return E.isLeft(sent) && sent.left.type !== 'IdempotencyKeyReused' ? sent.left.type : null;
};
