/**
 * A user is provisioned once, by the first valid token or by the back end; then the profile changes, until they are erased for good. What the
 * back end set stays until the identity provider itself says something new: a token that repeats what earlier ones said changes nothing.
 */
import type { UserRole } from '@tidings/contracts/events/user';
import type { UserId } from '@tidings/contracts/ids';
import { isShredded } from '@tidings/contracts/sealed';
import { type Either, left, map, right } from 'fp-ts/lib/Either.js';
import { pipe } from 'fp-ts/lib/function.js';
import { sameValue } from '../same-value.ts';
import { subjectErased, type UserEvent, userIdentityNoted, userProfileChanged, userRegistered } from './events.ts';
import type { Identity, Profile, State } from './state.ts';

export type Command =
  | {
      readonly type: 'RegisterUser';
      readonly userId: UserId;
      readonly displayName: string;
      readonly email: string | null;
      readonly role: UserRole;
    }
  /** By the back end, before any token. */
  | {
      readonly type: 'ProvideUser';
      readonly userId: UserId;
      readonly displayName: string;
      readonly email: string | null;
      readonly description: string | null;
      readonly profilePicture: string | null;
      readonly role: UserRole;
    }
  /** What a later token says. */
  | { readonly type: 'FollowIdentity'; readonly userId: UserId; readonly displayName: string; readonly role: UserRole }
  /** By the back end. What is left out stays as it is. */
  | {
      readonly type: 'ChangeProfile';
      readonly userId: UserId;
      readonly displayName?: string;
      readonly description?: string | null;
      readonly profilePicture?: string | null;
      readonly role?: UserRole;
    }
  /** Recorded once the key of `userId` is destroyed, or to be destroyed by whoever retries. */
  | { readonly type: 'EraseUser'; readonly userId: UserId; readonly by: UserId };

export type Rejection =
  | { readonly type: 'NoSuchUser'; readonly userId: UserId }
  /** Their key is destroyed: nothing about them can be kept any more. */
  | { readonly type: 'UserErased'; readonly userId: UserId };

export const decide = (command: Command, state: State): Either<Rejection, readonly UserEvent[]> => {
  const { userId } = command;
  switch (command.type) {
    case 'RegisterUser': {
      if (state.kind === 'erased') return left({ type: 'UserErased', userId });
      if (state.kind === 'registered') return right([]);
      const { displayName, email, role } = command;
      return right([userRegistered({ userId, displayName, email, role })]);
    }
    case 'ProvideUser': {
      if (state.kind === 'erased') return left({ type: 'UserErased', userId });
      if (state.kind === 'registered') return right([]);
      const { displayName, email, description, profilePicture, role } = command;
      const hasMore = description !== null || profilePicture !== null;
      return right([
        userRegistered({ userId, displayName, email, role }),
        ...(hasMore ? [userProfileChanged({ userId, displayName, description, profilePicture, role })] : []),
        userIdentityNoted({ userId, displayName: null, role: null }),
      ]);
    }
    case 'FollowIdentity':
      return pipe(
        present(userId, state),
        map((known) => follow(command, known)),
      );
    case 'ChangeProfile':
      return pipe(
        present(userId, state),
        map((known) => change(command, known)),
      );
    case 'EraseUser':
      if (state.kind === 'unknown') return left({ type: 'NoSuchUser', userId });
      return right(state.kind === 'erased' ? [] : [subjectErased({ userId, by: command.by })]);
  }
};

type Registered = Extract<State, { readonly kind: 'registered' }>;

const present = (userId: UserId, state: State): Either<Rejection, Registered> => {
  if (state.kind === 'unknown') return left({ type: 'NoSuchUser', userId });
  // The key goes before the event is written, so a crash in between leaves shredded names.
  return state.kind === 'erased' || isShredded(state.profile.displayName) ? left({ type: 'UserErased', userId }) : right(state);
};

const identityOf = ({ identity, profile: { displayName, role } }: Registered): Identity => identity ?? { displayName, role };

/** Only what is new in it counts; and of who was never heard of, nothing is new. */
const follow = (
  { userId, displayName, role }: Extract<Command, { readonly type: 'FollowIdentity' }>,
  state: Registered,
): readonly UserEvent[] => {
  const before = identityOf(state);
  if (before.displayName === displayName && before.role === role) return [];
  const isNew = <A>(said: A | null, says: A): boolean => said !== null && said !== says;
  const profile: Profile = {
    ...state.profile,
    ...(isNew(before.displayName, displayName) ? { displayName } : {}),
    ...(isNew(before.role, role) ? { role } : {}),
  };
  return [
    ...(sameValue(profile, state.profile) ? [] : [userProfileChanged({ userId, ...profile })]),
    ...(state.identity === null ? [] : [userIdentityNoted({ userId, displayName, role })]),
  ];
};

const change = (command: Extract<Command, { readonly type: 'ChangeProfile' }>, state: Registered): readonly UserEvent[] => {
  const { userId } = command;
  const { displayName, description, profilePicture, role }: Profile = { ...state.profile, ...command };
  const profile: Profile = { displayName, description, profilePicture, role };
  if (sameValue(profile, state.profile)) return [];
  const differs = displayName !== state.profile.displayName || role !== state.profile.role;
  return [
    userProfileChanged({ userId, ...profile }),
    // From now on the two differ, so what the identity provider said must be remembered.
    ...(differs && state.identity === null ? [userIdentityNoted({ userId, ...identityOf(state) })] : []),
  ];
};
