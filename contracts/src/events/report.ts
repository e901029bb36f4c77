/** Stream `report-<derived from message and reporter>`: a message that a member wants moderators to look at; one report each. */
import * as t from 'io-ts';
import { oneOf, text } from '../codec.ts';
import { MessageId, ReportId, RoomId, UserId } from '../ids.ts';
import { sealed } from '../sealed.ts';
import { defineEvent, type EventOf } from './definition.ts';

export const ReportOutcome = oneOf('dismissed', 'removed');
export type ReportOutcome = t.TypeOf<typeof ReportOutcome>;
export const ReportReason = text(1, 1000);

export const MessageReported = defineEvent({
  type: 'MessageReported',
  doc: 'A member reported a message to the moderators.',
  data: t.readonly(
    t.type({
      reportId: ReportId,
      roomId: RoomId,
      messageId: MessageId,
      senderId: UserId,
      reportedBy: UserId,
      reason: sealed(ReportReason),
    }),
  ),
  personal: [{ subject: 'reportedBy', fields: ['reason'] }],
});
export type MessageReported = EventOf<typeof MessageReported>;

export const ReportResolved = defineEvent({
  type: 'ReportResolved',
  doc: 'A moderator closed a report: nothing was wrong, or the message was removed.',
  data: t.readonly(t.type({ reportId: ReportId, by: UserId, outcome: ReportOutcome })),
});
export type ReportResolved = EventOf<typeof ReportResolved>;

export const reportEvents = [MessageReported, ReportResolved] as const;
export type ReportEvent = EventOf<(typeof reportEvents)[number]>;
