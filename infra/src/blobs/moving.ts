/**
 * Blobs that lie in two places while they move: what is new goes to `to`, what is asked for is looked up there and then in `from`. So they can be
 * moved while mail arrives, and nobody who reads notices (docs/decisions/050).
 */
import { BlobNotFound, type BlobStore } from '@tidings/contracts/ports/blob-store';
import type { KeyProofs } from './keys.ts';

export interface Moving<A> {
  readonly to: A;
  readonly from: A;
}

export const movingBlobs = ({ to, from }: Moving<BlobStore>): BlobStore => {
  const inEither = async <A>(ask: (store: BlobStore) => Promise<A>): Promise<A> => {
    // It may move as we look.
    for (const store of [to, from]) {
      try {
        return await ask(store);
      } catch (error) {
        if (!(error instanceof BlobNotFound)) throw error;
      }
    }
    return ask(to);
  };
  return {
    put: (bytes, options) => to.put(bytes, options),
    get: (id, range) => inEither((store) => store.get(id, range)),
    read: (id) => inEither((store) => store.read(id)),
    link: async (download) => (await to.link(download)) ?? from.link(download),
    has: async (id) => (await to.has(id)) || (await from.has(id)) || to.has(id),
    list: async function* (stored) {
      yield* to.list(stored);
      yield* from.list(stored);
    },
    leftAside: async (forMs) => {
      const [there, here] = await Promise.all([to.leftAside(forMs), from.leftAside(forMs)]);
      return [...new Set([...there, ...here])];
    },
    storeAnew: async (id) => {
      let found = false;
      for (const store of [to, from]) {
        if (!(await store.has(id))) continue;
        await store.storeAnew(id);
        found = true;
      }
      if (!found) await to.storeAnew(id);
    },
    removeUnused: async (ids, inUse, putBefore) => {
      const asked = onceBoth(() => inUse(ids));
      const ends = await Promise.allSettled(
        [to, from].map((store) =>
          store.removeUnused(ids, asked.answer, putBefore).catch((error: unknown) => {
            asked.fail(error);
            throw error;
          }),
        ),
      );
      const gone = ends.map((end) => {
        if (end.status === 'rejected') throw end.reason;
        return end.value;
      });
      const either = [...new Set(gone.flat())];
      // What went from one place may have been put into the other.
      const stayed = await Promise.all(either.map(async (id) => (await to.has(id)) || from.has(id)));
      return either.filter((_, at) => stayed[at] === false);
    },
  };
};

/** A question that is asked once both have set aside what it is about; both are given its answer, or why there is none. */
const onceBoth = <A>(ask: () => Promise<A>): { readonly answer: () => Promise<A>; readonly fail: (error: unknown) => void } => {
  const answered = Promise.withResolvers<A>();
  answered.promise.catch(() => undefined); // whoever asked is told
  let waiting = 0;
  return {
    answer: () => {
      waiting += 1;
      if (waiting === 2) void ask().then(answered.resolve, answered.reject);
      return answered.promise;
    },
    fail: answered.reject,
  };
};

export const movingProofs = ({ to, from }: Moving<KeyProofs>): KeyProofs => ({
  all: async () => new Map([...(await from.all()), ...(await to.all())]),
  add: async (keyId, proof) => {
    await to.add(keyId, proof);
    await from.add(keyId, proof);
  },
  remove: async (keyId) => {
    await to.remove(keyId);
    await from.remove(keyId);
  },
});
