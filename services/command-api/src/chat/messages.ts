/**
 * `POST /api/send-msg`. The id derives from the idempotency key, so a retry finds its own message; the reservation (docs/decisions/002)
 * refuses the key for any other content, also in another room.
 */
import type { MessageBody } from '@tidings/contracts/events/message';
import type { RoomType } from '@tidings/contracts/events/room';
import { sendMessage, type SendMessage } from '@tidings/contracts/http/chat';
import type { MediaMsgBody, Message, MsgBody } from '@tidings/contracts/http/chat-objects';
import { derivedId, type MessageId, type RoomId, type UserId } from '@tidings/contracts/ids';
import { message, type MessageCommand, messageKey, type MessageState } from '@tidings/domain/message/index';
import { room, roomKey } from '@tidings/domain/room/index';
import { asItCame, type Entry, messageView } from '@tidings/projections/chat-view/index';
import { relationsTo } from '@tidings/projections/relationships/index';
import { entriesById, viewer } from '@tidings/projections/timeline/index';
import type { CommandContext } from '@tidings/infra/event-store/event-store';
import type { FastifyInstance } from 'fastify';
import type * as t from 'io-ts';
import { ApiError, invalid } from '../../../http-kit/src/errors.ts';
import { handle } from '../../../http-kit/src/handle.ts';
import { orReject } from '../../../http-kit/src/rejections.ts';
import type { Platform } from '../../../platform/src/platform.ts';
import { besides } from './context.ts';
import { plainBodyOf } from './plain-body.ts';
import { createReadBack } from './read-back.ts';
import { messageFor, type Standing, standingIn, strangersTo } from './standing.ts';

/** Who sends a message reads it in the timeline, in the room list and below their own read mark. */
const MESSAGE_READS = ['timeline', 'rooms', 'read-states'];

type Request = t.TypeOf<typeof SendMessage>;

export const registerMessages = (app: FastifyInstance, platform: Platform): void => {
  const readBack = createReadBack(platform);

  handle(
    app,
    platform,
    sendMessage,
    async ({ actor, body: request, operationId, context, settle }) => {
      const { chatRoomId: roomId } = request;
      const senderId = actor.userId;
      const messageId = derivedId<MessageId>('message', operationId);
      assertTypeAgrees(request);

      const { mentions = [], threadId = null } = request;
      const standing = await standingIn(platform, roomId, senderId);
      const body = await bodyOf(platform, request, senderId);
      const threadRoot = threadId === null ? 'message' : await threadRootOf(platform, standing, roomId, threadId, senderId);
      if (standing.away !== null && !standing.isBlocked) {
        await bringBack(platform, { roomId, messageId, away: standing.away, by: senderId, context });
      }
      const sent = orReject(
        await platform.commands.transact(
          message,
          messageKey(roomId, messageId),
          {
            type: 'SendMessage',
            roomId,
            messageId,
            senderId,
            body,
            mentions,
            notMembers: strangersTo(standing, mentions),
            threadId,
            threadRoot,
            isMember: standing.isMember,
            isBlocked: standing.isBlocked,
          },
          context,
        ),
      );
      await settle(sent.position, MESSAGE_READS);
      const shown = await readBack(messageId);
      if (shown === undefined) throw new ApiError('CONTENT_NOT_FOUND', 'The room was closed as you wrote.');
      return asSent(shown, sent.state);
    },
    { idempotent: true, rateClass: 'messages' },
  );
};

/** Every try is answered as the first one, whatever came of the message since; only of one that is gone nothing is told again (§6). */
export const asSent = (entry: Entry, state: MessageState): Message => {
  if (entry.deleted || entry.erased || state.kind !== 'sent') return messageView(entry);
  return messageView(asItCame(entry, state.original));
};

/** The body tells the type; a client that says another one is mistaken about one of them. */
const assertTypeAgrees = ({ msgType, msgBody }: Request): void => {
  if (msgType === undefined || msgType === typeOf(msgBody)) return;
  throw invalid([{ path: 'msgType', message: `must be ${typeOf(msgBody)}, as the body is` }]);
};

