/** `message/disposition-notification` (RFC 8098 §3): what a recipient's program did with a mail. */
import { addressIn, first, groupsOf } from './fields.ts';
import type { MailReport, Original } from './report.ts';

/** RFC 8098 §3.2.6, and what RFC 2298 had beside it. Of anything else nobody knows what it means. */
const DISPOSITIONS: ReadonlySet<string> = new Set(['displayed', 'deleted', 'dispatched', 'processed', 'denied', 'failed']);

export const receiptIn = (part: Uint8Array, original: Original): MailReport | null => {
  const group = groupsOf(part).find((one) => one.has('disposition'));
  if (group === undefined) return null;
  const [mode = '', type = ''] = (first(group, 'disposition') ?? '').toLowerCase().split(';');
  const [disposition = ''] = type.trim().split(/[\s/]/, 1);
  if (!DISPOSITIONS.has(disposition)) return null;
  const recipients = ['original-recipient', 'final-recipient'].flatMap((name) => addressIn(first(group, name)) ?? []);
  const [, messageId = original.messageId] = /<([^<>\s]{1,990})>/.exec(first(group, 'original-message-id') ?? '') ?? [];
  return {
    ...{ type: 'receipt', disposition, recipients: [...new Set(recipients)], original: { ...original, messageId } },
    isAutomatic: mode.trim().startsWith('automatic-action'),
  };
};
