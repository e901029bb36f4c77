/** What readers ask about relationships. Primary key (user_id, other_id), index (user_id, relation). */
import { RelationshipType } from '@tidings/contracts/http/chat-objects';
import { UserId } from '@tidings/contracts/ids';
import { rows } from '@tidings/contracts/sql-rows';
import * as t from 'io-ts';
import { sql } from 'slonik';
import { tableIn } from '../chat-view/tables.ts';

/** How `user` stands to each of `others`; none for strangers. */
export const relationsTo = (schema: string, user: UserId, others: readonly UserId[]) => sql.type(
  rows(t.type({ otherId: UserId, relation: RelationshipType })),
)`select other_id as "otherId", relation from ${tableIn(schema, 'relation')}
  where user_id = ${user} and other_id = any(${sql.array(others, 'uuid')})`;

/** Everyone to whom `user` stands so. */
export const othersBy = (schema: string, user: UserId, relation: RelationshipType) =>
  sql.type(
    rows(t.type({ otherId: UserId })),
  )`select other_id as "otherId" from ${tableIn(schema, 'relation')} where user_id = ${user} and relation = ${relation}`;

/** The friends of each of these. Index (user_id, relation). */
export const friendsOf = (schema: string, users: readonly UserId[]) => sql.type(
  rows(t.type({ user: UserId, friend: UserId })),
)`select user_id as "user", other_id as friend from ${tableIn(schema, 'relation')}
  where user_id = any(${sql.array(users, 'uuid')}) and relation = 'FRIEND'`;

/** Which of these pairs are such that `user` blocks `other`; where both do, each counts. Primary key. */
export const blocksAmong = (schema: string, pairs: readonly { readonly user: UserId; readonly other: UserId }[]) => sql.type(
  rows(t.type({ user: UserId, other: UserId })),
)`select user_id as "user", other_id as "other" from ${tableIn(schema, 'relation')}
  where relation = 'CLIENT_BLOCKED' and (user_id, other_id) in (select * from unnest(
    ${sql.array(
      pairs.map(({ user }) => user),
      'uuid',
    )},
    ${sql.array(
      pairs.map(({ other }) => other),
      'uuid',
    )}))`;
