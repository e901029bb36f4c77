/**
 * Blobs as files: `<folder>/ab/cd/<sha256>.blob`. Written to a temporary name, synced, renamed, and the folder synced too, so that a
 * blob is there whole or not at all, also after a power cut. What earlier versions wrote (`.zst`, one frame) is read as well.
 */
import { randomUUID } from 'node:crypto';
import { access, type FileHandle, mkdir, open, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Readable, pipeline as pipeThrough, PassThrough } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { createZstdDecompress } from 'node:zlib';
import type { BlobId } from '@tidings/contracts/ids';
import {
  BlobDamaged,
  BlobNotFound,
  BlobStoreUnavailable,
  type BlobStore,
  type ListedBlob,
  type StoredBetween,
  type StoredBlob,
  TOUCHED_WITHIN_MS,
} from '@tidings/contracts/ports/blob-store';
import { readHeader, readPieces, writeBlobFile } from './blob-file.ts';
import { type BlobFormat, DEFAULT_FORMAT } from './format.ts';
import { CHUNK_BYTES, cut, takeIn, type Intake } from './intake.ts';
import type { KeyProofs } from './keys.ts';
import { removalBy } from './removal.ts';

/** Of a blob, and of one that earlier versions wrote. */
const ENDINGS = ['.blob', '.zst'] as const;
const ASIDE = '.aside';
/** Longer under way than any message may take. */
const ABANDONED_MS = 86_400_000;
/** Files of a pair of folders may be many: so many are looked at together. */
const LISTED = 1_000;

export interface FolderOptions {
  readonly format?: BlobFormat;
  /** How long `removeUnused` waits; default `SETTLED_MS`. */
  readonly settledMs?: number;
}

