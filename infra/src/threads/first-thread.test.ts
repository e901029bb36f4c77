import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Piscina } from 'piscina';
import { expect, it, onTestFinished } from 'vitest';
import { firstThread } from './first-thread.ts';

const poolOver = async (worker: string): Promise<Piscina> => {
  const folder = await mkdtemp(join(tmpdir(), 'tidings-threads-'));
  const filename = join(folder, 'worker.mjs');
  await writeFile(filename, worker);
  const pool = new Piscina({ filename, minThreads: 0, maxThreads: 1 });
  pool.on('error', () => undefined);
  onTestFinished(async () => {
    await pool.destroy();
    await rm(folder, { recursive: true, force: true });
  });
  return pool;
};

it('starts one thread for all who wait for it, and none where there is one', async () => {
  const pool = await poolOver('export const start = () => undefined;');
  const started = firstThread(pool);
  await Promise.all([started(), started(), started()]);
  expect(pool.threads).toHaveLength(1);
  expect(pool.completed).toBe(1);
  await started();
  expect(pool.completed).toBe(1);
});

it('tells all who wait that there can be none, and tries again for the next', async () => {
  const pool = await poolOver('throw new Error("broken");');
  const started = firstThread(pool, 300);
  const failed = await Promise.allSettled([started(), started()]);
  expect(failed.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  await expect(started()).rejects.toThrow();
});
