/**
 * Subject keys in Postgres, schema `keys`: apart from the log, so that it can have backups of its own that do not live long. A destroyed
 * key leaves a row that says so; nobody makes a second one.
 */
import { randomBytes } from 'node:crypto';
import type { SubjectId } from '@tidings/contracts/ids';
import type { SubjectKeys } from '@tidings/contracts/ports/subject-keys';
import { atMost } from '../cache/at-most.ts';
import { LRUCache } from 'lru-cache';
import pg from 'pg';
import { watchDestroyed } from './watch.ts';

export interface PostgresSubjectKeysOptions {
  readonly pool: pg.Pool;
  /** Keys held in memory; default 50,000. */
  readonly cacheSize?: number;
  /** How long a key may be used here after another node destroyed it; default 3,000 ms, which `DESTROYED_EVERYWHERE_MS` relies on. */
  readonly cacheMs?: number;
}

/** What XChaCha20-Poly1305 takes (docs/decisions/012). */
const KEY_BYTES = 32;

const MIGRATION = `
  create schema if not exists keys;
  create table if not exists keys.subject_key (
    subject uuid primary key,
    key bytea,
    created_at timestamptz not null default now(),
    destroyed_at timestamptz,
    check ((key is null) = (destroyed_at is not null)),
    check (length(key) = ${KEY_BYTES})
  );
  create index if not exists subject_key_destroyed on keys.subject_key (destroyed_at) where destroyed_at is not null`;

/** Safe to run again, and from many processes at once. */
export const migrateSubjectKeys = async (target: string | pg.Pool): Promise<void> => {
  const pool = typeof target === 'string' ? new pg.Pool({ connectionString: target, max: 1 }) : target;
  try {
    // One statement string is one transaction, so the lock is held to the end of the migration.
    await pool.query(`select pg_advisory_xact_lock(hashtext('tidings key migrations')); ${MIGRATION}`);
  } finally {
    if (typeof target === 'string') await pool.end();
  }
};

export const postgresSubjectKeys = ({ pool, cacheSize = 50_000, cacheMs = 3_000 }: PostgresSubjectKeysOptions): SubjectKeys => {
  // The cache hands out the same Buffer again and again, on which the cipher's own key objects hang (sealing.ts). A key changes only once,
  // when it is destroyed, and the watch tells of that; so none is fetched a second time.
  const cache = new LRUCache<SubjectId, { readonly key: Buffer | null }>(atMost(cacheSize));

  const remember = (subject: SubjectId, key: Buffer | null): Buffer | null => {
    const before = cache.get(subject);
    if (before?.key === null) return null; // destroyed while this was on its way
    cache.set(subject, { key });
    return key;
  };

  const select = async (subjects: readonly SubjectId[]): Promise<Map<SubjectId, Buffer | null>> => {
    const { rows } = await pool.query<{ subject: SubjectId; key: Buffer | null }>({
      name: 'keys-find',
      text: 'select subject, key from keys.subject_key where subject = any($1::uuid[])',
      values: [subjects],
    });
    return new Map(rows.map(({ subject, key }) => [subject, remember(subject, key)]));
  };

  const watch = watchDestroyed(pool, (subject) => cache.set(subject, { key: null }));

  const split = (subjects: readonly SubjectId[]) => {
    const found = new Map<SubjectId, Buffer | null>();
    const missing = new Set<SubjectId>();
    for (const subject of subjects) {
      const cached = cache.get(subject);
      if (cached === undefined) missing.add(subject);
      else found.set(subject, cached.key);
    }
    return { found, missing: [...missing] };
  };

  return {
    obtain: async (subjects) => {
      await watch.heardWithin(cacheMs);
      const { found, missing } = split(subjects);
      if (missing.length === 0) return found;
      const known = await select(missing);
      const unknown = missing.filter((subject) => !known.has(subject));
      if (unknown.length > 0) {
        await pool.query(
          'insert into keys.subject_key (subject, key) select * from unnest($1::uuid[], $2::bytea[]) order by 1 on conflict do nothing',
          [unknown, unknown.map(() => randomBytes(KEY_BYTES))],
        );
        for (const [subject, key] of await select(unknown)) known.set(subject, key); // another node's, when it was faster
      }
      return new Map([...found, ...known]);
    },

    find: async (subjects) => {
      await watch.heardWithin(cacheMs);
      const { found, missing } = split(subjects);
      if (missing.length === 0) return found;
      const known = await select(missing);
      for (const subject of missing) found.set(subject, known.get(subject) ?? null);
      return found;
    },

    destroy: async (subject) => {
      await pool.query(
        `insert into keys.subject_key as k (subject, key, destroyed_at) values ($1, null, now())
         on conflict (subject) do update set key = null, destroyed_at = now() where k.key is not null`,
        [subject],
      );
      watch.tell(subject);
    },

    onDestroyed: (listener) => watch.subscribe(listener),
  };
};