export const openFolderBlobs = (folder: string, { settledMs, format = DEFAULT_FORMAT }: FolderOptions = {}): BlobStore => {
  const incoming = join(folder, 'incoming');
  let preparing: Promise<void> | null = null;
  /** Before the first write. */
  const prepared = (): Promise<void> =>
    (preparing ??= mkdir(incoming, { recursive: true })
      .then(() => sweep(incoming))
      .catch((error: unknown) => {
        preparing = null; // the next one tries again
        throw error;
      }));
  const stem = (id: BlobId): string => join(folder, id.slice(0, 2), id.slice(2, 4), id);

  /** The path that there is, or null. */
  const find = async (id: BlobId, isAside = false): Promise<string | null> => {
    for (const ending of ENDINGS) {
      const path = `${stem(id)}${ending}${isAside ? ASIDE : ''}`;
      if (await exists(path)) return path;
    }
    return null;
  };
  const has = async (id: BlobId): Promise<boolean> => (await find(id)) !== null;

  const get = async (id: BlobId, range?: { readonly start: number; readonly end: number }): Promise<Readable> => {
    const { file, path } = await openBlob(id);
    if (path.includes('.zst')) return legacy(file, range);
    try {
      const header = await readHeader(file, id);
      if (range === undefined) return closing(file, readPieces(file, id, header, format.keys));
      const first = Math.floor(range.start / CHUNK_BYTES) * CHUNK_BYTES;
      return closing(file, cut(readPieces(file, id, header, format.keys, first), range, first));
    } catch (error) {
      await file.close();
      throw error;
    }
  };

  /** Once open, it can be read to its end wherever it is moved. */
  const openBlob = async (id: BlobId): Promise<{ readonly file: FileHandle; readonly path: string }> => {
    // It may go aside, come back or be stored anew as we look.
    const paths = ['', ASIDE, ''].flatMap((aside) => ENDINGS.map((ending) => `${stem(id)}${ending}${aside}`));
    for (const path of paths) {
      const file = await open(path, 'r').catch((cause: unknown) => {
        if (isMissing(cause)) return null;
        throw new BlobStoreUnavailable(`reading ${path}`, { cause });
      });
      if (file !== null) return { file, path };
    }
    throw new BlobNotFound(id);
  };

  const write = async (intake: Intake, temporary: string): Promise<StoredBlob> => {
    const file = await open(temporary, 'wx', 0o600);
    try {
      return await writeBlobFile(file, intake, format);
    } finally {
      await file.close();
    }
  };

  /** @param replace put it in place of what is there */
  const store = async (intake: Intake, replace: BlobId | null): Promise<StoredBlob> => {
    const temporary = join(incoming, randomUUID());
    try {
      await prepared();
      const stored = await write(intake, temporary);
      if (replace !== null && stored.id !== replace) throw new BlobDamaged(`blob ${replace} holds other bytes than its name says`);
      if (replace === null && (await touch(stored.id))) await rm(temporary);
      else await place(temporary, `${stem(stored.id)}.blob`);
      return stored;
    } catch (error) {
      await rm(temporary, { force: true });
      if (isSystemError(error)) throw new BlobStoreUnavailable(`writing below ${folder}`, { cause: error });
      throw error;
    }
  };

  const place = async (temporary: string, target: string): Promise<void> => {
    await mkdir(dirname(target), { recursive: true });
    await rename(temporary, target);
    for (const changed of [dirname(target), dirname(dirname(target)), folder]) await syncFolder(changed);
  };

  /** Renews the time of what is there. @returns false when there is nothing, or it went aside as we looked */
  const touch = async (id: BlobId): Promise<boolean> => {
    const path = await find(id);
    if (path === null) return false;
    const now = Date.now();
    try {
      if ((await stat(path)).mtimeMs < now - TOUCHED_WITHIN_MS) await utimes(path, now / 1000, now / 1000);
      return true;
    } catch (error) {
      if (isMissing(error)) return false;
      throw error;
    }
  };

  const eachOf =
    (change: (id: BlobId) => Promise<boolean>) =>
    async (ids: readonly BlobId[]): Promise<readonly BlobId[]> => {
      const changed: BlobId[] = [];
      for (const id of ids) {
        try {
          if (!(await change(id))) continue;
          changed.push(id);
          await syncFolder(dirname(stem(id)));
        } catch (cause) {
          if (!isMissing(cause)) throw new BlobStoreUnavailable(`removing ${stem(id)}`, { cause });
        }
      }
      return changed;
    };
  const restore = async (id: BlobId): Promise<boolean> => {
    const aside = await find(id, true);
    if (aside === null) return false;
    if (await has(id)) await rm(aside);
    else await rename(aside, aside.slice(0, -ASIDE.length));
    return true;
  };

  return {
    has,
    get,
    link: async () => null,
    read: async (id) => buffer(await get(id)),
    list: (stored = {}) => listed(folder, stored, format),
    leftAside: (forMs) => leftAsideIn(folder, forMs),
    removeUnused: removalBy(
      {
        setAside: async (ids, putBefore) => {
          await eachOf(async (id) => {
            const path = await find(id);
            if (path === null) return false;
            await rename(path, `${path}${ASIDE}`);
            // A put that found it may have renewed its time just before.
            if ((await stat(`${path}${ASIDE}`)).mtimeMs >= putBefore) await restore(id);
            return true;
          })(ids);
        },
        restore: async (ids) => void (await eachOf(restore)(ids)),
        drop: eachOf(async (id) => {
          const aside = await find(id, true);
          if (aside !== null) await rm(aside);
          return aside !== null;
        }),
      },
      settledMs,
    ),
    put: async (source, options) => store(await takeIn(source, options?.maxBytes), null),
    storeAnew: async (id) => {
      await store(await takeIn(await get(id)), id);
      await rm(`${stem(id)}.zst`, { force: true });
    },
  };
};

/** Also when nobody reads it to its end, or at all. Closing twice does nothing. */
const closing = (file: FileHandle, pieces: AsyncIterable<Buffer>): Readable =>
  Readable.from(pieces, { objectMode: false }).once('close', () => void file.close());

/** What an earlier process left half-written was never acknowledged; what another writes now is younger. */
const sweep = async (incoming: string): Promise<void> => {
  for (const name of await readdir(incoming)) {
    const path = join(incoming, name);
    const found = await stat(path).catch(() => null); // gone again: another process finished it
    if (found !== null && found.mtimeMs < Date.now() - ABANDONED_MS) await rm(path, { force: true });
  }
};

