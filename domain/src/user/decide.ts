/** A user is provisioned once, by the first valid token or by the back end; then the profile changes, until they are erased for good. */
import type { UserRole } from '@tidings/contracts/events/user';
import type { UserId } from '@tidings/contracts/ids';
import { isShredded } from '@tidings/contracts/sealed';
import { type Either, left, right } from 'fp-ts/lib/Either.js';
import { sameValue } from '../same-value.ts';
import { subjectErased, type UserEvent, userProfileChanged, userRegistered } from './events.ts';
import type { Profile, State } from './state.ts';

export type Command =
  | {
      readonly type: 'RegisterUser';
      readonly userId: UserId;
      readonly displayName: string;
      readonly email: string | null;
      readonly role: UserRole;
    }
  /** What is left out stays as it is. */
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
    case 'ChangeProfile': {
      if (state.kind === 'unknown') return left({ type: 'NoSuchUser', userId });
      // The key goes before the event is written, so a crash in between leaves shredded names.
      if (state.kind === 'erased' || isShredded(state.profile.displayName)) return left({ type: 'UserErased', userId });
      const { displayName, description, profilePicture, role }: Profile = { ...state.profile, ...command };
      const profile: Profile = { displayName, description, profilePicture, role };
      return right(sameValue(profile, state.profile) ? [] : [userProfileChanged({ userId, ...profile })]);
    }
    case 'EraseUser':
      if (state.kind === 'unknown') return left({ type: 'NoSuchUser', userId });
      return right(state.kind === 'erased' ? [] : [subjectErased({ userId, by: command.by })]);
  }
};
