/** What moderators make of a report. */
import { resolveReport } from '@tidings/contracts/http/admin';
import { message, messageKey } from '@tidings/domain/message/index';
import { report, reportKey } from '@tidings/domain/report/index';
import { room, roomKey } from '@tidings/domain/room/index';
import type { FastifyInstance } from 'fastify';
import * as E from 'fp-ts/lib/Either.js';
import { handle } from '../../../http-kit/src/handle.ts';
import { orReject } from '../../../http-kit/src/rejections.ts';
import { assertService } from '../../../http-kit/src/service-actor.ts';
import type { Platform } from '../../../platform/src/platform.ts';
import { besides } from '../chat/context.ts';

const READS = ['reports', 'timeline', 'rooms'];

export const registerReports = (app: FastifyInstance, platform: Platform): void => {
  handle(
    app,
    platform,
    resolveReport,
    async ({ actor, params: { reportId }, body: { outcome }, context, settle }) => {
      assertService(actor);
      const by = actor.userId;
      const command = { type: 'ResolveReport', reportId, by, outcome } as const;
      const { state } = await platform.commands.load(report, reportKey(reportId));
      // What the decision will refuse deletes nothing. The message and its pin go first, so that a retry after a crash finds the report open.
      if (outcome === 'removed' && E.isRight(report.decide(command, state)) && state.kind !== 'none') {
        const { roomId, messageId } = state.about;
        orReject(
          await platform.commands.transact(
            message,
            messageKey(roomId, messageId),
            { type: 'DeleteMessage', roomId, messageId, by, isMember: true, mayModerate: true },
            besides(context, 'delete'),
          ),
        );
        orReject(
          await platform.commands.transact(
            room,
            roomKey(roomId),
            { type: 'UnpinDeleted', roomId, by, messageId },
            besides(context, 'unpin'),
          ),
        );
      }
      const { position } = orReject(await platform.commands.transact(report, reportKey(reportId), command, context));
      await settle(position, READS);
    },
    { idempotent: true },
  );
};
