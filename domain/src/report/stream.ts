import { derivedId, type MessageId, type ReportId, type UserId } from '@tidings/contracts/ids';

export const category = 'report';
export const reportKey = (report: ReportId): string => report;

/** Derived, so that one member's report of one message is one, however often they send it. */
export const reportIdOf = (message: MessageId, reportedBy: UserId): ReportId => derivedId<ReportId>('report', message, reportedBy);
