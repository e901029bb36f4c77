/** A back end of somebody else's on a real socket: what it was sent, and what it answers. */
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Received {
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  readonly at: number;
}

export type Answer = number | Readonly<Record<string, unknown>> | null;

export interface Receiver {
  readonly url: (path: string) => string;
  readonly received: readonly Received[];
  /** Of one path, oldest first. */
  readonly at: (path: string) => readonly Received[];
  /** Resolves when `condition` holds; looked at whenever something arrives. @throws when that takes too long */
  readonly until: (condition: () => boolean, withinMs?: number) => Promise<void>;
  /** How a path answers from now on: a status, an object as JSON, or null for not at all. Everything answers 204 at first. */
  readonly answer: (path: string, answer: Answer | ((received: Received) => Answer)) => void;
  readonly close: () => Promise<void>;
}

export const startReceiver = async (): Promise<Receiver> => {
  const received: Received[] = [];
  const answers = new Map<string, Answer | ((received: Received) => Answer)>();
  let changed: () => void = () => undefined;
  const reply = (response: ServerResponse, one: Received): void => {
    const answer = answers.get(one.path);
    const given = typeof answer === 'function' ? answer(one) : answer === undefined ? 204 : answer;
    if (typeof given === 'number') response.writeHead(given).end();
    else if (given !== null) response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(given));
  };
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const one = { path: request.url ?? '', headers: request.headers, body: Buffer.concat(chunks), at: Date.now() };
      received.push(one);
      reply(response, one);
      changed();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: (path) => `http://127.0.0.1:${port}${path}`,
    received,
    at: (path) => received.filter((one) => one.path === path),
    until: async (condition, withinMs = 15_000) => {
      const deadline = Date.now() + withinMs;
      while (!condition()) {
        const left = deadline - Date.now();
        if (left <= 0)
          throw new Error(
            `waited in vain; received ${received.map(({ path, body }) => `${path} ${body.toString('utf8', 0, 120)}`).join('\n')}`,
          );
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, left);
          changed = () => {
            clearTimeout(timer);
            resolve();
          };
        });
      }
    },
    answer: (path, status) => void answers.set(path, status),
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections();
        server.close(() => resolve());
      }),
  };
};
