/** What readers ask the directory. */
import { UserRole } from '@tidings/contracts/events/user';
import { UserId } from '@tidings/contracts/ids';
import { rows } from '@tidings/contracts/sql-rows';
import * as t from 'io-ts';
import { sql, type FragmentSqlToken } from 'slonik';
import { tableIn } from '../chat-view/tables.ts';
import { storable, type UserFacts } from '../chat-view/people.ts';

const UserRow = t.readonly(
  t.type({
    id: UserId,
    displayName: t.string,
    description: t.union([t.string, t.null]),
    profilePicture: t.union([t.string, t.null]),
    friendsCount: t.number,
    role: UserRole,
    /** What the list is ordered by, for the next page's cursor; null only for erased users, who are in no list. */
    nameKey: t.union([t.string, t.null]),
  }),
);
export interface ListedUser extends UserFacts {
  readonly nameKey: string | null;
}
const userRows = rows<ListedUser>(UserRow);

/** `friendsCount` by the primary key of friendship. */
const select = (schema: string) => sql.fragment`
  select p.user_id as id, p.display_name as "displayName", p.description, p.profile_picture as "profilePicture", p.role, p.name_key as "nameKey",
    (select count(*) from ${tableIn(schema, 'friendship')} f where f.user_id = p.user_id) as "friendsCount"
  from ${tableIn(schema, 'person')} p`;

export const usersById = (schema: string, ids: readonly UserId[]) =>
  sql.type(userRows)`${select(schema)} where p.user_id = any(${sql.array(ids, 'uuid')})`;

/** Names and pictures alone, for lists of rooms and members. */
export const facesById = (schema: string, ids: readonly UserId[]) => sql.type(
  rows(t.type({ id: UserId, displayName: t.string, profilePicture: t.union([t.string, t.null]) })),
)`select user_id as id, display_name as "displayName", profile_picture as "profilePicture"
  from ${tableIn(schema, 'person')} where user_id = any(${sql.array(ids, 'uuid')})`;

/** What names are ordered and found by. */
export const nameKey = (name: string): string => storable(name).toLowerCase();

export interface NamePage {
  /** Part of a name in any case; empty finds everyone. */
  readonly contains: string;
  /** The last one of the page before. */
  readonly after: { readonly nameKey: string; readonly id: UserId } | null;
  readonly limit: number;
}

/** Everyone but `self` by name, then id. Walks index (name_key, user_id) in order and stops when the page is full. */
export const othersByName = (schema: string, self: UserId, page: NamePage) =>
  sql.type(userRows)`${select(schema)} where p.user_id <> ${self} and ${onPage(page)}`;

/** As `othersByName`, out of `ids` only. */
export const someByName = (schema: string, ids: readonly UserId[], page: NamePage) =>
  sql.type(userRows)`${select(schema)} where p.user_id = any(${sql.array(ids, 'uuid')}) and ${onPage(page)}`;

/** `strpos`, not `like`: `%` and `_` in a name are just characters. */
const onPage = ({ contains, after, limit }: NamePage): FragmentSqlToken => sql.fragment`
  p.name_key is not null
  and strpos(p.name_key, ${nameKey(contains)}) > 0
  ${after === null ? sql.fragment`` : sql.fragment`and (p.name_key, p.user_id) > (${storable(after.nameKey)}, ${after.id}::uuid)`}
  order by p.name_key, p.user_id limit ${limit}`;
