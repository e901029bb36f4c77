/** Where a test run keeps its files. */
import { statfs } from 'node:fs/promises';
import { tmpdir } from 'node:os';

const IN_MEMORY = '/dev/shm';
/** What a run needs at its fullest, several times over. */
const PLENTY_BYTES = 8 * 2 ** 30;

/**
 * In memory where there is plenty of it, unless `TMPDIR` says where: databases and folders that live for seconds need no disk, and what a power cut would
 * leave of them is not what tests can look at.
 */
export const scratchFolder = async (): Promise<string> => {
  if (process.env['TMPDIR'] !== undefined) return tmpdir();
  const free = await statfs(IN_MEMORY).then(
    ({ bavail, bsize }) => bavail * bsize,
    () => 0, // there is none
  );
  return free >= PLENTY_BYTES ? IN_MEMORY : tmpdir();
};
