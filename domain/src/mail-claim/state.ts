import type { GatewayMailId } from '@tidings/contracts/ids';
import type { MailClaimEvent } from './events.ts';

/** What came under one Message-ID: as a rule, one mail. */
export interface State {
  readonly claims: readonly { readonly mailId: GatewayMailId; readonly contentHash: string }[];
}

export const initial: State = { claims: [] };

export const evolve = (state: State, event: MailClaimEvent): State => {
  if (event.type !== 'GatewayMailClaimed') return state;
  const { mailId, contentHash } = event.data;
  return { claims: [...state.claims, { mailId, contentHash }] };
};
