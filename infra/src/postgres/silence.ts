/**
 * Connections whose server is gone without a word: its machine died or lost its network, and another one took its place. TCP finds out after a
 * quarter of an hour, and whoever asked something waits that long. A time limit for statements would not tell such a server from one that works at a
 * long one (an index, a page of a replay), so a new connection asks the server that is there now which of ours it knows.
 */
import pg from 'pg';
import type { Logger } from 'pino';

/** One of ours, as the pool tells of it. */
export interface WatchedConnection {
  /** Somebody waits for an answer on it from now on. */
  readonly asked: () => void;
  /** The server said something. */
  readonly heard: () => void;
  /** Nobody waits any more. */
  readonly rested: () => void;
  readonly ended: () => void;
}

export interface SilenceWatch {
  /**
   * @param pid of the server's process behind it
   * @param cut breaks it, so that whoever waits hears of it; called at most once
   */
  readonly add: (pid: number, cut: () => void) => WatchedConnection;
}

export interface SilenceSettings {
  /** Whoever waits for an answer longer than this, with not a byte of it, makes us ask, and again after as long. */
  readonly silentMs: number;
  /** How often is looked. */
  readonly lookMs: number;
}
const SILENCE: SilenceSettings = { silentMs: 4_000, lookMs: 1_000 };

/** For asking: the new server is there or it is not. */
const PROBE_MS = 3_000;
/**
 * So far the server's age of a connection may be from ours, which begins when a busy process gets to it: another server may by chance have a process
 * of the same number.
 */
const SAME_AGE_MS = 15_000;

interface Watched {
  readonly pid: number;
  readonly cut: () => void;
  /** By the clock, as the server tells it. */
  readonly madeAt: number;
  /** Null while nobody waits. */
  quietSince: number | null;
}

/** Looks only while somebody waits, so there is nothing to close. */
export const watchSilence = (
  { url, logger }: { readonly url: string; readonly logger: Logger | undefined },
  { silentMs, lookMs }: SilenceSettings = SILENCE,
): SilenceWatch => {
  const all = new Set<Watched>();
  let timer: NodeJS.Timeout | null = null;
  let lastAsked = Number.NEGATIVE_INFINITY;

  const ask = async (): Promise<void> => {
    const askedAt = Date.now();
    const known = await serverProcesses(url);
    const answeredAt = Date.now();
    const gone = known === null ? [] : [...all].filter((one) => one.madeAt < askedAt && !isAmong(known, one, answeredAt));
    if (gone.length === 0) return;
    logger?.warn({ connections: gone.length }, 'the server of these connections is gone, and another one there; breaking them off');
    for (const one of gone) {
      all.delete(one);
      one.cut();
    }
  };

  const look = async (): Promise<void> => {
    const now = performance.now();
    const waits = [...all].flatMap(({ quietSince }) => quietSince ?? []);
    if (now - lastAsked >= silentMs && waits.some((since) => now - since >= silentMs)) {
      // One that cannot be asked may be busy, or away for a moment: then everybody goes on waiting.
      await ask().catch((error: unknown) => logger?.warn({ err: error }, 'Postgres is silent, and cannot be asked why'));
      lastAsked = performance.now();
    }
    timer = null;
    if (waits.length > 0) arm();
  };
  const arm = (): void => {
    timer ??= setTimeout(() => void look(), lookMs).unref();
  };

  return {
    add: (pid, cut) => {
      const one: Watched = { pid, cut, madeAt: Date.now(), quietSince: null };
      all.add(one);
      return {
        asked: () => {
          one.quietSince = performance.now();
          arm();
        },
        heard: () => {
          if (one.quietSince !== null) one.quietSince = performance.now();
        },
        rested: () => {
          one.quietSince = null;
        },
        ended: () => void all.delete(one),
      };
    },
  };
};

const watches = new Map<string, SilenceWatch>();

/**
 * One for all connections of this process to a server: what is found out on one of them is good for all.
 * @param logger of whoever asks first
 */
export const silenceWatchOf = (url: string, logger: Logger | undefined): SilenceWatch => {
  const server = serverOf(url);
  const watch = watches.get(server) ?? watchSilence({ url, logger });
  watches.set(server, watch);
  return watch;
};

/** Without the settings of a session. */
const serverOf = (url: string): string => {
  const { host, pathname, username, searchParams } = new URL(url);
  return [username, searchParams.get('host') ?? host, pathname].join(' ');
};

/** Of the server, as it said when it was connected to. pg's types do not have it. */
const processOf = (client: pg.Client): number | null => (client as unknown as { readonly processID: number | null }).processID;

/** One that is connected. Null where it does not say which process it is with. */
export const watchClient = (client: pg.Client, watch: SilenceWatch): WatchedConnection | null => {
  const pid = processOf(client);
  if (pid === null) return null;
  const { stream } = client.connection;
  const connection = watch.add(pid, () => stream.destroy());
  stream.on('data', connection.heard);
  stream.on('close', connection.ended);
  return connection;
};

/** Watches all connections of a pool. */
export const watchPool = (pool: pg.Pool, watch: SilenceWatch): void => {
  const watched = new WeakMap<pg.PoolClient, WatchedConnection>();
  pool.on('connect', (client) => {
    const connection = watchClient(client, watch);
    if (connection !== null) watched.set(client, connection);
  });
  pool.on('acquire', (client) => watched.get(client)?.asked());
  pool.on('release', (_error, client) => watched.get(client)?.rested());
};

/** The ages (ms) of the server's connections by their process. */
type Processes = ReadonlyMap<number, number>;

const isAmong = (known: Processes, { pid, madeAt }: Watched, now: number): boolean => {
  const age = known.get(pid);
  return age !== undefined && Math.abs(age - (now - madeAt)) < SAME_AGE_MS;
};

const ASK = `
  select pg_backend_pid() as self, pg_is_in_recovery() as "isStandby", pid,
    extract(epoch from clock_timestamp() - backend_start)::float8 * 1000 as "ageMs"
  from pg_stat_activity where backend_start is not null`;

/** Null where that says nothing of our connections: behind a pooler, whose process numbers are its own, or from a server that nobody writes to. */
const serverProcesses = async (url: string): Promise<Processes | null> => {
  const probe = new pg.Client({
    ...{ connectionString: url, application_name: 'tidings probe', keepAlive: true },
    ...{ connectionTimeoutMillis: PROBE_MS, query_timeout: PROBE_MS },
  });
  probe.on('error', () => undefined); // the query says so, too
  try {
    await probe.connect();
    const { rows } = await probe.query<{ self: number; isStandby: boolean; pid: number; ageMs: number }>(ASK);
    const [first] = rows;
    if (first === undefined || first.isStandby || first.self !== processOf(probe)) return null;
    return new Map(rows.map(({ pid, ageMs }) => [pid, ageMs]));
  } finally {
    void probe.end().catch(() => undefined);
  }
};
