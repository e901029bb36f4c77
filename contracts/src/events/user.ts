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
  doc: "A user's name or description changed, at the identity provider or by the user.",
  data: t.readonly(
    t.type({ userId: UserId, displayName: sealed(text(1, 200)), description: sealed(nullable(text(0, 250))), role: UserRole }),
  ),
  personal: [{ subject: 'userId', fields: ['displayName', 'description'] }],
});
export type UserProfileChanged = EventOf<typeof UserProfileChanged>;

export const userEvents = [UserRegistered, UserProfileChanged] as const;
export type UserEvent = EventOf<(typeof userEvents)[number]>;
