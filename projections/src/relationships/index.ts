/** How every two users stand to each other: one row for each of them, as they see it. */
import type { Recorded } from '@tidings/contracts/events/index';
import type { RelationshipEvent } from '@tidings/contracts/events/relationship';
import type { RelationshipType } from '@tidings/contracts/http/chat-objects';
import type { UserId } from '@tidings/contracts/ids';
import type { Projection, ProjectionTx } from '@tidings/contracts/projection';
import type { Timestamp } from '@tidings/contracts/time';
import { segmentsOf } from '../chat-view/erasure.ts';
import { evolvePair } from './pair.ts';

export * from './queries.ts';

const tables = (schema: string): string => `
  create table ${schema}.relation (
    user_id uuid not null,
    other_id uuid not null,
    relation text not null,
    since timestamptz not null,
    primary key (user_id, other_id)
  );`;

const indexes = (schema: string): string => `create index on ${schema}.relation (user_id, relation);`;

/** Whoever is erased stands in no relation to anybody; blocks of others against them are moot. */
const apply = async (page: readonly Recorded[], tx: ProjectionTx): Promise<void> => {
  for (const { events, erased } of segmentsOf(page)) {
    await applySegment(events.filter(isRelationshipEvent), tx);
    // Each row has its mirror, so the other side is found by the primary key too.
    if (erased !== null) {
      await tx.query(
        `delete from ${tx.schema}.relation where (user_id, other_id) in (
           select user_id, other_id from ${tx.schema}.relation where user_id = $1
           union all select other_id, user_id from ${tx.schema}.relation where user_id = $1)`,
        [erased],
      );
    }
  }
};

const applySegment = async (events: readonly Recorded<RelationshipEvent>[], tx: ProjectionTx): Promise<void> => {
  if (events.length === 0) return;
  const sides = await loadSides(events, tx);
  for (const event of events) {
    const { by, to } = event.data;
    const pair = evolvePair({ by: sides.get(keyOf(by, to))?.relation ?? null, to: sides.get(keyOf(to, by))?.relation ?? null }, event);
    sides.set(keyOf(by, to), { userId: by, otherId: to, relation: pair.by, since: event.recordedAt });
    sides.set(keyOf(to, by), { userId: to, otherId: by, relation: pair.to, since: event.recordedAt });
  }
  await save([...sides.values()], tx);
};

export const relationships: Projection = {
  name: 'relationships',
  version: 1,
  handles: [
    'FriendshipRequested',
    'FriendshipAccepted',
    'FriendshipRejected',
    'FriendshipEnded',
    'UserBlocked',
    'UserUnblocked',
    'SubjectErased',
  ],
  tables,
  indexes,
  apply,
};

interface Side {
  readonly userId: UserId;
  readonly otherId: UserId;
  readonly relation: RelationshipType | null;
  readonly since: Timestamp;
}

const keyOf = (user: UserId, other: UserId): string => `${user} ${other}`;

const isRelationshipEvent = (event: Recorded): event is Recorded<RelationshipEvent> =>
  event.type !== 'SubjectErased' && relationships.handles.includes(event.type);

const loadSides = async (events: readonly Recorded<RelationshipEvent>[], tx: ProjectionTx): Promise<Map<string, Side>> => {
  const pairs = events.flatMap(({ data: { by, to } }) => [
    [by, to],
    [to, by],
  ]);
  const found = await tx.query<{ user_id: UserId; other_id: UserId; relation: RelationshipType; since: Timestamp }>(
    `select user_id, other_id, relation, since from ${tx.schema}.relation
     where (user_id, other_id) in (select * from unnest($1::uuid[], $2::uuid[]))`,
    [pairs.map(([user]) => user), pairs.map(([, other]) => other)],
  );
  return new Map(
    found.map((row) => [
      keyOf(row.user_id, row.other_id),
      { userId: row.user_id, otherId: row.other_id, relation: row.relation, since: row.since },
    ]),
  );
};

const save = async (sides: readonly Side[], tx: ProjectionTx): Promise<void> => {
  const kept = sides.filter((side) => side.relation !== null);
  const gone = sides.filter((side) => side.relation === null);
  if (kept.length > 0) {
    await tx.query(
      `insert into ${tx.schema}.relation (user_id, other_id, relation, since)
       select * from unnest($1::uuid[], $2::uuid[], $3::text[], $4::timestamptz[])
       on conflict (user_id, other_id) do update set relation = excluded.relation, since = excluded.since`,
      [
        kept.map((side) => side.userId),
        kept.map((side) => side.otherId),
        kept.map((side) => side.relation),
        kept.map((side) => side.since),
      ],
    );
  }
  if (gone.length > 0) {
    await tx.query(`delete from ${tx.schema}.relation where (user_id, other_id) in (select * from unnest($1::uuid[], $2::uuid[]))`, [
      gone.map((side) => side.userId),
      gone.map((side) => side.otherId),
    ]);
  }
};
