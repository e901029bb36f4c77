/** `message/feedback-report` (RFC 5965 §3): what somebody's mail provider tells of their complaint. */
import { addressIn, first, groupsOf } from './fields.ts';
import type { MailReport, Original } from './report.ts';

/** RFC 6591 reports on a proof of identity, and `not-spam` takes a complaint back: nobody complained. */
const NO_COMPLAINTS: ReadonlySet<string> = new Set(['auth-failure', 'not-spam', '']);

export const complaintIn = (part: Uint8Array, original: Original): MailReport | null => {
  const group = groupsOf(part).find((one) => one.has('feedback-type'));
  const feedback = group === undefined ? '' : (first(group, 'feedback-type') ?? '').toLowerCase();
  if (group === undefined || NO_COMPLAINTS.has(feedback)) return null;
  return {
    type: 'complaint',
    feedback: feedback.slice(0, 100),
    recipients: (group.get('original-rcpt-to') ?? []).flatMap((value) => addressIn(value) ?? []),
    original: { ...original, returnPath: addressIn(first(group, 'original-mail-from')) ?? original.returnPath },
  };
};
