/** The message that a room begins with: sent as any other, by whoever makes the room. */
import type { PlainMsgBody } from '@tidings/contracts/http/chat';
import { derivedId, type MessageId, type RoomId, type UserId } from '@tidings/contracts/ids';
import type { Position } from '@tidings/contracts/ports/event-log';
import { message, messageKey } from '@tidings/domain/message/index';
import type { CommandContext } from '@tidings/infra/event-store/event-store';
import type * as t from 'io-ts';
import { orReject } from '../../../http-kit/src/rejections.ts';
import type { Platform } from '../../../platform/src/platform.ts';
import { besides } from './context.ts';
import { bringBack } from './messages.ts';
import { plainBodyOf } from './plain-body.ts';
import { standingIn } from './standing.ts';

export interface FirstMessage {
  readonly roomId: RoomId;
  readonly by: UserId;
  readonly msgBody: t.TypeOf<typeof PlainMsgBody>;
  readonly operationId: string;
  readonly context: CommandContext;
}

/** Once the room is made. A retry finds the one it sent, whatever became of the room since. */
export const sendFirst = async (platform: Platform, { roomId, by, msgBody, operationId, context }: FirstMessage): Promise<Position> => {
  const messageId = derivedId<MessageId>('message', operationId);
  const own = besides(context, 'first-message');
  const { isMember, isBlocked, away } = await standingIn(platform, roomId, by);
  if (away !== null && !isBlocked) await bringBack(platform, { roomId, messageId, away, by, context: own });
  const sent = await platform.commands.transact(
    message,
    messageKey(roomId, messageId),
    {
      ...{ type: 'SendMessage', roomId, messageId, senderId: by, body: plainBodyOf(msgBody), isMember, isBlocked },
      ...{ mentions: [], notMembers: [], threadId: null, threadRoot: 'message' },
    },
    own,
  );
  return orReject(sent).position;
};
