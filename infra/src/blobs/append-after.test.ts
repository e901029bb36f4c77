import type { BlobId } from '@tidings/contracts/ids';
import { APPENDED_WITHIN_MS, BlobStoreUnavailable } from '@tidings/contracts/ports/blob-store';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { appendAfter } from './append-after.ts';

beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }));
afterEach(() => void vi.useRealTimers());

const blob = 'a'.repeat(64) as BlobId;
const appending = (ms: number) => async (): Promise<string> => {
  vi.advanceTimersByTime(ms);
  return 'appended';
};

it('asks nothing while the event follows the bytes at once', async () => {
  const has = vi.fn<() => Promise<boolean>>(async () => false);
  expect(await appendAfter({ has }, blob, appending(APPENDED_WITHIN_MS))).toBe('appended');
  expect(has).not.toHaveBeenCalled();
});

it('looks when the event came late, and tells nobody that removed bytes are kept', async () => {
  expect(await appendAfter({ has: async () => true }, blob, appending(APPENDED_WITHIN_MS + 1))).toBe('appended');
  await expect(appendAfter({ has: async () => false }, blob, appending(APPENDED_WITHIN_MS + 1))).rejects.toThrow(BlobStoreUnavailable);
});
