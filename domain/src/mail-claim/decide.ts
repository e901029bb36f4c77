/** A mail may come by several doors, or by one several times: the first arrival counts. */
import type { GatewayMailId } from '@tidings/contracts/ids';
import { type Either, left, right } from 'fp-ts/lib/Either.js';
import { gatewayMailClaimed, type MailClaimEvent } from './events.ts';
import type { State } from './state.ts';

export interface Command {
  readonly type: 'ClaimMail';
  readonly mailId: GatewayMailId;
  readonly contentHash: string;
}

export type Rejection = { readonly type: 'MailClaimed'; readonly by: GatewayMailId };

export const decide = ({ mailId, contentHash }: Command, { claims }: State): Either<Rejection, readonly MailClaimEvent[]> => {
  if (claims.some((claim) => claim.mailId === mailId)) return right([]);
  const same = claims.find((claim) => claim.contentHash === contentHash);
  return same === undefined
    ? right([gatewayMailClaimed({ mailId, contentHash, messageIdReused: claims.length > 0 })])
    : left({ type: 'MailClaimed', by: same.mailId });
};
