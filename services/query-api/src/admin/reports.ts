/** What members reported. */
import { ADMIN_PAGE, listReports, type Report } from '@tidings/contracts/http/admin';
import { ReportId } from '@tidings/contracts/ids';
import { Timestamp } from '@tidings/contracts/time';
import { type ReportRow, reportsPage } from '@tidings/projections/reports/index';
import type { FastifyInstance } from 'fastify';
import * as t from 'io-ts';
import { handle } from '../../../http-kit/src/handle.ts';
import { assertService } from '../../../http-kit/src/service-actor.ts';
import type { Platform } from '../../../platform/src/platform.ts';
import { decodeCursor, pageOfFound } from '../chat/cursor.ts';

const ReportCursor = t.readonly(t.type({ at: Timestamp, id: ReportId }));

export const registerReports = (app: FastifyInstance, platform: Platform): void => {
  handle(
    app,
    platform,
    listReports,
    async ({ actor, query: { state = null, cursor, limit = ADMIN_PAGE } }) => {
      assertService(actor);
      const page = { state, after: decodeCursor(ReportCursor, cursor), limit: limit + 1 };
      const found = await platform.read.any(reportsPage(platform.liveSchema('reports'), page));
      return pageOfFound(found, limit, ({ reportedAt, id }) => ({ at: reportedAt, id }), found.map(reportView));
    },
    { reads: ['reports'] },
  );
};

const reportView = ({ id, roomId, messageId, senderId, reportedBy, reason, reportedAt, ...end }: ReportRow): Report => ({
  ...{ id, roomId, messageId, senderId, reportedBy, reason, reportedAt },
  state: end.outcome === null ? 'open' : 'resolved',
  outcome: end.outcome,
  resolvedBy: end.resolvedBy,
  resolvedAt: end.resolvedAt,
});
