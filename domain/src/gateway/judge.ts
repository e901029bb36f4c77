/**
 * Where a mail belongs and as whose it counts: the contract's order of matching, and its rules of trust. A header says anything; who wrote is what
 * authentication says, and what a token of ours was given to.
 */
import type { Disagreement, Strategy, Sureness } from '@tidings/contracts/events/gateway';
import type { ConversationId, UserId } from '@tidings/contracts/ids';

/** A token that is good. */
export interface GoodToken {
  readonly conversationId: ConversationId;
  /** To whom it was given; null for a token of version 1, which names nobody. */
  readonly recipient: { readonly userId: UserId; readonly address: string } | null;
}

export interface Evidence {
  /** Its one author, in normal form. */
  readonly from: string;
  /** DMARC passes, or what stands for it. */
  readonly authenticated: boolean;
  /** The first that is good, envelope before header. */
  readonly token: GoodToken | null;
  /** What each strategy finds, in the order in which they count; those that find nothing are left out. */
  readonly found: readonly { readonly strategy: Strategy; readonly conversationId: ConversationId }[];
}

export interface Match {
  readonly conversationId: ConversationId;
  readonly strategy: Strategy;
  readonly disagreeing: readonly Disagreement[];
}

/** The highest strategy that found something; null when none did. */
export const matchOf = ({ token, found }: Pick<Evidence, 'token' | 'found'>): Match | null => {
  const [won, ...lower] = [...(token === null ? [] : [{ strategy: 'token' as const, conversationId: token.conversationId }]), ...found];
  if (won === undefined) return null;
  return { ...won, disagreeing: lower.filter(({ conversationId }) => conversationId !== won.conversationId) };
};

export interface Author {
  /** Null for a stranger: nobody in the conversation has this address. */
  readonly userId: UserId | null;
  readonly sureness: Sureness;
  /** Why a member must confirm it first; null when it is posted at once. */
  readonly hold: 'unauthenticated' | 'stranger' | null;
}

/** @param participant who in the conversation has the author's address */
export const authorOf = ({ from, authenticated, token }: Evidence, strategy: Strategy, participant: UserId | null): Author => {
  const byToken = strategy === 'token';
  const isRecipient = byToken && token?.recipient?.address === from;
  const userId = isRecipient ? (token?.recipient?.userId ?? null) : participant;
  const sureness =
    isRecipient && authenticated ? 'certain' : strategy === 'sender-subject' || userId === null || !authenticated ? 'low' : 'high';
  const hold = !authenticated ? 'unauthenticated' : userId === null ? 'stranger' : null;
  return { userId, sureness, hold };
};
