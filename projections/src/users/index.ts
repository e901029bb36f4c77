/** The directory of users, with their friendships so that a profile can tell how many there are. */
import type { Recorded } from '@tidings/contracts/events/index';
import type { UserRole } from '@tidings/contracts/events/user';
import type { UserId } from '@tidings/contracts/ids';
import type { Projection, ProjectionTx } from '@tidings/contracts/projection';
import { isShredded, reveal, type Sealed } from '@tidings/contracts/sealed';
import { ERASED_NAME, shownName, storable } from '../chat-view/people.ts';
import { nameKey } from './queries.ts';

export * from './queries.ts';

/** `name_key` orders and finds: lower case, by code point, so that every machine sorts alike; null hides an erased user from search. */
const tables = (schema: string): string => `
  create table ${schema}.person (
    user_id uuid primary key,
    display_name text not null,
    name_key text collate "C",
    description text,
    profile_picture text,
    role text not null
  );
  create table ${schema}.friendship (
    user_id uuid not null,
    friend_id uuid not null,
    primary key (user_id, friend_id)
  );`;

const indexes = (schema: string): string => `create index on ${schema}.person (name_key, user_id);`;

const apply = async (page: readonly Recorded[], tx: ProjectionTx): Promise<void> => {
  const people = new Map<UserId, Person>();
  const friendships = new Map<string, Friendship>();
  const erased: UserId[] = [];
  for (const event of page) {
    if (event.type === 'UserRegistered' || event.type === 'UserProfileChanged') {
      people.set(event.data.userId, personOf(event));
    } else if (event.type === 'SubjectErased') {
      erased.push(event.data.userId);
    } else if (event.type === 'FriendshipAccepted' || event.type === 'FriendshipEnded' || event.type === 'UserBlocked') {
      const { by, to } = event.data;
      const stands = event.type === 'FriendshipAccepted';
      friendships.set(`${by} ${to}`, { user: by, friend: to, stands });
      friendships.set(`${to} ${by}`, { user: to, friend: by, stands });
    }
  }
  await savePeople([...people.values()], tx);
  await saveFriendships([...friendships.values()], tx);
  await erase(erased, tx);
};

export const users: Projection = {
  name: 'users',
  version: 2,
  handles: ['UserRegistered', 'UserProfileChanged', 'SubjectErased', 'FriendshipAccepted', 'FriendshipEnded', 'UserBlocked'],
  tables,
  indexes,
  apply,
};

interface Person {
  readonly userId: UserId;
  readonly displayName: string;
  readonly nameKey: string | null;
  readonly description: string | null;
  readonly profilePicture: string | null;
  readonly role: UserRole;
}

interface Friendship {
  readonly user: UserId;
  readonly friend: UserId;
  readonly stands: boolean;
}

type Naming = Extract<Recorded, { readonly type: 'UserRegistered' | 'UserProfileChanged' }>;

const personOf = (event: Naming): Person => {
  const { userId, displayName, role } = event.data;
  const name = shownName(displayName);
  const isProfile = event.type === 'UserProfileChanged';
  return {
    userId,
    displayName: name,
    nameKey: isShredded(displayName) ? null : nameKey(name),
    description: isProfile ? storableOrNone(event.data.description) : null,
    profilePicture: isProfile ? storableOrNone(event.data.profilePicture) : null,
    role,
  };
};

const storableOrNone = (sealed: Sealed<string | null>): string | null => {
  const text = reveal(sealed, null);
  return text === null ? null : storable(text);
};

const savePeople = async (people: readonly Person[], tx: ProjectionTx): Promise<void> => {
  if (people.length === 0) return;
  await tx.query(
    `insert into ${tx.schema}.person (user_id, display_name, name_key, description, profile_picture, role)
     select * from unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[])
     on conflict (user_id) do update set
       display_name = excluded.display_name, name_key = excluded.name_key, description = excluded.description,
       profile_picture = excluded.profile_picture, role = excluded.role`,
    [
      people.map((person) => person.userId),
      people.map((person) => person.displayName),
      people.map((person) => person.nameKey),
      people.map((person) => person.description),
      people.map((person) => person.profilePicture),
      people.map((person) => person.role),
    ],
  );
};

const saveFriendships = async (friendships: readonly Friendship[], tx: ProjectionTx): Promise<void> => {
  const made = friendships.filter((friendship) => friendship.stands);
  const ended = friendships.filter((friendship) => !friendship.stands);
  if (made.length > 0) {
    await tx.query(
      `insert into ${tx.schema}.friendship (user_id, friend_id) select * from unnest($1::uuid[], $2::uuid[]) on conflict do nothing`,
      [made.map((friendship) => friendship.user), made.map((friendship) => friendship.friend)],
    );
  }
  if (ended.length > 0) {
    await tx.query(`delete from ${tx.schema}.friendship where (user_id, friend_id) in (select * from unnest($1::uuid[], $2::uuid[]))`, [
      ended.map((friendship) => friendship.user),
      ended.map((friendship) => friendship.friend),
    ]);
  }
};

/** Nothing more is recorded for them, so what stands now is all there is. */
const erase = async (users: readonly UserId[], tx: ProjectionTx): Promise<void> => {
  if (users.length === 0) return;
  await tx.query(
    `update ${tx.schema}.person set display_name = $2, name_key = null, description = null, profile_picture = null where user_id = any($1::uuid[])`,
    [users, ERASED_NAME],
  );
};
