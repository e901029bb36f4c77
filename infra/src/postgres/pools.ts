/** Connection pools with our conventions: column types, keepalive, time limits, names that show in `pg_stat_activity`. */
import pg from 'pg';
import type { Logger } from 'pino';
import type { DatabasePool, Interceptor } from 'slonik';
import { silenceWatchOf, watchPool } from './silence.ts';
import { columnTypes, parseBigint, parseTimestamptz } from './column-types.ts';

export interface PoolOptions {
  readonly url: string;
  /** Shown in `pg_stat_activity`. */
  readonly name: string;
  readonly max: number;
  readonly logger: Logger;
}

export interface ReadPoolOptions extends PoolOptions {
  /**
   * Every statement is planned once per connection, by its text alone. For `sql.prepared` ones whose best plan is the same for all values:
   * left to itself, Postgres plans them anew each time where the values make a plan look cheaper, and that takes longer than running it. An index is
   * right however empty the table was as the plan was made.
   */
  readonly onePlan?: boolean;
}

/**
 * A process that hangs in the middle of a transaction keeps its locks, and whoever took its work over would wait for them. Nobody here computes for
 * so long between two statements; it is how long a lease outlives its last beat.
 */
const HUNG_AFTER_MS = 6_000;

/** Plain pg, for the log, the runtime's own tables and projections' writes. */
export const openPool = ({ url, name, max, logger }: PoolOptions): pg.Pool => {
  const pool = new pg.Pool({
    connectionString: url,
    application_name: name,
    max,
    types: columnTypes,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    connectionTimeoutMillis: 5_000,
    idleTimeoutMillis: 30_000,
    idle_in_transaction_session_timeout: HUNG_AFTER_MS,
  });
  // An idle connection that breaks is replaced on the next use; without a listener it would end the process.
  pool.on('error', (error) => logger.warn({ err: error, pool: name }, 'a pooled connection to Postgres broke'));
  // Nor may one that somebody holds: it can break before its holder could listen, and tells them by their next query anyway.
  pool.on('connect', (client) => client.on('error', ignoreLoss));
  watchPool(pool, silenceWatchOf(url, logger));
  return pool;
};

const ignoreLoss = (): void => {};

/** slonik, for queries on read models; rows pass the codec given to `sql.type(rows(codec))`. */
export const openReadPool = async ({ url, name, max, logger, onePlan = false }: ReadPoolOptions): Promise<DatabasePool> => {
  // Loaded here, so that processes which only write do not load it.
  const [{ createPool }, { watchedDriver }] = await Promise.all([import('slonik'), import('./watched-driver.ts')]);
  const pool = await createPool(withOptions(url, name, onePlan), {
    maxPoolSize: max,
    connectionTimeout: 5_000,
    idleTimeout: 30_000,
    gracefulTerminationTimeout: 1_000, // whoever broke off waits for it
    statementTimeout: 15_000,
    connectionRetryLimit: 0,
    queryRetryLimit: 2,
    driverFactory: watchedDriver(silenceWatchOf(url, logger)),
    interceptors: [decodeRows],
    typeParsers: [
      { name: 'int8', parse: parseBigint },
      { name: 'timestamptz', parse: parseTimestamptz },
    ],
    // Queries here leave nothing behind on a connection; the default, DISCARD ALL, costs a round trip each time.
    resetConnection: () => Promise.resolve(),
  });
  pool.on('error', (error) => logger.warn({ err: error, pool: name }, 'a pooled connection to Postgres broke'));
  return pool;
};

/** slonik ignores `?host=/socket/folder` beside a host name; it wants the folder as the host. */
const withOptions = (url: string, name: string, onePlan: boolean): string => {
  const parsed = new URL(url);
  const socketDir = parsed.searchParams.get('host');
  parsed.searchParams.delete('host');
  parsed.searchParams.set('application_name', name);
  if (onePlan) parsed.searchParams.set('options', '-c plan_cache_mode=force_generic_plan -c enable_seqscan=off');
  const text = parsed.toString();
  return socketDir === null ? text : text.replace(`@${parsed.host}`, `@${encodeURIComponent(socketDir)}`);
};

const decodeRows: Interceptor = {
  name: 'decode-rows',
  transformRow: ({ resultParser }, query, row) => {
    if (resultParser === undefined) return row;
    const result = resultParser['~standard'].validate(row);
    if (result instanceof Promise) throw new TypeError('row schemas are synchronous');
    if (result.issues === undefined) return result.value as typeof row; // slonik types rows as primitives; ours are what the codec says
    throw new RowMismatch(
      query.sql,
      result.issues.map((issue) => issue.message),
    );
  },
};

/** A read model's row is not what its query's codec says: a bug. Names the columns, never their values: those may be personal. */
export class RowMismatch extends Error {
  override readonly name = 'RowMismatch';
  constructor(sql: string, faults: readonly string[]) {
    super(`a row does not fit its codec (${faults.join('; ')}): ${sql.trim()}`);
  }
}
