/** Whether the author of a mail is who the header says: by what we check ourselves, or by a server that we were told to believe. */
import type { Envelope } from '@tidings/contracts/events/email';
import type { GatewayMailReceived } from '@tidings/contracts/events/gateway-mail';
import type { MailAuthenticator } from '@tidings/contracts/ports/mail-checks';
import { alignedResults } from '@tidings/domain/gateway/authentication-results';
import type { ReplyMail } from '@tidings/infra/mime/mime';

export interface TrustParts {
  /** Null where checks are turned off: then nobody is authenticated by them. */
  readonly authenticator: MailAuthenticator | null;
  readonly trustedAuthservIds: readonly string[];
}

export const isAuthenticated = async (
  { authenticator, trustedAuthservIds }: TrustParts,
  { door, said }: Pick<GatewayMailReceived['data'], 'door' | 'said'>,
  mail: Pick<ReplyMail, 'fields'> & { readonly raw: Uint8Array; readonly from: string; readonly envelope: Envelope },
): Promise<boolean> => {
  if (said !== null) return said.verdict === 'pass';
  if (door === 'imap') {
    // The server that received it writes at the top; what stands below may be anybody's.
    const top = mail.fields.find(({ name }) => name === 'authentication-results')?.value ?? '';
    const told = alignedResults(top, mail.from);
    if (told !== null && trustedAuthservIds.includes(told.authservId)) return told.verdict === 'pass';
  }
  const { clientAddress: address, helo, mailFrom } = mail.envelope;
  return (await authenticator?.authenticate(mail.raw, { address, helo, mailFrom }))?.verdict === 'pass';
};