/** One frame cannot be entered in its middle: what comes before is unpacked and dropped. */
const legacy = (file: FileHandle, range?: { readonly start: number; readonly end: number }): Readable => {
  const out = new PassThrough();
  // The callback form: an error destroys `out` with it, and the reader sees it there.
  pipeThrough(file.createReadStream(), createZstdDecompress(), out, () => undefined);
  return range === undefined ? out : Readable.from(cut(out, range), { objectMode: false });
};

const FILE = /^([0-9a-f]{64})(\.blob|\.zst)(\.aside)?$/;

/** Every file of the tree, folder by folder. */
async function* files(folder: string): AsyncGenerator<{ readonly id: BlobId; readonly path: string; readonly isAside: boolean }> {
  const namesIn = (path: string): Promise<readonly string[]> =>
    readdir(path).catch((cause: unknown) => {
      if (isMissing(cause)) return [];
      throw new BlobStoreUnavailable(`reading ${path}`, { cause });
    });
  const pair = /^[0-9a-f]{2}$/;
  for (const first of (await namesIn(folder)).filter((name) => pair.test(name))) {
    for (const second of (await namesIn(join(folder, first))).filter((name) => pair.test(name))) {
      for (const name of await namesIn(join(folder, first, second))) {
        const [, id, , aside] = FILE.exec(name) ?? [];
        if (id !== undefined) yield { id: id as BlobId, path: join(folder, first, second, name), isAside: aside !== undefined };
      }
    }
  }
}

async function* listed(
  folder: string,
  { since = -Infinity, until = Infinity }: StoredBetween,
  { level, keys }: BlobFormat,
): AsyncGenerator<readonly ListedBlob[]> {
  let page: ListedBlob[] = [];
  for await (const { id, path, isAside } of files(folder)) {
    const found = isAside ? null : await stat(path).catch(() => null); // it went as we looked
    if (found === null || found.mtimeMs < since || found.mtimeMs >= until) continue;
    page.push({ id, storedAt: found.mtimeMs, isCurrent: path.endsWith('.blob') && (await isKeptAs(path, id, level, keys.active)) });
    if (page.length < LISTED) continue;
    yield page;
    page = [];
  }
  if (page.length > 0) yield page;
}

const isKeptAs = async (path: string, id: BlobId, level: number, keyId: number): Promise<boolean> => {
  const file = await open(path, 'r').catch(() => null); // it went as we looked
  if (file === null) return true;
  try {
    const header = await readHeader(file, id);
    return header.level === level && header.keyId === keyId;
  } catch (error) {
    if (error instanceof BlobDamaged) return false; // whoever stores it anew is told
    throw error;
  } finally {
    await file.close();
  }
};

/** A rename leaves its time in the file's. */
const leftAsideIn = async (folder: string, forMs: number): Promise<readonly BlobId[]> => {
  const left = new Set<BlobId>();
  for await (const { id, path, isAside } of files(folder)) {
    const found = isAside ? await stat(path).catch(() => null) : null; // it went as we looked
    if (found !== null && found.ctimeMs <= Date.now() - forMs) left.add(id);
  }
  return [...left];
};

/** Proofs of keys as files `<folder>/keys/<id>`. */
export const folderKeyProofs = (folder: string): KeyProofs => {
  const keys = join(folder, 'keys');
  return {
    all: async () => {
      await mkdir(keys, { recursive: true });
      const names = (await readdir(keys)).filter((name) => /^\d{1,5}$/.test(name));
      return new Map(await Promise.all(names.map(async (name) => [Number(name), await readFile(join(keys, name))] as const)));
    },
    add: async (keyId, proof) => {
      await mkdir(keys, { recursive: true });
      const path = join(keys, String(keyId));
      if (await exists(path)) return;
      const temporary = join(keys, `.${randomUUID()}`);
      await writeFile(temporary, proof, { mode: 0o600, flush: true });
      await rename(temporary, path);
      await syncFolder(keys);
    },
    remove: (keyId) => rm(join(keys, String(keyId)), { force: true }),
  };
};

/** A rename is durable only when the folder that names the file is. */
const syncFolder = async (path: string): Promise<void> => {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
};

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );
/** File-system faults have a syscall; a peer that went away or a limit that was passed has none and stays what it is. */
const isSystemError = (error: unknown): boolean => error instanceof Error && 'syscall' in error && 'errno' in error && 'path' in error;
const isMissing = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === 'ENOENT';
