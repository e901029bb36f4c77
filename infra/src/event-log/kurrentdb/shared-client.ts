/**
 * One client for each KurrentDB in this process. Its library keeps the appends of all clients in one place and empties that when the stream of any of
 * them breaks: the answers of the others would then find nobody, and end the process.
 */
import { EventStoreDBClient } from '@eventstore/db-client';

export interface SharedClient {
  readonly client: EventStoreDBClient;
  /** Once; the last one ends the connection. */
  readonly release: () => Promise<void>;
}

const clients = new Map<string, { readonly client: EventStoreDBClient; users: number }>();

/** @param url `esdb://…` or `kurrentdb://…`, with `+discover` for a cluster */
export const sharedClient = (url: string): SharedClient => {
  const known = clients.get(url) ?? { client: EventStoreDBClient.connectionString(url.replace(/^kurrentdb/, 'esdb')), users: 0 };
  clients.set(url, known);
  known.users += 1;
  return {
    client: known.client,
    release: async () => {
      known.users -= 1;
      if (known.users > 0) return;
      clients.delete(url);
      await known.client.dispose();
    },
  };
};
