/** Stream `relationship-<derived from the sorted pair>`: one per unordered pair, so crossed requests meet in one place. */
import * as t from 'io-ts';
import { UserId } from '../ids.ts';
import { defineEvent, type EventOf } from './definition.ts';

const byTo = t.readonly(t.type({ by: UserId, to: UserId }));

export const FriendshipRequested = defineEvent({ type: 'FriendshipRequested', doc: '`by` asked `to` to be friends.', data: byTo });
export type FriendshipRequested = EventOf<typeof FriendshipRequested>;
export const FriendshipAccepted = defineEvent({
  type: 'FriendshipAccepted',
  doc: '`by` accepted the request of `to`, or both had asked: they are friends.',
  data: byTo,
});
export type FriendshipAccepted = EventOf<typeof FriendshipAccepted>;
export const FriendshipRejected = defineEvent({ type: 'FriendshipRejected', doc: '`by` turned down the request of `to`.', data: byTo });
export type FriendshipRejected = EventOf<typeof FriendshipRejected>;
export const FriendshipEnded = defineEvent({ type: 'FriendshipEnded', doc: '`by` ended the friendship with `to`.', data: byTo });
export type FriendshipEnded = EventOf<typeof FriendshipEnded>;
export const UserBlocked = defineEvent({
  type: 'UserBlocked',
  doc: '`by` blocked `to`; friendship or request between them is gone.',
  data: byTo,
});
export type UserBlocked = EventOf<typeof UserBlocked>;
export const UserUnblocked = defineEvent({ type: 'UserUnblocked', doc: '`by` lifted their block of `to`.', data: byTo });
export type UserUnblocked = EventOf<typeof UserUnblocked>;

export const relationshipEvents = [
  FriendshipRequested,
  FriendshipAccepted,
  FriendshipRejected,
  FriendshipEnded,
  UserBlocked,
  UserUnblocked,
] as const;
export type RelationshipEvent = EventOf<(typeof relationshipEvents)[number]>;
