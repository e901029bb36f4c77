/** Databases of one Postgres, made and removed in milliseconds. */
import { randomBytes } from 'node:crypto';
import { setTimeout as nextMoment } from 'node:timers/promises';
import pg from 'pg';

export interface TestDatabase {
  /** `postgresql://tidings@localhost/<name>?host=<socket folder>` */
  readonly url: string;
  /** Ends whatever is still connected and removes the database. */
  readonly drop: () => Promise<void>;
}

/** Like `template`, to which nobody may be connected. Some 20 ms; through the WAL, as is usual, it would cost the processor 200. */
export const createDatabase = async (
  adminUrl: string,
  template: string,
  name = `test_${randomBytes(8).toString('hex')}`,
): Promise<TestDatabase> => {
  await asAdmin(adminUrl, (admin) => admin.query(`create database ${name} template ${template} strategy file_copy`));
  const url = new URL(adminUrl);
  url.pathname = `/${name}`;
  return { url: url.toString(), drop: () => asAdmin(adminUrl, (admin) => drop(admin, name)) };
};

/**
 * A pool's `end` is done before its connections are; one that is cut off just then reports an error that nobody listens for. They get a
 * moment to go by themselves.
 */
const drop = async (admin: pg.Client, name: string): Promise<void> => {
  const patience = AbortSignal.timeout(GOODBYE_MS);
  while (!patience.aborted && (await connectionsTo(admin, name)) > 0) await nextMoment(5);
  await admin.query(`drop database if exists ${name} with (force)`);
};
const GOODBYE_MS = 300;

const connectionsTo = async (admin: pg.Client, name: string): Promise<number> => {
  const { rows } = await admin.query<{ open: number }>(
    `select count(*)::int as open from pg_stat_activity where datname = $1 and backend_type = 'client backend'`,
    [name],
  );
  return rows[0]?.open ?? 0;
};

const asAdmin = async (adminUrl: string, work: (admin: pg.Client) => Promise<unknown>): Promise<void> => {
  const client = new pg.Client({ connectionString: adminUrl });
  await client.connect();
  try {
    await work(client);
  } finally {
    await client.end();
  }
};

/**
 * To look into a database that somebody else stops: a pool says that it has ended while its connections still take leave, and an error that comes then
 * would belong to no test. Who asks a query is told by it.
 */
export const onlookerPool = (connectionString: string, max = 4): pg.Pool => {
  const ignore = (): void => undefined;
  const pool = new pg.Pool({ connectionString, max });
  pool.on('error', ignore);
  pool.on('connect', (client) => client.on('error', ignore));
  return pool;
};
