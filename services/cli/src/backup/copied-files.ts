/** Copies files with their sums, durably: a backup is what the next disaster finds. */
import { createHash } from 'node:crypto';
import { mkdir, open, readdir } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';

export interface CopiedFile {
  /** Below the folder of the backup, with `/`. */
  readonly path: string;
  readonly bytes: number;
  readonly sha256: string;
}

const PIECE = 1024 * 1024;

/** @param to null: only its sum is wanted. @returns null when it is gone */
export const copyFile = async (from: string, to: string | null): Promise<Omit<CopiedFile, 'path'> | null> => {
  const source = await open(from, 'r').catch(goneAsNull);
  if (source === null) return null;
  try {
    if (to !== null) await mkdir(dirname(to), { recursive: true, mode: 0o700 });
    const target = to === null ? null : await open(to, 'wx', 0o600);
    try {
      const sum = createHash('sha256');
      const piece = Buffer.allocUnsafe(PIECE);
      let bytes = 0;
      for (;;) {
        const { bytesRead } = await source.read(piece, 0, PIECE);
        if (bytesRead === 0) break;
        sum.update(piece.subarray(0, bytesRead));
        await target?.writeFile(piece.subarray(0, bytesRead));
        bytes += bytesRead;
      }
      await target?.datasync();
      return { bytes, sha256: sum.digest('hex') };
    } finally {
      await target?.close();
    }
  } finally {
    await source.close();
  }
};

/** So many files wait for the disk at once: it takes them together. */
const AT_ONCE = 16;

/** In any order. @throws what fails first, when the others in hand have ended */
export const eachFile = async <A>(all: readonly A[], work: (one: A) => Promise<void>): Promise<void> => {
  const waiting = [...all];
  const worker = async (): Promise<void> => {
    for (let one = waiting.pop(); one !== undefined; one = waiting.pop()) await work(one);
  };
  const ended = await Promise.allSettled(Array.from({ length: AT_ONCE }, worker));
  const failed = ended.find((end) => end.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
};

/** Files below `root`, by their paths from there; what goes away meanwhile is left out. @param isWanted asked for folders as well */
export async function* filesBelow(root: string, isWanted: (path: string) => boolean, from = root): AsyncGenerator<string, void, void> {
  for (const entry of (await readdir(from, { withFileTypes: true }).catch(goneAsNull)) ?? []) {
    const path = relative(root, join(from, entry.name));
    if (!isWanted(path)) continue;
    if (entry.isDirectory()) yield* filesBelow(root, isWanted, join(from, entry.name));
    else if (entry.isFile()) yield path;
  }
}

/** Folders below `root`, also empty ones. */
export async function* foldersBelow(root: string, isWanted: (path: string) => boolean, from = root): AsyncGenerator<string, void, void> {
  for (const entry of (await readdir(from, { withFileTypes: true }).catch(goneAsNull)) ?? []) {
    const path = relative(root, join(from, entry.name));
    if (!entry.isDirectory() || !isWanted(path)) continue;
    yield path;
    yield* foldersBelow(root, isWanted, join(from, entry.name));
  }
}

const goneAsNull = (error: unknown): null => {
  if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null;
  throw error;
};
