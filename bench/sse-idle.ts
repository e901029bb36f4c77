/**
 * Idle SSE connections: what 10,000 open streams cost the process that holds them. Baseline: a bare `node:http` server that holds as many and does
 * nothing else. Memory is resident set of the serving process tree, before and after, per connection; the kernel's socket buffers are not in it.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { randomUUID } from 'node:crypto';
import { startIssuer } from '../tests/kit/issuer.ts';
import { startProgram } from '../tests/kit/program.ts';
import type { Bench } from './harness.ts';

const CONNECTIONS = 10_000;

export const sseIdleBench: Bench = {
  name: 'sse-idle',
  run: async (say) => {
    const tidings = await measureTidings();
    say(`Tidings: ${tidings.open} open, ${tidings.kilobytes.toFixed(1)} kB each`);
    const bare = await measureBare();
    say(`bare node:http: ${bare.open} open, ${bare.kilobytes.toFixed(1)} kB each`);
    return [
      {
        what: 'idle SSE connections, 10,000 open: memory each',
        unit: 'kB',
        value: tidings.open === CONNECTIONS ? tidings.kilobytes : Number.POSITIVE_INFINITY,
        must: { atMost: 30 },
        baseline: { what: 'bare node:http, kB', value: bare.kilobytes },
        note: `${tidings.open} open`,
      },
    ];
  },
};

interface Held {
  readonly open: number;
  readonly kilobytes: number;
}

const measureTidings = async (): Promise<Held> => {
  const issuer = await startIssuer();
  const program = await startProgram({ env: { OIDC_ISSUER: issuer.url, RATE_LIMITS: 'off' } });
  try {
    const sub = randomUUID();
    const token = await issuer.token({ sub, name: 'Idle' });
    const pid = await listenerOf(Number(new URL(program.httpUrl).port));
    return await hold(pid, `${program.httpUrl}/api/sse`, token);
  } finally {
    await program.stop();
    await issuer.close();
  }
};

const measureBare = async (): Promise<Held> => {
  const server = fork(new URL('./sse-bare-server.ts', import.meta.url));
  const [port] = (await once(server, 'message')) as [number];
  try {
    return await hold(server.pid ?? 0, `http://127.0.0.1:${port}/`, 'none');
  } finally {
    server.kill();
  }
};

const hold = async (pid: number, url: string, token: string): Promise<Held> => {
  const warm = await openAll(url, token, 200);
  const before = await residentKilobytes(pid);
  const clients = await openAll(url, token, CONNECTIONS);
  const after = await residentKilobytes(pid);
  clients.stop();
  warm.stop();
  return { open: clients.open, kilobytes: (after - before) / CONNECTIONS };
};

/** The clients live in a process of their own. */
const openAll = async (url: string, token: string, connections: number): Promise<{ readonly open: number; stop(): void }> => {
  const child = fork(new URL('./sse-clients.ts', import.meta.url));
  child.send({ url, token, connections });
  const [open] = (await once(child, 'message')) as [number];
  return { open, stop: () => child.kill() };
};

const residentKilobytes = async (pid: number): Promise<number> =>
  Number(/VmRSS:\s+(\d+) kB/.exec(await readFile(`/proc/${pid}/status`, 'utf8'))?.[1]);

/** The process that listens on a TCP port, found as `ss` does: by the socket's inode. */
const listenerOf = async (port: number): Promise<number> => {
  const { execFile } = await import('node:child_process');
  const { promisify } = await import('node:util');
  const { stdout } = await promisify(execFile)('ss', ['-ltnpH', `sport = :${port}`]);
  return Number(/pid=(\d+)/.exec(stdout)?.[1]);
};
