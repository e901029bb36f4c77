/** Ports of this machine, for programs that tests start. */
import type { ChildProcess } from 'node:child_process';
import { connect, createServer, type AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';

/** One that nobody listens on now. */
export const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const server = createServer();
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo; // a TCP server has one
      server.close(() => resolve(port));
    });
  });

/** Resolves when the program takes connections. @throws when it ends before, or does not within so long */
export const listening = async (what: string, port: number, program: ChildProcess, withinMs: number): Promise<void> => {
  const deadline = Date.now() + withinMs;
  while (!(await accepts(port))) {
    if (program.exitCode !== null) throw new Error(`${what} ended with ${program.exitCode}`);
    if (Date.now() > deadline) throw new Error(`${what} does not come up`);
    await delay(100);
  }
};

const accepts = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    const answer = (yes: boolean) => () => {
      socket.destroy();
      resolve(yes);
    };
    socket.once('connect', answer(true)).once('error', answer(false));
  });