const typeOf = (body: Request['msgBody']): MessageBody['type'] => ('text' in body ? 'Text' : 'mediaUrl' in body ? 'Media' : 'Reply');

interface Return {
  readonly roomId: RoomId;
  readonly messageId: MessageId;
  readonly away: UserId;
  readonly by: UserId;
  readonly context: CommandContext;
}

/** Before the message, so that it is among what they see. The retry of a message sent long ago brings nobody back. */
export const bringBack = async (platform: Platform, { roomId, messageId, away, by, context }: Return): Promise<void> => {
  const { state } = await platform.commands.load(message, messageKey(roomId, messageId));
  if (state.kind === 'sent') return;
  orReject(
    await platform.commands.transact(room, roomKey(roomId), { type: 'ReopenRoom', roomId, userId: away, by }, besides(context, 'reopen')),
  );
};

type ThreadRoot = Extract<MessageCommand, { readonly type: 'SendMessage' }>['threadRoot'];

/** One that was deleted keeps its thread. */
const threadRootOf = async (platform: Platform, standing: Standing, roomId: RoomId, id: MessageId, sender: UserId): Promise<ThreadRoot> => {
  const root = await messageFor(platform, standing, roomId, id, sender);
  if (root === null) return 'none';
  return root.threadId === null ? 'message' : 'in-thread';
};

const bodyOf = async (platform: Platform, { chatRoomId, msgBody }: Request, sender: UserId): Promise<MessageBody> => {
  if (!('replyMsgId' in msgBody)) return plainBodyOf(msgBody);
  return { type: 'Reply', text: msgBody.replyText, quoted: await quote(platform, chatRoomId, msgBody.replyMsgId, sender) };
};

type Quote = Extract<MessageBody, { readonly type: 'Reply' }>['quoted'];

/** @throws ApiError 404 when the sender sees no such message in the room, 400 when it is nothing to answer */
const quote = async (platform: Platform, roomId: RoomId, answered: MessageId, sender: UserId): Promise<Quote> => {
  const schema = platform.liveSchema('timeline');
  const [seen, [entry]] = await Promise.all([
    platform.read.maybeOne(viewer(schema, roomId, sender)),
    platform.read.any(entriesById(schema, [answered])),
  ]);
  if (seen === null) throw new ApiError('INSUFFICIENT_PERMISSIONS', 'You are not a member of this room.');
  if (
    entry === undefined ||
    entry.roomId !== roomId ||
    entry.seq <= seen.visibleAfter ||
    (await isUnseen(platform, seen.roomType, entry, sender))
  ) {
    throw new ApiError('CONTENT_NOT_FOUND', 'There is no such message in this room.');
  }
  return { messageId: entry.messageId, senderId: entry.senderId, createdAt: entry.createdAt, body: quotedBody(entry) };
};

/** Nothing of it is left, or the sender, who blocks its author, is shown nothing of it. */
const isUnseen = async (platform: Platform, roomType: RoomType, entry: Entry, sender: UserId): Promise<boolean> => {
  if (entry.erased || entry.deleted) return true;
  if (roomType === 'Single' || entry.senderId === sender) return false;
  const [relation] = await platform.read.any(relationsTo(platform.liveSchema('relationships'), sender, [entry.senderId]));
  return relation?.relation === 'CLIENT_BLOCKED';
};

const quotedBody = (entry: Entry): Quote['body'] => {
  const body: MsgBody = messageView(entry).msgBody;
  if ('text' in body) return { type: 'Text', text: body.text };
  if (isMedia(body)) return { type: 'Media', ...body };
  if ('replyMsgId' in body) return { type: 'Reply', text: body.replyText };
  throw invalid([{ path: 'msgBody.replyMsgId', message: 'must be a message that someone wrote' }]);
};
const isMedia = (body: MsgBody): body is MediaMsgBody => 'mediaUrl' in body;
