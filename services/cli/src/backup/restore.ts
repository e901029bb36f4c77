/** `tidings restore <folder>`: a backup becomes the installation of an empty `DATA_DIR`. Every file is compared with its sum before anything is put in place. */
import { chmod, chown, mkdir, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { Config } from '@tidings/infra/config/config';
import { findBinaries, majorVersionOf } from '@tidings/infra/postgres/binaries';
import { startEmbeddedPostgres } from '@tidings/infra/postgres/embedded';
import { type Account, choosePlace } from '@tidings/infra/postgres/place';
import pg from 'pg';
import type { Logger } from 'pino';
import type { Out } from '../out.ts';
import { count, progressOf } from '../progress.ts';
import { copyFile, eachFile } from './copied-files.ts';
import { EVENTS } from './backup.ts';
import { BackupFailed, type Manifest, readManifest } from './manifest.ts';

export interface RestoreContext {
  readonly config: Config;
  readonly logger: Logger;
  readonly stdout: Out;
}

/** @returns the exit code. @throws BackupFailed, with nothing put in place unless it says so */
export const restore = async (folder: string, { config, logger, stdout }: RestoreContext): Promise<number> => {
  const source = resolve(folder);
  const manifest = await readManifest(source);
  if (manifest.blobs !== config.blobs.type)
    throw new BackupFailed(`the bytes of this backup are for BLOBS=${manifest.blobs}, but BLOBS is ${config.blobs.type}`);
  const binaries = await findBinaries();
  const version = majorVersionOf(binaries);
  if (version !== manifest.postgres)
    throw new BackupFailed(
      `this backup is of Postgres ${manifest.postgres}, and this Tidings brings ${version}: restore it with the version that took it`,
    );
  const place = choosePlace(join(config.dataDir, 'postgres'), binaries, logger);
  await expectEmpty(place.dataDir, 'DATA_DIR');
  if (manifest.blobs === 'folder') await expectEmpty(config.blobs.folder, 'BLOBS_DIR');
  await verify(source, manifest, stdout);

  await put(source, 'postgres', manifest, place.dataDir, place.account, stdout);
  if (manifest.blobs === 'folder') await put(source, 'blobs', manifest, config.blobs.folder, undefined, stdout);
  const events = await checked(config, logger, manifest);
  stdout.write(
    `The installation of ${manifest.takenAt} is in ${config.dataDir}, with a log of ${count(events)} events. Start it as ever.\n`,
  );
  return 0;
};

const expectEmpty = async (folder: string, setting: string): Promise<void> => {
  const there = await readdir(folder).catch(() => []);
  if (there.length > 0) throw new BackupFailed(`${folder} is not empty: a backup is restored into a ${setting} that is`);
};

/** All of it, before anything is written. */
const verify = async (source: string, { files }: Manifest, out: Out): Promise<void> => {
  const progress = progressOf(files.length, 'files compared', out);
  await eachFile(files, async ({ path, bytes, sha256 }) => {
    const found = await copyFile(join(source, path), null);
    if (found === null) throw new BackupFailed(`${join(source, path)} is missing: this backup is not whole, and nothing was restored`);
    if (found.bytes !== bytes || found.sha256 !== sha256)
      throw new BackupFailed(`${join(source, path)} is not what was backed up: its checksum differs, and nothing was restored`);
    progress.tick();
  });
  progress.end();
};

/** Beside its place, then renamed: a half-made folder is never taken for data. */
const put = async (
  source: string,
  part: 'postgres' | 'blobs',
  manifest: Manifest,
  to: string,
  account: Account | undefined,
  out: Out,
): Promise<void> => {
  const half = `${to}.half`;
  await rm(half, { recursive: true, force: true });
  const within = (path: string): boolean => path.startsWith(`${part}/`);
  const inHalf = (path: string): string => join(half, path.slice(part.length + 1));
  const own = async (path: string): Promise<void> => {
    if (account !== undefined) await chown(path, account.uid, account.gid);
  };
  await mkdir(half, { recursive: true, mode: 0o700 });
  await own(half);
  for (const path of manifest.folders.filter(within)) {
    await mkdir(inHalf(path), { recursive: true, mode: 0o700 });
    await own(inHalf(path));
  }
  const files = manifest.files.filter(({ path }) => within(path));
  const progress = progressOf(files.length, 'files restored', out);
  await eachFile(files, async ({ path }) => {
    await copyFile(join(source, path), inHalf(path));
    await own(inHalf(path));
    progress.tick();
  });
  progress.end();
  await chmod(half, 0o700);
  await rm(to, { recursive: true, force: true }); // empty, as was seen
  await mkdir(dirname(to), { recursive: true });
  await rename(half, to);
};

/** Starts the server once, which brings it to the moment of the backup, and looks at the log. @returns how many events it has */
const checked = async (config: Config, logger: Logger, { events: least }: Manifest): Promise<number> => {
  const postgres = await startEmbeddedPostgres({ dataDir: join(config.dataDir, 'postgres'), logger });
  try {
    const client = new pg.Client({ connectionString: postgres.url });
    await client.connect();
    try {
      const { rows } = await client.query<{ whole: boolean }>(
        `select bool_and(e.events = h.position - h.gaps_below and e.last = h.position) whole
           from log.shard_head h cross join lateral (
             select coalesce(max(position), 0) last, count(*) filter (where position > h.gaps_below) events from log.event where shard = h.shard
           ) e`,
      );
      const counted = await client.query<{ events: string }>(EVENTS);
      const events = Number(counted.rows[0]?.events);
      if (rows[0]?.whole !== true || events < least)
        throw new BackupFailed(
          `the log that was restored is not whole: it has ${events} events, the backup says ${least}. Do not start it; restore again`,
        );
      return events;
    } finally {
      await client.end();
    }
  } finally {
    await postgres.stop();
  }
};
