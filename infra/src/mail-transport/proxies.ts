/** Connections that go out through SOCKS5 proxies (RFC 1928), one by lot for each: the address that other servers see is the proxy's. */
import type { Socket } from 'node:net';
import { SocksClient } from 'socks';
import type { Proxy } from './proxy.ts';
import { NoSession, type Target } from './smtp-session.ts';

export interface Proxies {
  /** `name` is what to say in EHLO: it must fit the address that is seen. @throws NoSession */
  connect(target: Target, ms: number): Promise<{ readonly socket: Socket; readonly name: string }>;
}

/** Null without any. */
export const proxiesOf = (proxies: readonly Proxy[], random: () => number = Math.random): Proxies | null =>
  proxies.length === 0
    ? null
    : {
        connect: async (target, ms) => {
          const proxy = proxies[Math.floor(random() * proxies.length)];
          if (proxy === undefined) throw new NoSession('There is no proxy.', false);
          const { host, port, credentials } = proxy;
          try {
            const { socket } = await SocksClient.createConnection({
              proxy: { host, port, type: 5, ...(credentials === null ? {} : { userId: credentials.user, password: credentials.pass }) },
              command: 'connect',
              destination: { host: target.address, port: target.port },
              timeout: ms,
            });
            return { socket, name: host };
          } catch (error) {
            throw new NoSession(
              `The proxy ${host} does not connect: ${error instanceof Error ? error.message : String(error)}`,
              false,
              error,
            );
          }
        },
      };
