/** What is known of a mail before it is decided where it belongs and as whose it counts. Looks only: nothing is written. */
import type { Authentication, Envelope } from '@tidings/contracts/events/email';
import type { GatewayMailReceived } from '@tidings/contracts/events/gateway-mail';
import type { Recorded } from '@tidings/contracts/events/index';
import type { Position } from '@tidings/contracts/ports/event-log';
import type { GoodToken } from '@tidings/domain/gateway/judge';
import type { EmailAddress } from '@tidings/domain/mail/address';
import type { ReplyMail } from '@tidings/infra/mime/mime';
import type { ResolveAddress } from '../../../platform/src/gateway/resolve.ts';
import type { Platform } from '../../../platform/src/platform.ts';
import { findConversations, type Found } from './matching.ts';
import { isAuthenticated, type TrustParts } from './trust.ts';

export interface EvidenceParts extends TrustParts {
  readonly platform: Platform;
  readonly resolve: ResolveAddress;
  readonly tokenIn: (address: string) => string | null;
  /** Where the last mail stands in the log that this process mapped. */
  readonly own: { mappedUpTo: Position };
}

/** A mail as far as it is understood. */
export interface Incoming {
  readonly event: Recorded<GatewayMailReceived>;
  readonly envelope: Envelope;
  readonly raw: Uint8Array;
  readonly mail: ReplyMail;
  /** By what we check ourselves; null where it was not looked at yet. */
  readonly checked: Authentication | null;
  readonly from: EmailAddress;
  /** Milliseconds since the epoch. */
  readonly receivedAt: number;
}

export interface Gathered extends Found {
  readonly token: { readonly token: string; readonly good: GoodToken } | null;
  /** Its author is who the header says. */
  readonly authenticated: boolean;
}

const CATCH_UP_MS = 5_000;

/** @throws when the read model of mappings is too far behind, and what reading throws */
export const gatherEvidence = async (parts: EvidenceParts, incoming: Incoming): Promise<Gathered> => {
  const { platform, authenticator, trustedAuthservIds } = parts;
  const { event, envelope, mail, checked, raw, from, receivedAt } = incoming;
  const authenticating = isAuthenticated({ authenticator, trustedAuthservIds }, event.data, {
    fields: mail.fields,
    raw,
    from,
    envelope,
    checked,
  });
  const finding = tokenOf(parts, incoming).then(async (token) => {
    if (token === null) await knowAllMappings(parts, event);
    return { ...(await findConversations(platform, mail, from, receivedAt)), token };
  });
  const [authenticated, found] = await Promise.all([authenticating, finding]);
  return { ...found, authenticated };
};

/** What a mail answers was recorded before it, or is what we made of the one before; with a token that is known without a look. */
const knowAllMappings = async ({ platform: { freshness }, own }: EvidenceParts, { position }: Recorded): Promise<void> => {
  const upTo = own.mappedUpTo > position ? own.mappedUpTo : position;
  if (!(await freshness.waitFor(upTo, ['mappings'], CATCH_UP_MS))) throw new Error('the read model of mappings is too far behind');
};

/** Envelope first, then where mail systems write it down, then the header of the author's program. */
const tokenOf = async (
  { resolve, tokenIn }: EvidenceParts,
  { envelope, mail: { fields, content } }: Incoming,
): Promise<Gathered['token']> => {
  const named = (name: string): readonly string[] =>
    fields.flatMap((field) => (field.name === name ? [field.value.replace(/^<|>$/g, '')] : []));
  const listed = [...content.to, ...content.cc].map(({ email }) => email);
  const written = [...envelope.rcptTo, ...named('delivered-to'), ...named('x-original-to'), ...listed].filter(
    (one) => tokenIn(one) !== null,
  );
  for (const one of [...new Set(written)].slice(0, 20)) {
    const found = await resolve(one);
    if (found?.type === 'token') return found;
  }
  return null;
};
