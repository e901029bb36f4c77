import { eventOf } from '@tidings/contracts/events/definition';
import { MessageReported, ReportResolved } from '@tidings/contracts/events/report';

export type { ReportEvent } from '@tidings/contracts/events/report';
export const messageReported = eventOf(MessageReported);
export const reportResolved = eventOf(ReportResolved);
