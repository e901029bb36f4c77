/** `POST /api/rooms/{roomId}/messages/{messageId}/report`: what moderators should see. They list and close reports by the service API. */
import { reportMessage } from '@tidings/contracts/http/reports';
import type { MessageId, RoomId, UserId } from '@tidings/contracts/ids';
import { report, reportIdOf, reportKey } from '@tidings/domain/report/index';
import { isMember, room, roomKey } from '@tidings/domain/room/index';
import { entriesById, viewer } from '@tidings/projections/timeline/index';
import type { FastifyInstance } from 'fastify';
import { handle } from '../../../http-kit/src/handle.ts';
import { orReject } from '../../../http-kit/src/rejections.ts';
import type { Platform } from '../../../platform/src/platform.ts';

export const registerReports = (app: FastifyInstance, platform: Platform): void => {
  handle(
    app,
    platform,
    reportMessage,
    async ({ actor, params: { roomId, messageId }, body, context, settle }) => {
      const reportedBy = actor.userId;
      const { state } = await platform.commands.load(room, roomKey(roomId));
      const member = isMember(state, reportedBy);
      const senderId = member ? await senderOf(platform, roomId, messageId, reportedBy) : null;
      const reported = orReject(
        await platform.commands.transact(
          report,
          reportKey(reportIdOf(messageId, reportedBy)),
          { type: 'ReportMessage', roomId, messageId, senderId, reportedBy, reason: body.reason, isMember: member },
          context,
        ),
      );
      await settle(reported.position, []);
    },
    { idempotent: true, reads: ['timeline'] },
  );
};

/** Who wrote a message that `reader` can see in the room; null when it is none, or a change of the room that nobody wrote. */
const senderOf = async (platform: Platform, roomId: RoomId, messageId: MessageId, reader: UserId): Promise<UserId | null> => {
  const schema = platform.liveSchema('timeline');
  const [seen, [entry]] = await Promise.all([
    platform.read.maybeOne(viewer(schema, roomId, reader)),
    platform.read.any(entriesById(schema, [messageId])),
  ]);
  const shows = seen !== null && entry !== undefined && entry.roomId === roomId && entry.seq > seen.visibleAfter;
  return shows && entry.msgType !== 'RoomChange' ? entry.senderId : null;
};
