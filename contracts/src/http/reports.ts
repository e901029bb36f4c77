/** Messages that members want moderators to look at (chat-contract §6). */
import * as t from 'io-ts';
import { ReportReason } from '../events/report.ts';
import { MessageId, RoomId } from '../ids.ts';
import { defineRoute, type Route } from './route.ts';

export const reportMessage = defineRoute({
  id: 'reportMessage',
  method: 'POST',
  path: '/api/rooms/{roomId}/messages/{messageId}/report',
  tag: 'Messages',
  summary: "Reports someone else's message to the moderators, with a reason. A second report of the same message changes nothing.",
  params: t.readonly(t.type({ roomId: RoomId, messageId: MessageId })),
  body: t.readonly(t.type({ reason: ReportReason })),
  errors: [403, 404, 422],
});

export const reportRoutes: readonly Route[] = [reportMessage];
