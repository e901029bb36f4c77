/** `POST /api/rooms/{roomId}/mark-read`: all of the room as the timeline shows it now, or up to a message. */
import { markRead } from '@tidings/contracts/http/chat';
import type { MessageId, RoomId, UserId } from '@tidings/contracts/ids';
import { readReceipt, readReceiptKey } from '@tidings/domain/read-receipt/index';
import { isMember, room, roomKey } from '@tidings/domain/room/index';
import { entriesById, latestEntry, viewer } from '@tidings/projections/timeline/index';
import type { FastifyInstance } from 'fastify';
import { ApiError } from '../../../http-kit/src/errors.ts';
import { handle } from '../../../http-kit/src/handle.ts';
import { orReject } from '../../../http-kit/src/rejections.ts';
import type { Platform } from '../../../platform/src/platform.ts';

export const registerReadMarks = (app: FastifyInstance, platform: Platform): void => {
  handle(app, platform, markRead, async ({ actor, params: { roomId }, body, context, settle }) => {
    const { userId } = actor;
    const { state } = await platform.commands.load(room, roomKey(roomId));
    const member = isMember(state, userId);
    const mark = member ? await markOf(platform, roomId, userId, body?.upTo) : NOTHING;
    const marked = orReject(
      await platform.commands.transact(
        readReceipt,
        readReceiptKey(roomId, userId),
        { type: 'MarkRoomRead', roomId, userId, upToSeq: mark.seq, upTo: mark.messageId, isMember: member },
        context,
      ),
    );
    await settle(marked.position, ['read-states']);
  });
};

interface Mark {
  readonly seq: number;
  readonly messageId: MessageId | null;
}
const NOTHING: Mark = { seq: 0, messageId: null };

/** @throws ApiError 404 when `upTo` is not a message of this room that the reader can see */
const markOf = async (platform: Platform, roomId: RoomId, reader: UserId, upTo: MessageId | undefined): Promise<Mark> => {
  const schema = platform.liveSchema('timeline');
  if (upTo === undefined) return (await platform.read.maybeOne(latestEntry(schema, roomId))) ?? NOTHING;
  const [seen, [entry]] = await Promise.all([
    platform.read.maybeOne(viewer(schema, roomId, reader)),
    platform.read.any(entriesById(schema, [upTo])),
  ]);
  if (seen === null || entry === undefined || entry.roomId !== roomId || entry.seq <= seen.visibleAfter) {
    throw new ApiError('CONTENT_NOT_FOUND', 'There is no such message in this room.');
  }
  return { seq: entry.seq, messageId: entry.messageId };
};
