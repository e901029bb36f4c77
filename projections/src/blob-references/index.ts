/**
 * Who keeps which bytes, from all events that name any (rules.ts), and what nobody may keep any more: what the removal of bytes goes by
 * (docs/decisions/034).
 */
import type { Recorded } from '@tidings/contracts/events/index';
import type { BlobId } from '@tidings/contracts/ids';
import type { Projection, ProjectionTx } from '@tidings/contracts/projection';
import { type Change, changeOf, CHANGING, isLeaf, rootOf } from './changes.ts';
import { type Mark, Fold } from './fold.ts';

export * from './queries.ts';

/**
 * `released` says where in the log bytes were let go of last; others may keep them all the same. `erased` are the paths that keep nothing for ever.
 */
const tables = (schema: string): string => `
  create table ${schema}.reference (
    holder text collate "C" not null,
    blob_id bytea not null,
    primary key (holder, blob_id)
  );
  create table ${schema}.released (
    blob_id bytea primary key,
    shard integer not null,
    position text collate "C" not null,
    at timestamptz not null,
    at_once boolean not null
  );
  create table ${schema}.erased (path text collate "C" primary key);`;

const indexes = (schema: string): string => `
  create index on ${schema}.reference (blob_id);
  create index on ${schema}.released (shard, position);`;

export const blobReferences: Projection = {
  name: 'blob-references',
  version: 1,
  unhurried: true,
  handles: CHANGING,
  tables,
  indexes,
  apply: async (page, tx) => {
    let together: Step[] = [];
    for (const event of page) {
      const step = { event, change: changeOf(event) };
      together.push(step);
      if (step.change.letGo.every(isLeaf)) continue;
      // What lies below a path is in the table only once all before it is.
      await applyTogether(together, tx);
      together = [];
      await letGoBelow(step, tx);
    }
    await applyTogether(together, tx);
  },
};

interface Step {
  readonly event: Recorded;
  readonly change: Change;
}

const applyTogether = async (steps: readonly Step[], tx: ProjectionTx): Promise<void> => {
  const holders = [...new Set(steps.flatMap(({ change }) => [...change.holders, ...change.letGo.filter(isLeaf)]))];
  if (holders.length === 0) return;
  // Both by primary keys.
  const before = await tx.query<{ holder: string; id: BlobId }>(
    `select holder, encode(blob_id, 'hex') as id from ${tx.schema}.reference where holder = any($1::text[])`,
    [holders],
  );
  const erased = await tx.query<{ path: string }>(`select path from ${tx.schema}.erased where path = any($1::text[])`, [
    [...new Set(holders.map(rootOf))],
  ]);
  const fold = new Fold(before, new Set(erased.map(({ path }) => path)));
  for (const { event, change } of steps) fold.take(event, change);
  const { added, removed } = fold.difference();
  if (removed.length > 0) {
    await tx.query(
      `delete from ${tx.schema}.reference r using unnest($1::text[], $2::text[]) as gone (holder, id)
       where r.holder = gone.holder and r.blob_id = decode(gone.id, 'hex')`,
      [removed.map(([holder]) => holder), removed.map(([, id]) => id)],
    );
  }
  if (added.length > 0) {
    await tx.query(
      `insert into ${tx.schema}.reference (holder, blob_id) select holder, decode(id, 'hex') from unnest($1::text[], $2::text[]) as one (holder, id)`,
      [added.map(([holder]) => holder), added.map(([, id]) => id)],
    );
  }
  await mark(fold.marks(), tx);
};

const mark = async (marks: readonly Mark[], tx: ProjectionTx): Promise<void> => {
  if (marks.length === 0) return;
  await tx.query(
    `insert into ${tx.schema}.released (blob_id, shard, position, at, at_once)
     select decode(id, 'hex'), shard, position, at, at_once
     from unnest($1::text[], $2::integer[], $3::text[], $4::timestamptz[], $5::boolean[]) as one (id, shard, position, at, at_once) ${LAST}`,
    [
      marks.map(({ id }) => id),
      marks.map(({ event }) => event.shard),
      marks.map(({ event }) => event.position),
      marks.map(({ event }) => event.recordedAt),
      marks.map(({ atOnce }) => atOnce),
    ],
  );
};

const LAST = `on conflict (blob_id) do update
  set shard = excluded.shard, position = excluded.position, at = excluded.at, at_once = excluded.at_once`;

/** By the primary key: `0` is the character behind `/`. */
const letGoBelow = async ({ event, change }: Step, tx: ProjectionTx): Promise<void> => {
  for (const path of change.letGo.filter((holder) => !isLeaf(holder))) {
    await tx.query(
      `with gone as (
         delete from ${tx.schema}.reference where holder = $1 or (holder >= $1 || '/' and holder < $1 || '0') returning blob_id
       )
       insert into ${tx.schema}.released (blob_id, shard, position, at, at_once)
       select distinct blob_id, $2::integer, $3::text, $4::timestamptz, $5::boolean from gone ${LAST}`,
      [path, event.shard, event.position, event.recordedAt, change.isErased],
    );
    if (change.isErased) await tx.query(`insert into ${tx.schema}.erased (path) values ($1) on conflict do nothing`, [path]);
  }
};
