/** The kinds of parts that reports are made of. */

const STATUS: ReadonlySet<string> = new Set(['message/delivery-status', 'message/global-delivery-status']);
const DISPOSITION: ReadonlySet<string> = new Set(['message/disposition-notification', 'message/global-disposition-notification']);
const FEEDBACK = 'message/feedback-report';
/** RFC 3462 §2, RFC 6533 §4; a returned mail among attachments is what old systems write. */
const ORIGINALS: ReadonlySet<string> = new Set(['message/rfc822', 'message/global', 'text/rfc822-headers', 'message/global-headers']);

/** RFC 3464, RFC 6533 §3. */
export const isDeliveryStatus = (type: string): boolean => STATUS.has(type);
/** RFC 8098, RFC 6533 §5. */
export const isDisposition = (type: string): boolean => DISPOSITION.has(type);
/** RFC 5965. */
export const isFeedback = (type: string): boolean => type === FEEDBACK;
/** A copy of what is reported on, or of its header. */
export const isOriginal = (type: string): boolean => ORIGINALS.has(type);

/** Written for machines; a mail without such a part is a report only if its words say so. */
export const isReportPart = (type: string): boolean => isDeliveryStatus(type) || isFeedback(type) || isDisposition(type);
