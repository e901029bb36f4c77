/** From nothing to a running program and back: what a newcomer does in the first minute, and what a power cut does after it. */
import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeJwt } from 'jose';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type Program, type ProgramOptions, startProgram } from '../kit/program.ts';

/** One life of a data folder: each test goes on where the one before it left the program. */
let dataDir: string;
/** The one that was started last. */
let program: Program;
const start = (options: ProgramOptions = {}): Promise<Program> => startProgram({ dataDir, fresh: true, ...options });

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'tidings-start-'));
});
afterAll(async () => {
  await program.stop();
  await rm(dataDir, { recursive: true, force: true });
});

/** Every process whose command line or environment names the data folder: supervisor, children, Postgres and its guardian. */
const processesOn = (folder: string): readonly string[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap((pid) => {
      try {
        const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
        const environment = readFileSync(`/proc/${pid}/environ`, 'utf8');
        return command.includes(folder) || environment.split('\0').includes(`DATA_DIR=${folder}`)
          ? [`${pid} ${command.replaceAll('\0', ' ')}`]
          : [];
      } catch {
        return []; // it ended while we looked, or it is not ours to read
      }
    });

const get = async (path: string, token?: string): Promise<{ status: number; body: string }> => {
  const response = await fetch(
    new URL(path, program.httpUrl),
    token === undefined ? {} : { headers: { authorization: `Bearer ${token}` } },
  );
  return { status: response.status, body: await response.text() };
};

/** Runs lines of the panel as a person would: pasted into a shell. */
const paste = (containing: string): string => {
  const lines = program
    .output()
    .split('\n')
    .map((line) => line.trim());
  const token = lines.find((line) => line.startsWith('TOKEN=')) ?? '';
  const line = lines.find((candidate) => candidate.includes(containing) && !candidate.startsWith('TOKEN=')) ?? '';
  return execFileSync('bash', ['-c', `${token}\n${line}`], { encoding: 'utf8', timeout: 20_000 });
};

describe('tidings serve', () => {
  it('starts from nothing, shows where everything is, and the lines it shows work', async () => {
    program = await start();
    expect(program.output()).toContain('Tidings is up after');
    expect(await get('/health')).toEqual({ status: 200, body: 'Healthy' });
    expect((await get('/')).status).toBe(200);
    expect((await get('/docs')).status).toBe(200);
    await vi.waitFor(async () => expect(await get('/ready')).toMatchObject({ status: 200 }), { timeout: 15_000, interval: 100 });
    const ready = JSON.parse((await get('/ready')).body) as {
      services: { name: string }[];
      projections: { name: string; lag: number }[];
    };
    expect(ready.services.map(({ name }) => name).sort()).toEqual([
      'caretaker',
      'command-api',
      'filing',
      'gateway',
      'importer',
      'notifier',
      'outbox',
      'projector',
      'query-api',
      'relay',
      'smtp-egress',
      'smtp-ingress',
      'sse',
    ]);
    expect(ready.projections.length).toBeGreaterThan(0);
    const metrics = (await get('/metrics')).body;
    for (const process of ['api', 'projector', 'filing', 'smtp', 'egress'])
      expect(metrics).toMatch(new RegExp(`process_cpu_seconds_total\\{[^}]*process="${process}"`));

    expect(paste('/api/me')).toContain('alice@tidings.test');
    paste('smtp://');
    const alice = await program.token('alice');
    const me = JSON.parse((await get('/api/me', alice)).body) as { mailboxes: { id: string; address: string }[] };
    expect(me.mailboxes.map(({ address }) => address)).toEqual(expect.arrayContaining(['alice@tidings.test', 'contact@tidings.test']));
    const own = me.mailboxes.find(({ address }) => address === 'alice@tidings.test');
    await vi.waitFor(async () => expect((await get(`/api/mailboxes/${own?.id}/threads?view=inbox`, alice)).body).toContain('"Hello"'), {
      timeout: 15_000,
      interval: 50,
    });
  });

  it('stops on Ctrl-C: exit code 0, no process left', async () => {
    expect(await program.interrupt()).toBe(0);
    await vi.waitFor(() => expect(processesOn(dataDir)).toEqual([]), { timeout: 10_000 });
    await expect(fetch(program.httpUrl)).rejects.toThrow('fetch failed');
  });

  it('starts again within 5 seconds, with what was there', async () => {
    const began = performance.now();
    program = await start();
    expect(performance.now() - began).toBeLessThan(5_000);
    const alice = await program.token('alice');
    const me = JSON.parse((await get('/api/me', alice)).body) as { mailboxes: { id: string }[] };
    expect(me.mailboxes).toHaveLength(2);
  });

  it('is killed with everything it started, and the next start loses nothing', async () => {
    const alice = await program.token('alice');
    const members = [decodeJwt(alice).sub, decodeJwt(await program.token('bob')).sub];
    const created = await fetch(new URL('/api/rooms/create-room', program.httpUrl), {
      method: 'POST',
      headers: { authorization: `Bearer ${alice}`, 'content-type': 'application/json' },
      body: JSON.stringify({ roomType: 'Group', roomName: 'Kept', invitedUsers: members }),
    });
    const before = await created.text();
    expect(created.status, before).toBeLessThan(300);
    await program.kill9();
    program = await start(); // at once: the old Postgres is still going down
    await vi.waitFor(async () => expect((await get('/api/rooms', await program.token('alice'))).body).toContain('Kept'), {
      timeout: 15_000,
    });
    // A connection that is being made has the server's own name for a moment.
    await expect.poll(() => processesOn(dataDir).filter((line) => /^\d+ \S*postgres -D/.test(line)), { timeout: 10_000 }).toHaveLength(1);
  });

  it('starts a process again when it dies, on the port it had', async () => {
    const smtp = processesOn(dataDir).find((line) => line.includes('child.ts smtp')) ?? '';
    process.kill(Number.parseInt(smtp, 10), 'SIGKILL');
    await vi.waitFor(async () => expect(await banner(program.smtpPort)).toMatch(/^220 /), { timeout: 10_000, interval: 50 });
    expect(program.output()).toContain('a process ended unasked');
  });
});

describe('tidings, when something is wrong', () => {
  it('names every fault of the environment and starts nothing', async () => {
    const failed = start({ env: { HTTP_PORT: 'eighty', LOG_LEVEL: 'loud' } });
    await expect(failed).rejects.toThrow(/HTTP_PORT must be a whole number[\s\S]*LOG_LEVEL must be one of/);
  });

  it('refuses production without an issuer', async () => {
    await expect(start({ env: { TIDINGS_ENV: 'production' } })).rejects.toThrow('OIDC_ISSUER must be set');
  });

  it.each([{}, { PROCESSES: 'one' }])('says which port is taken, and leaves nothing running: %o', async (env) => {
    const other = await mkdtemp(join(tmpdir(), 'tidings-start-'));
    const failed = startProgram({ dataDir: other, env: { ...env, HTTP_PORT: new URL(program.httpUrl).port } });
    const said = await failed.then(() => 'it runs', String);
    expect(said).toContain('is in use by another program; stop it');
    expect(said).not.toMatch(/\n\s+at |"level":"(warn|error|fatal)"/); // what runs already stops before its database does
    await vi.waitFor(() => expect(processesOn(other)).toEqual([]), { timeout: 10_000 });
    await rm(other, { recursive: true });
  });

  it('does not share a data folder', async () => {
    await expect(start()).rejects.toThrow(`another Tidings (process ${program.pid}) is using this data folder`);
  });
});

describe('the other commands', () => {
  const tidings = (...args: readonly string[]): string =>
    execFileSync(process.execPath, ['services/cli/bin/tidings.mjs', ...args], {
      encoding: 'utf8',
      env: { PATH: process.env['PATH'], DATA_DIR: dataDir, LOG_LEVEL: 'warn' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });

  it('work beside a running program', async () => {
    const token = tidings('token', 'bob').trim();
    expect(decodeJwt(token)['preferred_username']).toBe('bob');
    expect(tidings('projections', 'status')).toMatch(/timeline .*live/);
    expect((await get('/health')).status).toBe(200);
  });

  it('work without one, on the data it left', async () => {
    await program.interrupt();
    expect(tidings('migrate')).toContain('up to date');
    expect(tidings('projections', 'status')).toMatch(/timeline .*live/);
    expect(() => tidings('token', 'bob')).toThrow('nothing runs on this DATA_DIR');
    expect(processesOn(dataDir)).toEqual([]);
  });
});

/** The first line of an SMTP server, or the reason there is none. */
const banner = (port: number): Promise<string> =>
  new Promise((resolve) => {
    const socket = createConnection(port, '127.0.0.1');
    socket.once('data', (chunk: Buffer) => {
      socket.destroy();
      resolve(chunk.toString());
    });
    socket.once('error', (error) => resolve(error.message));
  });
