/** A way to a Postgres on which connections can be stranded: from then on nothing comes through and nobody says so, as when its machine dies. */
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

export interface StrandableWay {
  /** To the same database, by this way. */
  readonly url: string;
  /** Those that there are now; new ones come through. @returns how many */
  readonly strand: () => number;
  readonly close: () => Promise<void>;
}

export const strandableWayTo = async (url: string): Promise<StrandableWay> => {
  const target = new URL(url);
  const folder = target.searchParams.get('host');
  const port = Number(target.port === '' ? 5432 : target.port);
  const reach = (): Socket => (folder === null ? connect(port, target.hostname) : connect(`${folder}/.s.PGSQL.${port}`));
  const ways = new Map<Socket, Socket>();
  const stranded = new Set<Socket>();

  const server = createServer((client) => {
    const backend = reach();
    ways.set(client, backend);
    client.pipe(backend).pipe(client);
    const end = (): void => {
      ways.delete(client);
      client.destroy();
      backend.destroy();
    };
    for (const socket of [client, backend]) socket.on('error', () => undefined);
    client.on('close', end);
    backend.on('close', () => {
      if (!stranded.has(client)) end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));

  const through = new URL(url);
  through.searchParams.delete('host');
  through.hostname = '127.0.0.1';
  through.port = String((server.address() as AddressInfo).port); // a TCP server has one
  return {
    url: through.href,
    strand: () => {
      const now = [...ways];
      for (const [client, backend] of now) {
        stranded.add(client);
        client.unpipe(backend);
        client.resume(); // what comes is swallowed
        backend.destroy();
      }
      return now.length;
    },
    close: async () => {
      for (const [client, backend] of ways) {
        client.destroy();
        backend.destroy();
      }
      await new Promise((resolve) => server.close(resolve));
    },
  };
};
