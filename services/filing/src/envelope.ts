/** What `EmailFiled` keeps of the envelope; the whole of it is in `EmailReceived`. */
import type { EmailContent, Envelope } from '@tidings/contracts/events/email';
import { isShredded, type Sealed } from '@tidings/contracts/sealed';

/**
 * Null when the headers name all of its recipients, as those of nearly every mail do: readers of filed emails want those in Bcc, and what
 * stands in that event is read with every replay (docs/decisions/022).
 */
export const envelopeBeside = (envelope: Sealed<Envelope>, { to, cc }: EmailContent): Sealed<Envelope | null> => {
  if (isShredded(envelope)) return envelope;
  const named = new Set([...to, ...cc].map(({ email }) => email.toLowerCase()));
  return envelope.rcptTo.every((recipient) => named.has(recipient.toLowerCase())) ? null : envelope;
};
