/** How two users stand to each other, seen from each side. Pure. */
import type { RelationshipEvent } from '@tidings/contracts/events/relationship';
import type { RelationshipType } from '@tidings/contracts/http/chat-objects';

export interface Pair {
  /** As the event's `by` sees `to`; null is "nothing between them". */
  readonly by: RelationshipType | null;
  readonly to: RelationshipType | null;
}

/** The pair after an event; `pair` is given and returned from the event's own point of view. */
export const evolvePair = (pair: Pair, event: RelationshipEvent): Pair => {
  switch (event.type) {
    case 'FriendshipRequested':
      return { by: 'INVITE_SENT', to: 'INVITE_RECEIVED' };
    case 'FriendshipAccepted':
      return { by: 'FRIEND', to: 'FRIEND' };
    case 'FriendshipRejected':
    case 'FriendshipEnded':
      return { by: null, to: null };
    case 'UserBlocked':
      // Where both block, both see that they did.
      return { by: 'CLIENT_BLOCKED', to: pair.to === 'CLIENT_BLOCKED' ? 'CLIENT_BLOCKED' : 'CLIENT_GOT_BLOCKED' };
    case 'UserUnblocked':
      return pair.to === 'CLIENT_BLOCKED' ? { by: 'CLIENT_GOT_BLOCKED', to: 'CLIENT_BLOCKED' } : { by: null, to: null };
  }
};
