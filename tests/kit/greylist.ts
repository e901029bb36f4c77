/** A policy service as Postfix asks them (SMTPD_POLICY_README): says "later" to some recipients until it is told that it knows who sends. */
import { createServer, type AddressInfo } from 'node:net';

export interface Greylist {
  /** `inet:host:port`, for `check_policy_service`. */
  readonly service: string;
  readonly know: () => void;
  readonly close: () => Promise<void>;
}

export const startGreylist = async (recipient: string): Promise<Greylist> => {
  let known = false;
  const server = createServer((client) => {
    let asked = '';
    client.on('error', () => undefined);
    client.on('data', (chunk: Buffer) => {
      asked += chunk.toString();
      if (!asked.endsWith('\n\n')) return;
      const action = !known && asked.includes(`recipient=${recipient}\n`) ? 'defer 4.7.1 Greylisted, come again' : 'dunno';
      asked = '';
      client.write(`action=${action}\n\n`);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo; // a TCP server has one
  return {
    service: `inet:127.0.0.1:${port}`,
    know: () => (known = true),
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
};
