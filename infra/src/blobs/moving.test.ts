import { randomBytes } from 'node:crypto';
import { buffer } from 'node:stream/consumers';
import { BlobNotFound } from '@tidings/contracts/ports/blob-store';
import { describe, expect, it } from 'vitest';
import { blobStoreContract } from './contract.ts';
import { memoryBlobs } from './memory.ts';
import { movingBlobs } from './moving.ts';

const settledMs = 20;
const two = () => {
  const [to, from] = [memoryBlobs({ settledMs }), memoryBlobs({ settledMs })];
  return { to, from, both: movingBlobs({ to, from }) };
};

blobStoreContract('two places', () => two().both);

describe('blobs in two places', () => {
  it('are read from both, and new ones go to the new place', async () => {
    const { to, from, both } = two();
    const [old, young] = [randomBytes(100), randomBytes(100)];
    const [{ id }, put] = [await from.put(old), await both.put(young)];
    expect([await both.has(id), await both.read(id), await buffer(await both.get(id, { start: 1, end: 5 }))]).toEqual([
      true,
      old,
      old.subarray(1, 6),
    ]);
    expect([await to.has(put.id), await from.has(put.id), await both.read(put.id)]).toEqual([true, false, young]);
    const listed = [];
    for await (const page of both.list()) listed.push(...page.map((blob) => blob.id));
    expect(listed.toSorted()).toEqual([id, put.id].toSorted());
  });

  it('are found by who looks just as they move', async () => {
    const { to, from } = two();
    const bytes = randomBytes(100);
    const { id } = await from.put(bytes);
    const moves = async (): Promise<void> => {
      await to.put(bytes);
      await from.removeUnused([id], async () => new Set());
    };
    const looking = movingBlobs({
      to,
      from: {
        ...from,
        read: (asked) => moves().then(() => from.read(asked)),
        has: (asked) => moves().then(() => from.has(asked)),
      },
    });
    expect(await looking.read(id)).toEqual(bytes);
    await to.removeUnused([id], async () => new Set());
    await from.put(bytes);
    expect(await looking.has(id)).toBe(true);
  });

  it('go from both, unless one of them got them again', async () => {
    const { to, from, both } = two();
    const bytes = randomBytes(100);
    const [{ id }] = [await from.put(bytes), await to.put(bytes)];
    expect(await both.removeUnused([id], async () => new Set([id]))).toEqual([]);
    expect(await both.read(id)).toEqual(bytes);
    expect(await both.removeUnused([id], async () => new Set())).toEqual([id]);
    await expect(both.read(id)).rejects.toBeInstanceOf(BlobNotFound);
    await from.put(bytes);
    expect(await both.removeUnused([id], () => both.put(bytes).then(() => new Set()))).toEqual([]);
    expect([await to.has(id), await from.has(id)]).toEqual([true, false]);
  });

  it('stay in both when one of them cannot let go', async () => {
    const { to, from } = two();
    const bytes = randomBytes(100);
    const [{ id }] = [await from.put(bytes), await to.put(bytes)];
    const broken = movingBlobs({ to, from: { ...from, removeUnused: () => Promise.reject(new Error('it is away')) } });
    await expect(broken.removeUnused([id], async () => new Set())).rejects.toThrow('it is away');
    expect([await to.has(id), await from.has(id)]).toEqual([true, true]);
  });
});
