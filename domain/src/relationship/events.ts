import { eventOf } from '@tidings/contracts/events/definition';
import {
  FriendshipAccepted,
  FriendshipEnded,
  FriendshipRejected,
  FriendshipRequested,
  UserBlocked,
  UserUnblocked,
} from '@tidings/contracts/events/relationship';

export type { RelationshipEvent } from '@tidings/contracts/events/relationship';
export const friendshipRequested = eventOf(FriendshipRequested);
export const friendshipAccepted = eventOf(FriendshipAccepted);
export const friendshipRejected = eventOf(FriendshipRejected);
export const friendshipEnded = eventOf(FriendshipEnded);
export const userBlocked = eventOf(UserBlocked);
export const userUnblocked = eventOf(UserUnblocked);
