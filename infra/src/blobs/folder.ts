/**
 * Blobs as files: `<folder>/ab/cd/<sha256>.zst`. Written to a temporary name, synced, renamed, and the folder synced too, so that a
 * blob is there whole or not at all, also after a power cut.
 */
import { randomUUID } from 'node:crypto';
import { access, type FileHandle, mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { PassThrough, Readable, pipeline as pipeThrough } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { constants, createZstdCompress, createZstdDecompress } from 'node:zlib';
import type { BlobId } from '@tidings/contracts/ids';
import { BlobNotFound, BlobStoreUnavailable, type BlobStore, type ByteRange, type StoredBlob } from '@tidings/contracts/ports/blob-store';
import { blobIdOf, cut, takeIn, type Intake } from './intake.ts';
import { removalBy } from './removal.ts';

const level = { params: { [constants.ZSTD_c_compressionLevel]: 1 } };

export const openFolderBlobs = async (folder: string, { settledMs }: { readonly settledMs?: number } = {}): Promise<BlobStore> => {
  const incoming = join(folder, 'incoming');
  // Whatever an earlier process left half-written was never acknowledged.
  await rm(incoming, { recursive: true, force: true });
  await mkdir(incoming, { recursive: true });
  const pathOf = (id: BlobId): string => join(folder, id.slice(0, 2), id.slice(2, 4), `${id}.zst`);

  /** Of what is being removed (removal.ts). */
  const asideOf = (id: BlobId): string => `${pathOf(id)}.aside`;

  const has = (id: BlobId): Promise<boolean> =>
    access(pathOf(id)).then(
      () => true,
      () => false,
    );

  const get = async (id: BlobId, range?: ByteRange): Promise<Readable> => {
    const file = await openBlob(id);
    const out = new PassThrough();
    // The callback form: an error destroys `out` with it, and the reader sees it there.
    pipeThrough(file.createReadStream(), createZstdDecompress(), out, () => undefined);
    // One frame cannot be entered in its middle: what comes before is unpacked and dropped.
    return range === undefined ? out : Readable.from(cut(out, range), { objectMode: false });
  };

  /** Once open, it can be read to its end wherever it is moved. */
  const openBlob = async (id: BlobId): Promise<FileHandle> => {
    // It may go aside or come back as we look.
    for (const path of [pathOf(id), asideOf(id), pathOf(id)]) {
      const file = await open(path, 'r').catch((cause: unknown) => {
        if (isMissing(cause)) return null;
        throw new BlobStoreUnavailable(`reading ${path}`, { cause });
      });
      if (file !== null) return file;
    }
    throw new BlobNotFound(id);
  };

  const write = async (intake: Intake, temporary: string): Promise<StoredBlob> => {
    const file = await open(temporary, 'wx', 0o600);
    try {
      const content = intake.type === 'small' ? Readable.from([intake.bytes], { objectMode: false }) : Readable.from(intake.chunks);
      await pipeline(content, createZstdCompress(level), async (packed: AsyncIterable<Uint8Array>) => {
        for await (const piece of packed) await file.writeFile(piece);
      });
      await file.sync();
    } finally {
      await file.close();
    }
    return intake.type === 'small' ? { id: blobIdOf(intake.bytes), size: intake.bytes.byteLength } : intake.measured();
  };

  const place = async (temporary: string, target: string): Promise<void> => {
    await mkdir(dirname(target), { recursive: true });
    await rename(temporary, target);
    for (const changed of [dirname(target), dirname(dirname(target)), folder]) await syncFolder(changed);
  };

  const eachOf =
    (change: (id: BlobId) => Promise<void>) =>
    async (ids: readonly BlobId[]): Promise<void> => {
      for (const id of ids) {
        try {
          await change(id);
          await syncFolder(dirname(pathOf(id)));
        } catch (cause) {
          if (!isMissing(cause)) throw new BlobStoreUnavailable(`removing ${pathOf(id)}`, { cause });
        }
      }
    };

  return {
    has,
    get,
    read: async (id) => buffer(await get(id)),
    removeUnused: removalBy(
      {
        setAside: eachOf((id) => rename(pathOf(id), asideOf(id))),
        restore: eachOf(async (id) => ((await has(id)) ? rm(asideOf(id)) : rename(asideOf(id), pathOf(id)))),
        drop: eachOf((id) => rm(asideOf(id))),
      },
      settledMs,
    ),
    put: async (source, options) => {
      const intake = await takeIn(source, options?.maxBytes);
      const temporary = join(incoming, randomUUID());
      try {
        const stored = await write(intake, temporary);
        if (await has(stored.id)) await rm(temporary);
        else await place(temporary, pathOf(stored.id));
        return stored;
      } catch (error) {
        await rm(temporary, { force: true });
        if (isSystemError(error)) throw new BlobStoreUnavailable(`writing below ${folder}`, { cause: error });
        throw error;
      }
    },
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

/** File-system faults have a syscall; a peer that went away or a limit that was passed has none and stays what it is. */
const isSystemError = (error: unknown): boolean => error instanceof Error && 'syscall' in error && 'errno' in error && 'path' in error;
const isMissing = (error: unknown): boolean => error instanceof Error && 'code' in error && error.code === 'ENOENT';
