/** The demo people: stable ids, the password is the name. */
import { derivedId, type UserId } from '@tidings/contracts/ids';

export interface DemoPerson {
  readonly username: string;
  readonly userId: UserId;
  readonly displayName: string;
  readonly email: string;
}

const NAMES = [
  ['alice', 'Alice Archer'],
  ['bob', 'Bob Baker'],
  ['carol', 'Carol Cooper'],
] as const;

export const demoPeople = (domain: string): readonly DemoPerson[] =>
  NAMES.map(([username, displayName]) => ({
    username,
    userId: derivedId<UserId>('demo-user', username),
    displayName,
    email: `${username}@${domain}`,
  }));
