/**
 * Mail that no person wrote just now, and so is never a chat message (RFC 3834 §2, RFC 2076, RFC 5230 §4.6): two automata that answer each other
 * would never stop.
 */
export interface HeaderField {
  /** In lower case. */
  readonly name: string;
  readonly value: string;
}

/** What gives a mail away as no person's; null for a person's. @param mailFrom of the envelope, empty for the null sender */
export const loopReason = (fields: readonly HeaderField[], mailFrom: string | null, from: string | null): string | null => {
  if (mailFrom === '') return 'null sender';
  if (/^(mailer-daemon|postmaster-daemon)@/i.test(from ?? '') || /^mailer-daemon@/i.test(mailFrom ?? '')) return 'mailer-daemon';
  for (const { name, value } of fields) if (givesAway(name, value.trim().toLowerCase())) return name;
  return null;
};

const givesAway = (name: string, value: string): boolean => {
  switch (name) {
    case 'auto-submitted':
      return value !== '' && !/^no\b/.test(value);
    case 'precedence':
      return /^(bulk|list|junk|auto_reply)\b/.test(value);
    case 'x-auto-response-suppress':
      return value !== '' && value !== 'none';
    case 'content-type':
      return /^multipart\/report\b/.test(value);
    case 'x-autoreply':
    case 'x-auto-reply':
      return value !== 'no';
    case 'x-autorespond':
    case 'x-auto-respond':
    case 'x-tidings-gateway':
      return true;
    default:
      return name.startsWith('list-');
  }
};
