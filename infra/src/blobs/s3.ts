/**
 * Blobs in an S3 bucket: `blobs/<sha256>`, and `aside/<sha256>` while they are being removed. A small value is written by one conditional request; a
 * large one goes in parts to `incoming/`, since its name is known at its end alone, and is copied to its place within the service. That a value
 * was put again is told by `touched/<sha256>`: an object's own time changes with its bytes only (docs/decisions/050).
 */
import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import type { BlobId } from '@tidings/contracts/ids';
import { BlobDamaged, type BlobStore, BlobStoreUnavailable, type StoredBlob, TOUCHED_WITHIN_MS } from '@tidings/contracts/ports/blob-store';
import { type BlobFormat, DEFAULT_FORMAT, NO_KEY } from './format.ts';
import { CHUNK_BYTES, cut, takeIn, type Intake } from './intake.ts';
import type { KeyProofs } from './keys.ts';
import { type Aside, removalBy } from './removal.ts';
import type { S3Bucket } from './s3-bucket.ts';
import { abandonCopies, removeCopies } from './s3-copies.ts';
import { linksTo, type LinksOptions } from './s3-links.ts';
import { ASIDE, BLOBS, eachOf, idOf, listed, TOUCHED } from './s3-listing.ts';
import { packObject } from './s3-object.ts';
import { contentOf, type OpenObject, openObject } from './s3-reader.ts';

const INCOMING = 'incoming/';
const KEYS = 'keys/';
/** A value packed into so many bytes is gathered and written by one request, instead of in parts. */
const AT_ONCE_BYTES = 2 * 1024 * 1024;
/** Longer under way than any message may take. */
const ABANDONED_MS = 86_400_000;
/** A put meets a removal, or another put, at most a few times. */
const TRIES = 5;

export interface S3BlobsOptions {
  readonly format?: BlobFormat;
  /** How long `removeUnused` waits; default `SETTLED_MS`. */
  readonly settledMs?: number;
  /** Without it no links are handed out. */
  readonly links?: LinksOptions;
}

/** The bucket must exist (`S3Bucket.ready`), and keep no versions: what is removed would stay. */
export const openS3Blobs = (bucket: S3Bucket, { settledMs, links, format = DEFAULT_FORMAT }: S3BlobsOptions = {}): BlobStore => {
  const open = (id: BlobId): Promise<OpenObject> =>
    // It may go aside, or come back, as we look.
    openObject(bucket, id, [BLOBS + id, ASIDE + id, BLOBS + id], format.keys);

  const get = async (id: BlobId, range?: { readonly start: number; readonly end: number }): Promise<Readable> => {
    const opened = await open(id);
    const content = contentOf(bucket, opened, () => open(id), range?.start, range?.end);
    if (range === undefined) return Readable.from(content, { objectMode: false });
    const first = Math.floor(range.start / CHUNK_BYTES) * CHUNK_BYTES;
    return Readable.from(cut(content, range, first), { objectMode: false });
  };

  const read = async (id: BlobId): Promise<Buffer> => {
    const opened = await open(id);
    const pieces: Buffer[] = [];
    for await (const piece of contentOf(bucket, opened, () => open(id))) pieces.push(piece);
    return Buffer.concat(pieces);
  };

  /** Renews the time of what is there. @returns false when there is nothing, or it went aside as we looked */
  const touch = async (id: BlobId): Promise<boolean> => {
    const found = await bucket.head(BLOBS + id);
    if (found === null || found.modifiedAt >= Date.now() - TOUCHED_WITHIN_MS) return found !== null;
    await bucket.write(TOUCHED + id, new Uint8Array(0));
    // A removal looks for that once the blob is aside: either it sees it, or we see that the blob is gone.
    return (await bucket.head(BLOBS + id)) !== null;
  };

  const place = async (id: BlobId, write: () => Promise<boolean>): Promise<void> => {
    for (let tries = 0; tries < TRIES; tries += 1) if ((await write()) || (await touch(id))) return;
    throw new BlobStoreUnavailable(`blob ${id} comes and goes`);
  };

  /** @param replace put it in place of what is there */
  const store = async (intake: Intake, replace: BlobId | null): Promise<StoredBlob> => {
    const { pieces, stored } = packObject(intake, format);
    const { gathered, rest } = await gather(pieces);
    const checked = (): BlobId => {
      const { id } = stored();
      if (replace !== null && id !== replace) throw new BlobDamaged(`blob ${replace} holds other bytes than its name says`);
      return id;
    };
    if (rest === null) {
      const id = checked();
      if (replace === null) await place(id, () => bucket.create(BLOBS + id, gathered));
      else await bucket.write(BLOBS + id, gathered);
      return stored();
    }
    await swept();
    const incoming = INCOMING + randomUUID();
    try {
      await bucket.stream(incoming, rest);
      const id = checked();
      const copy = (): Promise<boolean> => bucket.copy(incoming, BLOBS + id);
      if (replace !== null) await copy();
      else if (!(await touch(id))) await place(id, copy);
    } finally {
      await bucket.remove(incoming).catch(() => undefined); // else it is swept at a later start
    }
    return stored();
  };

  let sweeping: Promise<void> | null = null;
  /** Before the first large value. What an earlier process left half-written was never acknowledged; what another writes now is younger. */
  const swept = (): Promise<void> =>
    (sweeping ??= sweep(bucket).catch((error: unknown) => {
      sweeping = null; // the next one tries again
      throw error;
    }));

  return {
    put: async (source, options) => store(await takeIn(source, options?.maxBytes), null),
    get,
    read,
    // A plain copy is what sealing is against.
    link: links === undefined || format.keys.active !== NO_KEY ? async () => null : linksTo(bucket, links, get),
    has: async (id) => (await bucket.head(BLOBS + id)) !== null,
    list: (stored = {}) => listed(bucket, stored, format),
    leftAside: async (forMs) => {
      const left: BlobId[] = [];
      for await (const page of bucket.list(ASIDE))
        left.push(...page.filter(({ modifiedAt }) => modifiedAt <= Date.now() - forMs).map(idOf));
      return left;
    },
    storeAnew: async (id) => {
      await store(await takeIn(await get(id)), id);
    },
    removeUnused: removalBy(asideIn(bucket), settledMs),
  };
};

