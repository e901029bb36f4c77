/**
 * Which instances of which projections exist. An instance is one build of a projection (name, version, generation) with a Postgres
 * schema of its own:
 *
 *     building → verifying → ready → live → draining → retired
 *
 * Exactly one instance per name is live and serves readers. Every change takes the lock of its name first, so two operators or
 * processes cannot both win.
 */
import { escapeIdentifier, type Pool, type PoolClient } from 'pg';
import type { Projection } from '@tidings/contracts/projection';
import type { Timestamp } from '@tidings/contracts/time';
import { inTransaction } from './session.ts';
import type { Verification } from './verify.ts';

export type InstanceState = 'building' | 'verifying' | 'ready' | 'live' | 'draining' | 'retired';

export interface Instance {
  readonly name: string;
  readonly version: number;
  readonly generation: number;
  /** `<name>_v<version>_g<generation>`; also the name of its leases and checkpoints. */
  readonly schemaName: string;
  readonly state: InstanceState;
  readonly hasTables: boolean;
  readonly hasIndexes: boolean;
  /** When it was last made live. */
  readonly liveAt: Timestamp | null;
  /** When its state last changed. */
  readonly stateAt: Timestamp;
  /** Why a rebuild stopped. */
  readonly error: string | null;
  readonly verification: Verification | null;
}

export const schemaOf = (instance: Pick<Instance, 'schemaName'>): string => escapeIdentifier(instance.schemaName);

const schemaName = (name: string, version: number, generation: number): string =>
  `${name.toLowerCase().replaceAll(/[^a-z0-9]+/g, '_')}_v${version}_g${generation}`;

interface Row {
  readonly name: string;
  readonly version: number;
  readonly generation: number;
  readonly schema_name: string;
  readonly state: InstanceState;
  readonly tables_at: Timestamp | null;
  readonly indexes_at: Timestamp | null;
  readonly live_at: Timestamp | null;
  readonly state_at: Timestamp;
  readonly error: string | null;
  readonly verification: Verification | null;
}
const fromRow = (row: Row): Instance => ({
  name: row.name,
  version: row.version,
  generation: row.generation,
  schemaName: row.schema_name,
  state: row.state,
  hasTables: row.tables_at !== null,
  hasIndexes: row.indexes_at !== null,
  liveAt: row.live_at,
  stateAt: row.state_at,
  error: row.error,
  verification: row.verification,
});

/** Everything that is not retired, by name, then version and generation. */
export const instances = async (db: Pool | PoolClient, name?: string): Promise<readonly Instance[]> => {
  const found = await db.query<Row>(
    `select * from projection.instance where state <> 'retired' and ($1::text is null or name = $1) order by name, version, generation`,
    [name ?? null],
  );
  return found.rows.map(fromRow);
};

/** Names of schemas that are no more. */
export const retiredSchemas = async (db: Pool | PoolClient, name: string): Promise<readonly string[]> => {
  const found = await db.query<{ schema_name: string }>(
    `select schema_name from projection.instance where name = $1 and state = 'retired' order by 1`,
    [name],
  );
  return found.rows.map((row) => row.schema_name);
};

/** Runs `change` while nobody else changes the instances of `name`; it is given those that are not retired. */
export const withRegistry = <A>(
  pool: Pool,
  name: string,
  change: (existing: readonly Instance[], client: PoolClient) => Promise<A>,
): Promise<A> =>
  inTransaction(pool, async (client) => {
    await client.query(`select pg_advisory_xact_lock(hashtextextended('tidings:projection:' || $1, 0))`, [name]);
    return change(await instances(client, name), client);
  });

/** Adds an instance of the next free generation. */
export const addInstance = async (
  client: PoolClient,
  projection: Pick<Projection, 'name' | 'version'>,
  state: 'building' | 'live',
): Promise<Instance> => {
  const { name, version } = projection;
  const last = await client.query<{ generation: number }>(
    'select coalesce(max(generation), 0) as generation from projection.instance where name = $1 and version = $2',
    [name, version],
  );
  const generation = (last.rows[0]?.generation ?? 0) + 1;
  const added = await client.query<Row>(
    `insert into projection.instance (schema_name, name, version, generation, state, live_at)
     values ($1, $2, $3, $4, $5, case when $5 = 'live' then clock_timestamp() end) returning *`,
    [schemaName(name, version, generation), name, version, generation, state],
  );
  const row = added.rows[0];
  if (row === undefined) throw new Error(`instance ${name} v${version} was not added`);
  return fromRow(row);
};

/**
 * Moves an instance from a state it is still in to another; the error of an earlier attempt is forgotten. False when it is in no such
 * state any more.
 */
export const setState = async (
  db: PoolClient | Pool,
  instance: Instance,
  from: readonly InstanceState[],
  to: InstanceState,
  verification?: Verification,
): Promise<boolean> => {
  const moved = await db.query(
    `update projection.instance set state = $3, state_at = clock_timestamp(), error = null, verification = coalesce($4, verification),
       live_at = case when $3 = 'live' then clock_timestamp() else live_at end
     where schema_name = $1 and state = any($2)`,
    [instance.schemaName, from, to, verification === undefined ? null : JSON.stringify(verification)],
  );
  return moved.rowCount === 1;
};

/** A rebuild stopped: why. */
export const setError = async (pool: Pool, instance: Instance, error: string, verification?: Verification): Promise<void> => {
  await pool.query('update projection.instance set error = $2, verification = coalesce($3, verification) where schema_name = $1', [
    instance.schemaName,
    error,
    verification === undefined ? null : JSON.stringify(verification),
  ]);
};

/** Makes the schema and tables of an instance, once. */
export const createTables = async (client: PoolClient, instance: Instance, projection: Projection): Promise<void> => {
  const schema = schemaOf(instance);
  await client.query(`create schema if not exists ${schema}`);
  await client.query(projection.tables(schema));
  await client.query('update projection.instance set tables_at = clock_timestamp() where schema_name = $1', [instance.schemaName]);
};

/** Builds the indexes that a replay leaves to the end, once. Writers of the instance wait meanwhile. */
export const createIndexes = (pool: Pool, instance: Instance, projection: Projection): Promise<void> =>
  withRegistry(pool, instance.name, async (existing, client) => {
    if (existing.find((one) => one.schemaName === instance.schemaName)?.hasIndexes !== false) return;
    await client.query(`set local maintenance_work_mem = '256MB'`);
    if (projection.indexes !== undefined) await client.query(projection.indexes(schemaOf(instance)));
    await client.query('update projection.instance set indexes_at = clock_timestamp() where schema_name = $1', [instance.schemaName]);
  });

/**
 * Makes sure that each projection has an instance of its version: the first ever is live at once (nothing older could serve), a new
 * version is built beside the live one. A former version is kept and not made.
 */
export const registerProjections = async (pool: Pool, projections: readonly Projection[]): Promise<void> => {
  for (const projection of projections) {
    await withRegistry(pool, projection.name, async (existing, client) => {
      const mine = existing.find((one) => one.version === projection.version);
      if (mine === undefined && projection.former === true) return;
      const instance = mine ?? (await addInstance(client, projection, existing.length === 0 ? 'live' : 'building'));
      if (!instance.hasTables) await createTables(client, instance, projection);
    });
  }
};
