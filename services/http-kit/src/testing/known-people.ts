/** Tokens without an issuer, for tests of what comes after authentication: the token is the user's name. */
import { derivedId, type UserId } from '@tidings/contracts/ids';
import type { Identity } from '../auth/identity.ts';
import type { Actor } from '../ctx.ts';
import { ApiError } from '../errors.ts';

/** @param more claims beside the name, which is also the id's origin and the local part of the address */
export const person = (name: string, more: Partial<Actor> = {}): Actor => ({
  userId: derivedId<UserId>('test-user', name),
  displayName: name,
  email: `${name}@tidings.test`,
  roles: [],
  isAdmin: false,
  clientId: 'tests',
  expiresAt: Number.MAX_SAFE_INTEGER,
  ...more,
});

/** Lets in exactly these people, by `Authorization: Bearer <name>`. */
export const knownPeople = (...people: readonly Actor[]): Identity => {
  const byName = new Map(people.map((one) => [one.displayName, one]));
  return {
    authenticate: async (token) => {
      const actor = byName.get(token);
      if (actor === undefined) throw new ApiError('UNAUTHORIZED', 'The access token is not valid here.');
      return actor;
    },
  };
};
