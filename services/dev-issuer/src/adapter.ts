/** Where the provider keeps logins under way, in memory and bounded: a restart asks people to log in again, tokens stay valid. */
import { atMost } from '@tidings/infra/cache/at-most';
import { LRUCache } from 'lru-cache';
import type { Adapter, AdapterFactory, AdapterPayload } from 'oidc-provider';

const MAX_ENTRIES = 10_000;

export const memoryAdapter = (): AdapterFactory => {
  const entries = new LRUCache<string, AdapterPayload>(atMost(MAX_ENTRIES));
  const findBy = (model: string, has: (payload: AdapterPayload) => boolean): AdapterPayload | undefined =>
    [...entries.entries()].find(([key, payload]) => key.startsWith(`${model}:`) && has(payload))?.[1];

  return (model): Adapter => ({
    upsert: async (id, payload, expiresIn = 0) =>
      void entries.set(`${model}:${id}`, payload, expiresIn > 0 ? { ttl: expiresIn * 1000 } : {}),
    find: async (id) => entries.get(`${model}:${id}`),
    findByUid: async (uid) => findBy(model, (payload) => payload.uid === uid),
    findByUserCode: async (userCode) => findBy(model, (payload) => payload.userCode === userCode),
    consume: async (id) => {
      const payload = entries.get(`${model}:${id}`);
      if (payload !== undefined) payload.consumed = Math.floor(Date.now() / 1000);
    },
    destroy: async (id) => void entries.delete(`${model}:${id}`),
    revokeByGrantId: async (grantId) => {
      for (const [key, payload] of entries.entries()) if (payload.grantId === grantId) entries.delete(key);
    },
  });
};
