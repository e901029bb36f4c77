/** Users as chat shows them. One builder per object, so that every door gives the same fields in the same order. */
import type { MembershipStatus, RelatedUser, RoomMember, User } from '@tidings/contracts/http/chat-objects';
import type { RoomRole } from '@tidings/contracts/events/room';
import type { UserRole } from '@tidings/contracts/events/user';
import type { UserId } from '@tidings/contracts/ids';
import { reveal, type Sealed } from '@tidings/contracts/sealed';
import type { Timestamp } from '@tidings/contracts/time';

/** Stands where a name was, once its owner's data is erased. */
export const ERASED_NAME = 'Deleted user';

export const shownName = (name: Sealed<string>): string => storable(reveal(name, ERASED_NAME));

/** Postgres keeps no U+0000 in text; whoever sends one must not stop a projection. */
export const storable = (text: string): string => text.replaceAll('\0', '');

export interface UserFacts {
  readonly id: UserId;
  readonly displayName: string;
  readonly description: string | null;
  readonly profilePicture: string | null;
  readonly friendsCount: number;
  readonly role: UserRole;
}

/** `streetCredits` belong to ISM's shape; nothing here awards them. */
export const userView = (facts: UserFacts): User => ({
  id: facts.id,
  displayName: facts.displayName,
  streetCredits: 0,
  profilePicture: facts.profilePicture,
  description: facts.description,
  friendsCount: facts.friendsCount,
  role: facts.role,
});

export interface RelatedUserFacts {
  readonly id: UserId;
  readonly displayName: string;
  readonly profilePicture: string | null;
  readonly joinedAt: Timestamp;
  readonly lastMessageReadAt: Timestamp | null;
  readonly membershipStatus: MembershipStatus;
}

export const relatedUserView = (facts: RelatedUserFacts): RelatedUser => ({
  id: facts.id,
  displayName: facts.displayName,
  profilePicture: facts.profilePicture,
  joinedAt: facts.joinedAt,
  lastMessageReadAt: facts.lastMessageReadAt,
  membershipStatus: facts.membershipStatus,
});

export const roomMemberView = (facts: RelatedUserFacts, role: RoomRole): RoomMember => ({ ...relatedUserView(facts), role });
