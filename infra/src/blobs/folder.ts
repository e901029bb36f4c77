/**
 * Blobs as files: `<folder>/ab/cd/<sha256>.zst`. Written to a temporary name, synced, renamed, and the folder synced too, so that a
 * blob is there whole or not at all, also after a power cut.
 */
import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { access, mkdir, open, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { PassThrough, Readable, pipeline as pipeThrough } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { constants, createZstdCompress, createZstdDecompress } from 'node:zlib';
import type { BlobId } from '@tidings/contracts/ids';
import { BlobNotFound, BlobStoreUnavailable, type BlobStore, type ByteRange, type StoredBlob } from '@tidings/contracts/ports/blob-store';
import { blobIdOf, cut, takeIn, type Intake } from './intake.ts';

const level = { params: { [constants.ZSTD_c_compressionLevel]: 1 } };

export const openFolderBlobs = async (folder: string): Promise<BlobStore> => {
  const incoming = join(folder, 'incoming');
  // Whatever an earlier process left half-written was never acknowledged.
  await rm(incoming, { recursive: true, force: true });
  await mkdir(incoming, { recursive: true });
  const pathOf = (id: BlobId): string => join(folder, id.slice(0, 2), id.slice(2, 4), `${id}.zst`);

  const has = (id: BlobId): Promise<boolean> =>
    access(pathOf(id)).then(
      () => true,
      () => false,
    );

  const get = async (id: BlobId, range?: ByteRange): Promise<Readable> => {
    const path = pathOf(id);
    await stat(path).catch((cause: unknown) => {
      if (isMissing(cause)) throw new BlobNotFound(id);
      throw new BlobStoreUnavailable(`reading ${path}`, { cause });
    });
    const out = new PassThrough();
    // The callback form: an error destroys `out` with it, and the reader sees it there.
    pipeThrough(createReadStream(path), createZstdDecompress(), out, () => undefined);
    // One frame cannot be entered in its middle: what comes before is unpacked and dropped.
    return range === undefined ? out : Readable.from(cut(out, range), { objectMode: false });
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

  return {
    has,
    get,
    read: async (id) => buffer(await get(id)),
    remove: async (id) => {
      const path = pathOf(id);
      try {
        await rm(path);
        await syncFolder(dirname(path));
      } catch (cause) {
        if (!isMissing(cause)) throw new BlobStoreUnavailable(`removing ${path}`, { cause });
      }
    },
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
