/** A user is provisioned once, by the first valid token; after that only the profile changes. */
import type { UserRole } from '@tidings/contracts/events/user';
import type { UserId } from '@tidings/contracts/ids';
import { isShredded } from '@tidings/contracts/sealed';
import { type Either, left, right } from 'fp-ts/lib/Either.js';
import { type UserEvent, userProfileChanged, userRegistered } from './events.ts';
import type { State } from './state.ts';

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
      readonly role?: UserRole;
    };

export type Rejection =
  | { readonly type: 'NoSuchUser'; readonly userId: UserId }
  /** Their key is destroyed: nothing about them can be kept any more. */
  | { readonly type: 'UserErased'; readonly userId: UserId };

export const decide = (command: Command, state: State): Either<Rejection, readonly UserEvent[]> => {
  const { userId } = command;
  switch (command.type) {
    case 'RegisterUser': {
      if (state.kind === 'registered') return right([]);
      const { displayName, email, role } = command;
      return right([userRegistered({ userId, displayName, email, role })]);
    }
    case 'ChangeProfile': {
      if (state.kind === 'unknown') return left({ type: 'NoSuchUser', userId });
      if (isShredded(state.displayName)) return left({ type: 'UserErased', userId });
      const { displayName = state.displayName, description = state.description, role = state.role } = command;
      const same = displayName === state.displayName && description === state.description && role === state.role;
      return right(same ? [] : [userProfileChanged({ userId, displayName, description, role })]);
    }
  }
};
