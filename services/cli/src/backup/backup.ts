/**
 * `tidings backup <folder>`: everything of an installation on the embedded Postgres, while it is in use, as of one moment: the files of the server between
 * `pg_backup_start` and `pg_backup_stop` with the write-ahead log between them (Postgres manual, "Making a Base Backup Using the Low Level API"), then the
 * blobs of a folder, which hold at least all that the log of that moment names.
 */
import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { Config } from '@tidings/infra/config/config';
import { timestamp } from '@tidings/contracts/time';
import pg from 'pg';
import type { Out } from '../out.ts';
import { count, progressOf } from '../progress.ts';
import { type CopiedFile, copyFile, eachFile, filesBelow, foldersBelow } from './copied-files.ts';
import { BackupFailed, FORMAT, writeManifest } from './manifest.ts';

export interface BackupContext {
  /** Of the embedded Postgres. */
  readonly databaseUrl: string;
  readonly config: Config;
  readonly stdout: Out;
}

/** How many the log in Postgres holds. */
export const EVENTS = 'select coalesce(sum(events_below + position - gaps_below), 0)::text events from log.shard_head';

/** What a server makes anew when it starts (the manual's list), and the log, of which a part is taken. */
const LEFT_OUT =
  /^(?:postmaster\.(?:pid|opts)|(?:pg_wal|pg_replslot|pg_dynshmem|pg_notify|pg_serial|pg_snapshots|pg_stat_tmp|pg_subtrans)\/.*|(?:.*\/)?(?:pgsql_tmp.*|pg_internal\.init.*))$/;

/** @returns the exit code. @throws BackupFailed */
export const backup = async (folder: string, { databaseUrl, config, stdout }: BackupContext): Promise<number> => {
  const target = resolve(folder);
  if ((await readdir(target).catch(() => [])).length > 0)
    throw new BackupFailed(`${target} is not empty: name a folder that is not there yet`);
  const half = `${target}.half`;
  await rm(half, { recursive: true, force: true });
  await mkdir(half, { recursive: true, mode: 0o700 });
  const taken = await copyServer(databaseUrl, join(half, 'postgres'), stdout);
  const bytes =
    config.blobs.type === 'folder' ? await copyAll(config.blobs.folder, join(half, 'blobs'), stdout, 'files of blobs') : NOTHING;
  const files = [...below('postgres', taken.files), ...below('blobs', bytes.files)];
  const folders = [...taken.folders.map((path) => `postgres/${path}`), ...bytes.folders.map((path) => `blobs/${path}`)];
  const { postgres, events } = taken;
  await writeManifest(half, { format: FORMAT, takenAt: timestamp(Date.now()), postgres, events, blobs: config.blobs.type, folders, files });
  await rm(target, { recursive: true, force: true });
  await mkdir(dirname(target), { recursive: true });
  await rename(half, target);
  const size = files.reduce((sum, file) => sum + file.bytes, 0);
  stdout.write(
    `${target} holds ${count(files.length)} files, ${count(Math.ceil(size / 1_000_000))} MB, with a log of ${count(events)} events.\n`,
  );
  for (const left of leftOut(config)) stdout.write(`${left}\n`);
  return 0;
};

const leftOut = ({ blobs, eventLog }: Config): readonly string[] => [
  ...(blobs.type === 's3' ? ['The bytes of mail and files are in S3, and not in it.'] : []),
  ...(eventLog.type === 'kurrentdb' ? ['The log is in KurrentDB, and not in it: back that up now, by its own means.'] : []),
  ...(blobs.format.keys.byId.size > 0 ? ['Bytes are sealed: keep BLOB_KEYS elsewhere, without them they are lost.'] : []),
];

interface Copied {
  readonly files: readonly CopiedFile[];
  readonly folders: readonly string[];
}
const NOTHING: Copied = { files: [], folders: [] };
const below = (folder: string, files: readonly CopiedFile[]): readonly CopiedFile[] =>
  files.map((file) => ({ ...file, path: `${folder}/${file.path}` }));

const copyServer = async (url: string, to: string, out: Out): Promise<Copied & { readonly postgres: string; readonly events: number }> => {
  const client = new pg.Client({ connectionString: url, application_name: 'tidings backup' });
  client.on('error', () => undefined); // reported by the query that meets it
  await client.connect();
  try {
    const { rows } = await client.query<{ root: string; version: string }>(
      `select current_setting('data_directory') root, current_setting('server_version') version`,
    );
    const [{ root, version } = { root: '', version: '' }] = rows;
    // Goes with the connection; until then the server keeps what is written from here on.
    await client.query(`select pg_create_physical_replication_slot('tidings_backup_' || pg_backend_pid(), true, true)`);
    await client.query(`select pg_backup_start('tidings backup', true)`);
    const files = await copyAll(root, to, out, 'files', (path) => !LEFT_OUT.test(path));
    const events = await client.query<{ events: string }>(EVENTS);
    const stopped = await client.query<{ labelfile: string; last: string }>(
      'select labelfile, pg_walfile_name(lsn) last from pg_backup_stop(false)',
    );
    const [{ labelfile, last } = { labelfile: '', last: '' }] = stopped.rows;
    const [, first] = /^START WAL LOCATION: .* \(file ([0-9A-F]{24})\)$/m.exec(labelfile) ?? [];
    if (first === undefined) throw new BackupFailed(`Postgres did not say where its log begins: ${labelfile}`);
    const wal = await copyAll(
      join(root, 'pg_wal'),
      join(to, 'pg_wal'),
      out,
      'files of the write-ahead log',
      (path) => path >= first && path <= last,
    );
    await writeFile(join(to, 'backup_label'), labelfile, { mode: 0o600, flush: true });
    const label = await copyFile(join(to, 'backup_label'), null);
    return {
      postgres: version.split('.')[0] ?? version,
      events: Number(events.rows[0]?.events),
      folders: files.folders,
      files: [...files.files, ...below('pg_wal', wal.files), ...(label === null ? [] : [{ path: 'backup_label', ...label }])],
    };
  } finally {
    await client.end();
  }
};

const copyAll = async (
  root: string,
  to: string,
  out: Out,
  things: string,
  isWanted: (path: string) => boolean = () => true,
): Promise<Copied> => {
  const [paths, folders]: [string[], string[]] = [[], []];
  for await (const path of filesBelow(root, isWanted)) paths.push(path);
  for await (const path of foldersBelow(root, isWanted)) folders.push(path);
  const progress = progressOf(paths.length, things, out);
  const files: CopiedFile[] = [];
  await eachFile(paths, async (path) => {
    const copied = await copyFile(join(root, path), join(to, path));
    if (copied !== null) files.push({ path, ...copied });
    progress.tick();
  });
  progress.end();
  return { files, folders };
};
