/** Whether the author of a mail is who the header says: by what we check ourselves, or by a server that we were told to believe. */
import type { Authentication, Envelope } from '@tidings/contracts/events/email';
import type { GatewayMailReceived } from '@tidings/contracts/events/gateway-mail';
import { alignedResults } from '@tidings/domain/gateway/authentication-results';
import type { ReplyAuthenticator } from '@tidings/infra/mail-auth/mail-auth';
import type { Mime, ReplyMail } from '@tidings/infra/mime/mime';

export interface TrustParts {
  /** Null where checks are turned off: then nobody is authenticated by them. */
  readonly authenticator: ReplyAuthenticator | null;
  readonly trustedAuthservIds: readonly string[];
}

export interface Understood {
  readonly mail: ReplyMail;
  /** Null where it was not looked at yet. */
  readonly checked: Authentication | null;
}

/** Reads a mail, and checks its author along with it where nobody else told us who that is. */
export const understand = async (
  { authenticator, mime }: Pick<TrustParts, 'authenticator'> & { readonly mime: Mime },
  raw: Uint8Array,
  envelope: Envelope,
  { door, said }: Pick<GatewayMailReceived['data'], 'door' | 'said'>,
): Promise<Understood> => {
  const both = said === null && door === 'smtp' ? await authenticator?.authenticateAndRead(raw, clientOf(envelope)) : undefined;
  return both ? { mail: both.reply, checked: both.authentication } : { mail: await mime.reply(raw), checked: null };
};

const clientOf = ({ clientAddress: address, helo, mailFrom }: Envelope) => ({ address, helo, mailFrom });

export const isAuthenticated = async (
  { authenticator, trustedAuthservIds }: TrustParts,
  { door, said }: Pick<GatewayMailReceived['data'], 'door' | 'said'>,
  mail: Pick<ReplyMail, 'fields'> & {
    readonly raw: Uint8Array;
    readonly from: string;
    readonly envelope: Envelope;
    readonly checked: Authentication | null;
  },
): Promise<boolean> => {
  if (said !== null) return said.verdict === 'pass';
  if (door === 'imap') {
    // The server that received it writes at the top; what stands below may be anybody's.
    const top = mail.fields.find(({ name }) => name === 'authentication-results')?.value ?? '';
    const told = alignedResults(top, mail.from);
    if (told !== null && trustedAuthservIds.includes(told.authservId)) return told.verdict === 'pass';
  }
  return (mail.checked ?? (await authenticator?.authenticate(mail.raw, clientOf(mail.envelope))))?.verdict === 'pass';
};
