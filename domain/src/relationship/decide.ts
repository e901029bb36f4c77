/** Friendship and blocking between two users (chat-contract §1.5). One stream per unordered pair, so crossed requests meet in one place. */
import type { UserId } from '@tidings/contracts/ids';
import { type Either, left, right } from 'fp-ts/lib/Either.js';
import {
  friendshipAccepted,
  friendshipEnded,
  friendshipRejected,
  friendshipRequested,
  type RelationshipEvent,
  userBlocked,
  userUnblocked,
} from './events.ts';
import { isBlocked, isBlockedBy, type State } from './state.ts';

/** `by` acts, `to` is the other one, whatever the direction of the request between them. */
export interface Command {
  readonly type: 'RequestFriendship' | 'AcceptFriendship' | 'RejectFriendship' | 'EndFriendship' | 'BlockUser' | 'UnblockUser';
  readonly by: UserId;
  readonly to: UserId;
}

export type Rejection =
  | { readonly type: 'WithYourself' }
  /** One of them blocked the other, so no request can be made; who did is not told. */
  | { readonly type: 'FriendshipBlocked' }
  | { readonly type: 'NoRelationship' }
  /** There is something between them, but no request of the other to answer. */
  | { readonly type: 'NotInvited' }
  | { readonly type: 'NotFriends' }
  | { readonly type: 'NotBlocked' }
  /** Only the other one blocked; that is not ours to lift. */
  | { readonly type: 'BlockedByOther' };

export const decide = (command: Command, state: State): Either<Rejection, readonly RelationshipEvent[]> => {
  const { by, to } = command;
  if (by === to) {
    const begins = command.type === 'RequestFriendship' || command.type === 'BlockUser';
    return left({ type: begins ? 'WithYourself' : 'NoRelationship' });
  }

  switch (command.type) {
    case 'RequestFriendship':
      if (isBlocked(state)) return left({ type: 'FriendshipBlocked' });
      if (state.kind === 'strangers') return right([friendshipRequested({ by, to })]);
      // crossed requests become a friendship; asking twice, or a friend, changes nothing
      return right(isInvitedBy(to, state) ? [friendshipAccepted({ by, to })] : []);
    case 'AcceptFriendship':
      return answer(state, to, friendshipAccepted({ by, to }));
    case 'RejectFriendship':
      return answer(state, to, friendshipRejected({ by, to }));
    case 'EndFriendship':
      if (state.kind === 'strangers') return left({ type: 'NoRelationship' });
      return state.kind === 'friends' ? right([friendshipEnded({ by, to })]) : left({ type: 'NotFriends' });
    case 'BlockUser':
      return right(isBlockedBy(state, by) ? [] : [userBlocked({ by, to })]);
    case 'UnblockUser':
      if (state.kind === 'strangers') return left({ type: 'NoRelationship' });
      if (isBlockedBy(state, by)) return right([userUnblocked({ by, to })]);
      return left({ type: isBlocked(state) ? 'BlockedByOther' : 'NotBlocked' });
  }
};

const isInvitedBy = (user: UserId, state: State): boolean => state.kind === 'requested' && state.by === user;

const answer = (state: State, inviter: UserId, event: RelationshipEvent): Either<Rejection, readonly RelationshipEvent[]> => {
  if (state.kind === 'strangers') return left({ type: 'NoRelationship' });
  return isInvitedBy(inviter, state) ? right([event]) : left({ type: 'NotInvited' });
};
