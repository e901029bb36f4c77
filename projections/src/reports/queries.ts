/** What moderators ask about reports. */
import { nullable } from '@tidings/contracts/codec';
import { ReportOutcome } from '@tidings/contracts/events/report';
import { MessageId, ReportId, RoomId, UserId } from '@tidings/contracts/ids';
import { rows } from '@tidings/contracts/sql-rows';
import { Timestamp } from '@tidings/contracts/time';
import * as t from 'io-ts';
import { sql } from 'slonik';
import { tableIn } from '../chat-view/tables.ts';

const ReportRow = t.readonly(
  t.type({
    id: ReportId,
    roomId: RoomId,
    messageId: MessageId,
    senderId: UserId,
    reportedBy: UserId,
    reason: nullable(t.string),
    reportedAt: Timestamp,
    outcome: nullable(ReportOutcome),
    resolvedBy: nullable(UserId),
    resolvedAt: nullable(Timestamp),
  }),
);
export type ReportRow = t.TypeOf<typeof ReportRow>;

export interface ReportPage {
  /** Null for all. */
  readonly state: 'open' | 'resolved' | null;
  /** The last one of the page before. */
  readonly after: { readonly at: Timestamp; readonly id: ReportId } | null;
  readonly limit: number;
}

/** The one reported first first. Index (reported_at, report_id), for open ones that of open ones. */
export const reportsPage = (schema: string, { state, after, limit }: ReportPage) => sql.type(rows(ReportRow))`
  select report_id as id, room_id as "roomId", message_id as "messageId", sender_id as "senderId", reported_by as "reportedBy", reason,
    reported_at as "reportedAt", outcome, resolved_by as "resolvedBy", resolved_at as "resolvedAt"
  from ${tableIn(schema, 'report')}
  where ${state === null ? sql.fragment`true` : state === 'open' ? sql.fragment`outcome is null` : sql.fragment`outcome is not null`}
    ${after === null ? sql.fragment`` : sql.fragment`and (reported_at, report_id) > (${after.at}::timestamptz, ${after.id}::uuid)`}
  order by reported_at, report_id limit ${limit}`;
