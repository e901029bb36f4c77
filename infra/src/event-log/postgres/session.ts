/** Session settings carried in the connection string, so that they hold from a connection's first query on. */

/** Puts settings into `url`'s `options` (Postgres manual, "libpq connection control functions"), behind those it has. */
export const withSettings = (url: string, settings: Readonly<Record<string, string | number>>): string => {
  const parsed = new URL(url);
  const ours = Object.entries(settings).map(([name, value]) => `-c ${name}=${String(value).replaceAll(' ', '\\ ')}`);
  parsed.searchParams.set('options', [parsed.searchParams.get('options') ?? '', ...ours].join(' ').trim());
  return parsed.toString();
};

const COMMON = {
  timezone: 'UTC',
  plan_cache_mode: 'force_generic_plan', // else, once there are statistics, each call is planned for its own arrays, for more than it takes to run
  datestyle: 'ISO',
  default_transaction_isolation: 'read committed', // what the append function needs
  enable_seqscan: 'off', // index probes, whatever the statistics say of a table that was empty a moment ago
  jit: 'off',
};

/** Durable, whatever the database's default. */
export const APPEND_SETTINGS = { ...COMMON, synchronous_commit: 'on', statement_timeout: 5_000 };
/**
 * A page is read in its order along the index, by one process: without statistics the planner would rather collect everything behind the
 * position and sort it, which makes a replay quadratic.
 */
export const READ_SETTINGS = {
  ...COMMON,
  enable_bitmapscan: 'off',
  enable_sort: 'off',
  max_parallel_workers_per_gather: 0,
  statement_timeout: 30_000,
};
