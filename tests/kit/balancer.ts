/** A plain round-robin TCP load balancer: it knows nothing of what it carries, and goes on to the next when one does not answer. */
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

export interface Balancer {
  readonly port: number;
  /** Ports that new connections go to, in turn; connections to others are broken. */
  readonly use: (ports: readonly number[]) => void;
  /** Connections so far to this port. */
  readonly carried: (port: number) => number;
  readonly close: () => Promise<void>;
}

export const startBalancer = async (first: readonly number[]): Promise<Balancer> => {
  let backends = first;
  let turn = 0;
  const carried = new Map<number, number>();
  const open = new Map<Socket, number>();

  const carry = (client: Socket, tries: number): void => {
    const port = backends[turn++ % backends.length];
    if (port === undefined || tries === 0) {
      client.destroy();
      return;
    }
    const backend = connect(port, '127.0.0.1');
    const refused = (): void => carry(client, tries - 1);
    backend.once('error', refused).once('connect', () => {
      backend.off('error', refused);
      carried.set(port, (carried.get(port) ?? 0) + 1);
      open.set(backend, port);
      backend
        .on('error', () => client.destroy())
        .on('close', () => {
          open.delete(backend);
          client.destroy();
        });
      client.on('close', () => backend.destroy());
      client.pipe(backend).pipe(client);
      if (client.destroyed) backend.destroy();
    });
  };

  const server = createServer({ allowHalfOpen: true }, (client) => {
    client.on('error', () => client.destroy());
    carry(client, backends.length);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port, // a TCP server has one
    use: (ports) => {
      backends = ports;
      for (const [backend, port] of open) if (!ports.includes(port)) backend.destroy();
    },
    carried: (port) => carried.get(port) ?? 0,
    close: async () => {
      for (const backend of open.keys()) backend.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
};