/** @returns all of it, or what goes on with what was gathered where it is too much for one request */
const gather = async (
  pieces: AsyncGenerator<Buffer>,
): Promise<{ readonly gathered: Buffer; readonly rest: AsyncIterable<Uint8Array> | null }> => {
  const held: Buffer[] = [];
  let bytes = 0;
  while (bytes <= AT_ONCE_BYTES) {
    const step = await pieces.next();
    if (step.done === true) return { gathered: Buffer.concat(held), rest: null };
    held.push(step.value);
    bytes += step.value.byteLength;
  }
  async function* rest(): AsyncGenerator<Uint8Array> {
    for (let first = held.shift(); first !== undefined; first = held.shift()) yield first;
    yield* pieces;
  }
  return { gathered: Buffer.alloc(0), rest: rest() };
};

const sweep = async (bucket: S3Bucket): Promise<void> => {
  const before = Date.now() - ABANDONED_MS;
  for await (const page of bucket.list(INCOMING)) {
    await eachOf(page, async ({ key, modifiedAt }) => (modifiedAt < before ? bucket.remove(key) : undefined));
  }
  await bucket.abandonUploads(INCOMING, before);
  await abandonCopies(bucket, before);
};

const asideIn = (bucket: S3Bucket): Aside => {
  const restore = async (id: BlobId): Promise<void> => {
    if ((await bucket.head(BLOBS + id)) === null && !(await bucket.copy(ASIDE + id, BLOBS + id))) return;
    await bucket.remove(ASIDE + id);
  };
  return {
    setAside: async (ids, putBefore) => {
      await eachOf(ids, async (id) => {
        const found = await bucket.head(BLOBS + id);
        if (found === null || found.modifiedAt >= putBefore || !(await bucket.copy(BLOBS + id, ASIDE + id))) return;
        await bucket.remove(BLOBS + id);
        const touched = await bucket.head(TOUCHED + id);
        if (touched !== null && touched.modifiedAt >= putBefore) await restore(id);
      });
    },
    restore: async (ids) => void (await eachOf(ids, restore)),
    drop: async (ids) => {
      const gone = await eachOf(ids, async (id) => {
        if ((await bucket.head(ASIDE + id)) === null) return [];
        await removeCopies(bucket, id); // first, so that a removal which is cut short is taken up again with them
        await bucket.remove(ASIDE + id);
        if ((await bucket.head(BLOBS + id)) === null) await bucket.remove(TOUCHED + id);
        return [id];
      });
      return gone.flat();
    },
  };
};

/** Proofs of keys as objects `keys/<id>`. */
export const s3KeyProofs = (bucket: S3Bucket): KeyProofs => ({
  all: async () => {
    const proofs = new Map<number, Buffer>();
    for await (const page of bucket.list(KEYS)) {
      for (const { key } of page) {
        const found = await bucket.tail(key, 1_024);
        if (found !== null) proofs.set(Number(key.slice(KEYS.length)), found.bytes);
      }
    }
    return proofs;
  },
  add: async (keyId, proof) => void (await bucket.create(`${KEYS}${keyId}`, proof)),
  remove: (keyId) => bucket.remove(`${KEYS}${keyId}`),
});
