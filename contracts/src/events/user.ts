/** Stream `user-<userId>`. */
import * as t from 'io-ts';
import { nullable, oneOf, text } from '../codec.ts';
import { UserId } from '../ids.ts';
import { sealed } from '../sealed.ts';
import { defineEvent, type EventOf } from './definition.ts';

export const UserRole = oneOf('USER', 'ADMIN');
export type UserRole = t.TypeOf<typeof UserRole>;

export const UserRegistered = defineEvent({
  type: 'UserRegistered',
  doc: 'A user was seen for the first time: the first valid token provisions its user.',
  data: t.readonly(t.type({ userId: UserId, displayName: sealed(text(1, 200)), email: sealed(nullable(text(3, 320))), role: UserRole })),
  personal: [{ subject: 'userId', fields: ['displayName', 'email'] }],
});
export type UserRegistered = EventOf<typeof UserRegistered>;

export const UserProfileChanged = defineEvent({
  type: 'UserProfileChanged',
  version: 2,
  doc: "A user's name, description or picture changed, at the identity provider, by the user or by the back end.",
  data: t.readonly(
    t.type({
      userId: UserId,
      displayName: sealed(text(1, 200)),
      description: sealed(nullable(text(0, 250))),
      profilePicture: sealed(nullable(text(1, 2000))),
      role: UserRole,
    }),
  ),
  personal: [{ subject: 'userId', fields: ['displayName', 'description', 'profilePicture'] }],
  upcasts: [{ to: 2, apply: (data) => ({ ...data, profilePicture: null }) }],
});
export type UserProfileChanged = EventOf<typeof UserProfileChanged>;

export const UserIdentityNoted = defineEvent({
  type: 'UserIdentityNoted',
  doc: 'What the identity provider says of a user, where the back end has said otherwise: only a change of it changes the profile. Nulls: it has said nothing yet.',
  data: t.readonly(t.type({ userId: UserId, displayName: sealed(nullable(text(1, 200))), role: nullable(UserRole) })),
  personal: [{ subject: 'userId', fields: ['displayName'] }],
});
export type UserIdentityNoted = EventOf<typeof UserIdentityNoted>;

export const SubjectErased = defineEvent({
  type: 'SubjectErased',
  doc: 'A user was erased: their key is destroyed, so nothing personal of them can be read any more, and nothing more is recorded for them.',
  data: t.readonly(t.type({ userId: UserId, by: UserId })),
});
export type SubjectErased = EventOf<typeof SubjectErased>;

export const userEvents = [UserRegistered, UserProfileChanged, UserIdentityNoted, SubjectErased] as const;
export type UserEvent = EventOf<(typeof userEvents)[number]>;
