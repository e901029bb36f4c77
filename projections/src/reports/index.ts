/** Messages that members reported, for moderators to work off. */
import type { Recorded } from '@tidings/contracts/events/index';
import type { ReportEvent } from '@tidings/contracts/events/report';
import type { SubjectErased } from '@tidings/contracts/events/user';
import type { Projection, ProjectionTx } from '@tidings/contracts/projection';
import { reveal } from '@tidings/contracts/sealed';
import { storable } from '../chat-view/people.ts';

export * from './queries.ts';

/** `reason` is null once who reported it is erased; `outcome` while the report is open. */
const tables = (schema: string): string => `
  create table ${schema}.report (
    report_id uuid primary key,
    room_id uuid not null,
    message_id uuid not null,
    sender_id uuid not null,
    reported_by uuid not null,
    reason text,
    reported_at timestamptz not null,
    outcome text,
    resolved_by uuid,
    resolved_at timestamptz
  );
  create index on ${schema}.report (reported_by);`;

const indexes = (schema: string): string => `
  create index on ${schema}.report (reported_at, report_id);
  create index on ${schema}.report (reported_at, report_id) where outcome is null;`;

export const reports: Projection = {
  name: 'reports',
  version: 1,
  handles: ['MessageReported', 'ReportResolved', 'SubjectErased'],
  tables,
  indexes,
  // Reports are rare: one statement each keeps the order simple.
  apply: async (page, tx) => {
    for (const event of page) if (isHandled(event)) await applyOne(event, tx);
  },
};

type Handled = Recorded<ReportEvent | SubjectErased>;
const isHandled = (event: Recorded): event is Handled => reports.handles.includes(event.type);

const applyOne = async (event: Handled, tx: ProjectionTx): Promise<void> => {
  switch (event.type) {
    case 'MessageReported': {
      const { reportId, roomId, messageId, senderId, reportedBy, reason } = event.data;
      const told = reveal(reason, null);
      await tx.query(
        `insert into ${tx.schema}.report (report_id, room_id, message_id, sender_id, reported_by, reason, reported_at)
         values ($1, $2, $3, $4, $5, $6, $7)`,
        [reportId, roomId, messageId, senderId, reportedBy, told === null ? null : storable(told), event.recordedAt],
      );
      return;
    }
    case 'ReportResolved': {
      const { reportId, by, outcome } = event.data;
      await tx.query(`update ${tx.schema}.report set outcome = $2, resolved_by = $3, resolved_at = $4 where report_id = $1`, [
        reportId,
        outcome,
        by,
        event.recordedAt,
      ]);
      return;
    }
    case 'SubjectErased':
      await tx.query(`update ${tx.schema}.report set reason = null where reported_by = $1`, [event.data.userId]);
  }
};
