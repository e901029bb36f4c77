/**
 * `POST /api/rooms/{roomId}/mark-read`: all of the room as the timeline shows it now, or up to a message. `…/mark-delivered`: what of it has
 * reached a device.
 */
import { markRead } from '@tidings/contracts/http/chat';
import { markDelivered } from '@tidings/contracts/http/receipts';
import type { MessageId, RoomId, UserId } from '@tidings/contracts/ids';
import { message, messageKey } from '@tidings/domain/message/index';
import { readReceipt, readReceiptKey } from '@tidings/domain/read-receipt/index';
import { isMember, room, roomKey } from '@tidings/domain/room/index';
import type { Entry } from '@tidings/projections/chat-view/index';
import { entriesById, latestEntry, viewer } from '@tidings/projections/timeline/index';
import type { FastifyInstance } from 'fastify';
import { ApiError } from '../../../http-kit/src/errors.ts';
import { handle } from '../../../http-kit/src/handle.ts';
import { orReject } from '../../../http-kit/src/rejections.ts';
import { READ_BUDGET_MS } from '../../../http-kit/src/settle.ts';
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

  handle(
    app,
    platform,
    markDelivered,
    async ({ actor, params: { roomId }, body: { upTo }, context, settle }) => {
      const { userId } = actor;
      const { state } = await platform.commands.load(room, roomKey(roomId));
      const member = isMember(state, userId);
      const mark = member ? await markOf(platform, roomId, userId, upTo) : NOTHING;
      const marked = orReject(
        await platform.commands.transact(
          readReceipt,
          readReceiptKey(roomId, userId),
          { type: 'MarkRoomDelivered', roomId, userId, upToSeq: mark.seq, upTo, isMember: member },
          context,
        ),
      );
      await settle(marked.position, ['read-states']);
    },
    { reads: ['timeline'] },
  );
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
  const [seen, entry] = await Promise.all([platform.read.maybeOne(viewer(schema, roomId, reader)), entryOf(platform, roomId, upTo)]);
  if (seen === null || entry === undefined || entry.roomId !== roomId || entry.seq <= seen.visibleAfter) {
    throw new ApiError('CONTENT_NOT_FOUND', 'There is no such message in this room.');
  }
  return { seq: entry.seq, messageId: entry.messageId };
};

/** The live stream may tell of a message a moment before the timeline has it; a client that marks it at once is not told it is none. */
const entryOf = async (platform: Platform, roomId: RoomId, id: MessageId): Promise<Entry | undefined> => {
  const find = async (): Promise<Entry | undefined> => (await platform.read.any(entriesById(platform.liveSchema('timeline'), [id])))[0];
  const entry = await find();
  if (entry !== undefined) return entry;
  const { state, position } = await platform.commands.load(message, messageKey(roomId, id));
  if (state.kind === 'none') return undefined;
  await platform.freshness.waitFor(position, ['timeline'], READ_BUDGET_MS);
  return find();
};
