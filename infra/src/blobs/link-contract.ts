/** What every blob store promises of links, whether it hands out any or none; each adapter's test runs it. */
import { randomBytes } from 'node:crypto';
import type { BlobId } from '@tidings/contracts/ids';
import { BlobNotFound, type BlobStore, type Download } from '@tidings/contracts/ports/blob-store';
import { describe, expect, it, vi } from 'vitest';

/** More than travels by itself; packs to little. */
const LARGE = 3_000_000;
const AS = { type: 'application/pdf', disposition: `attachment; filename="a b.pdf"; filename*=UTF-8''%C3%A4%20b.pdf` };

/** Asks until there is one: what is linked to is made behind the first question. */
export const linkTo = (store: BlobStore, download: Download): Promise<URL> =>
  vi.waitFor(
    async () => {
      const link = await store.link(download);
      if (link === null) throw new Error('there is no link yet');
      return link;
    },
    { timeout: 20_000, interval: 10 },
  );

const nothing: Omit<Download, 'size'> = { id: 'f'.repeat(64) as BlobId, ...AS };

/** Of a store that hands out none. */
export const noLinkContract = (name: string, open: () => BlobStore): void => {
  describe(`link contract: ${name}`, () => {
    it('hands out no link to anything, and asks for no part', async () => {
      const store = open();
      const { id, size } = await store.put(randomBytes(LARGE));
      const read = vi.fn<() => Promise<Uint8Array>>();
      for (let n = 0; n < 2; n += 1) {
        expect(await store.link({ id, size, ...AS })).toBeNull();
        expect(await store.link({ id, size, ...AS, part: { name: '2', read } })).toBeNull();
        expect(await store.link({ ...nothing, size })).toBeNull();
      }
      expect(read).not.toHaveBeenCalled();
    });
  });
};

/** Of a store that hands them out. */
export const linkContract = (name: string, open: () => BlobStore): void => {
  describe(`link contract: ${name}`, () => {
    it('hands out no link to what is small, and to what there is not', async () => {
      const store = open();
      const { id, size } = await store.put(randomBytes(1_000));
      for (const download of [
        { id, size, ...AS },
        { ...nothing, size: LARGE },
      ]) {
        expect(await store.link(download)).toBeNull();
        expect(await store.link(download)).toBeNull();
      }
    });

    it.each(['random', 'repetitive'])('links to large bytes (%s), which come as they were given and as it is told', async (kind) => {
      const store = open();
      const bytes = kind === 'random' ? randomBytes(LARGE) : Buffer.alloc(LARGE, `${randomBytes(8).toString('hex')} Dear Sir,\r\n`);
      const { id, size } = await store.put(bytes);
      const link = await linkTo(store, { id, size, ...AS });
      const whole = await fetch(link);
      expect([whole.status, whole.headers.get('content-type'), whole.headers.get('content-disposition')]).toEqual([
        200,
        AS.type,
        AS.disposition,
      ]);
      expect(Buffer.from(await whole.arrayBuffer()).equals(bytes)).toBe(true);
      const range = await fetch(link, { headers: { range: 'bytes=1000000-1000099' } });
      expect([range.status, range.headers.get('content-range')]).toEqual([206, `bytes 1000000-1000099/${LARGE}`]);
      expect(Buffer.from(await range.arrayBuffer())).toEqual(bytes.subarray(1_000_000, 1_000_100));
      // The same bytes under another name.
      const other = await fetch(await linkTo(store, { id, size, type: 'text/plain; charset=utf-8', disposition: 'attachment' }));
      expect([other.headers.get('content-type'), other.headers.get('content-disposition')]).toEqual([
        'text/plain; charset=utf-8',
        'attachment',
      ]);
      await other.body?.cancel();
    });

    it('links to a part that is cut out, which is read once', async () => {
      const store = open();
      const [bytes, cut] = [randomBytes(2 * LARGE), randomBytes(LARGE)];
      const { id, size } = await store.put(bytes);
      const read = vi.fn<() => Promise<Uint8Array>>(async () => cut);
      const part = { id, size: cut.byteLength, ...AS, part: { name: '1.2', read } };
      const answers = await Promise.all([linkTo(store, part), linkTo(store, part), linkTo(store, { id, size, ...AS })]);
      const [one, again, all] = await Promise.all(answers.map(async (link) => Buffer.from(await (await fetch(link)).arrayBuffer())));
      expect([one?.equals(cut), again?.equals(cut), all?.equals(bytes)]).toEqual([true, true, true]);
      expect(read).toHaveBeenCalledTimes(1);
    });

    it('takes back what it linked to when the blob goes', async () => {
      const store = open();
      const { id, size } = await store.put(randomBytes(LARGE));
      const part = { name: '1', read: async () => randomBytes(LARGE) };
      const links = [await linkTo(store, { id, size, ...AS }), await linkTo(store, { id, size, ...AS, part })];
      expect(await store.removeUnused([id], async () => new Set([id]))).toEqual([]);
      for (const link of links) expect((await fetch(link, { headers: { range: 'bytes=0-0' } })).status).toBe(206);
      expect(await store.removeUnused([id], async () => new Set())).toEqual([id]);
      for (const link of links) expect((await fetch(link)).status).toBe(404);
      expect(await store.link({ id, size, ...AS })).toBeNull();
      await expect(store.read(id)).rejects.toBeInstanceOf(BlobNotFound);
    });
  });
};
