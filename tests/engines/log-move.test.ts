/**
 * The log moves from Postgres to KurrentDB and back while people chat and mail comes in: the mover is killed amid it, nodes are started again with the new
 * place, live streams resume with the ids that they have. Without a real KurrentDB on a server that speaks its wire protocol, and says so.
 */
import { spawn } from 'node:child_process';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { START } from '@tidings/contracts/ports/event-log';
import { openKurrentLog } from '@tidings/infra/event-log/kurrentdb/kurrentdb-log';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { Load } from '../acceptance/load.ts';
import { foundTown, type Town } from '../acceptance/town.ts';
import { KurrentProtocolServer } from '../kit/kurrentdb-protocol.ts';
import { kurrentLacks, startKurrent } from '../kit/kurrentdb.ts';
import { type Program, startProgram } from '../kit/program.ts';

const TIDINGS = fileURLToPath(new URL('../../services/cli/bin/tidings.mjs', import.meta.url));

let dataDir: string;
let town: Town;
let program: Program;
let load: Load;
/** `records`: how many it holds, where that can be asked. */
let server: { readonly url: string; readonly name: string; readonly records: (() => number) | null; readonly stop: () => Promise<void> };

const env = (log: string): Readonly<Record<string, string>> => ({
  OIDC_ISSUER: town.issuer.url,
  LOG_LEVEL: 'fatal',
  EVENT_LOG: log,
  KURRENTDB_URL: server.url,
});
const start = async (log: string): Promise<void> => {
  program = await startProgram({ dataDir, env: env(log) });
};

/** One that is there for others, and holds what they wrote, is none to move into. */
const emptyKurrent = async (): Promise<typeof server | null> => {
  if ((await kurrentLacks()) !== null) return null;
  const real = await startKurrent();
  const log = await openKurrentLog({ url: real.url });
  const isEmpty = (await log.head(0)) === START;
  await log.close();
  if (isEmpty) return { ...real, records: null };
  await real.stop();
  return null;
};

const protocolServer = async (): Promise<typeof server> => {
  const protocol = new KurrentProtocolServer();
  await protocol.listen();
  const name = 'the wire protocol of KurrentDB, not the server: there is no Docker, and no empty one at KURRENTDB_URL';
  return { url: protocol.url, name, records: () => protocol.records.all.length, stop: () => Promise.resolve(protocol.stop()) };
};

beforeAll(async () => {
  server = (await emptyKurrent()) ?? (await protocolServer());
  dataDir = await mkdtemp(join(tmpdir(), 'tidings-move-'));
  await chmod(dataDir, 0o711);
  town = await foundTown('Mover', 4);
  await start('postgres');
  load = await Load.begin(() => program, town);
}, 240_000);
afterAll(async () => {
  await load.abandon();
  await program.stop();
  await Promise.all([town.issuer.close(), server.stop()]);
  await rm(dataDir, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
});

/** The command, as somebody at a terminal beside the program gives it. */
const migrate = (from: string, to: string) => {
  const child = spawn(process.execPath, [TIDINGS, 'migrate', '--from', from, '--to', to], {
    env: { PATH: process.env['PATH'], HOME: process.env['HOME'], DATA_DIR: dataDir, ...env(from) },
  });
  let said = '';
  child.stdout.on('data', (chunk: Buffer) => void (said += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => void (said += chunk.toString()));
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  return { ended, kill: () => child.kill('SIGKILL'), said: () => said };
};

it.for([
  ['postgres', 'kurrentdb'],
  ['kurrentdb', 'postgres'],
] as const)('moves from %s to %s under load, although it was killed amid it', async ([from, to], { annotate }) => {
  await load.more(20);
  const { records } = server;
  const before = records?.() ?? 0;
  const killed = migrate(from, to);
  // To KurrentDB it writes one by one: then it is amid a page. A real one is not asked; there it was begun, at least.
  const isAmid = (): boolean => (records === null ? killed.said() !== '' : records() > before + (to === 'kurrentdb' ? 30 : 1));
  await vi.waitFor(() => expect(isAmid()).toBe(true), { timeout: 60_000, interval: 5 });
  killed.kill();
  await killed.ended;
  await load.more(4);

  const moving = migrate(from, to);
  expect([await moving.ended, moving.said()]).toEqual([0, expect.stringContaining(`The log is in ${to} now.`)]);
  expect(moving.said()).toMatch(/[\d,]+ events of [\d,]+ streams, the checksum of every stream the same in both logs/);
  expect(moving.said()).toContain('appends are held');
  await annotate(moving.said().trim());
  await program.interrupt();
  await expect(start(from)).rejects.toThrow(`start with EVENT_LOG=${to}`);
  await start(to);
  await load.more(20);
});

it('has every message and mail once, told once, in one order', async ({ annotate }) => {
  await load.balance();
  expect(load.refusedPosts.filter(({ code }) => code !== null && code !== 503)).toEqual([]);
  // Those of a held log say when to come again; a server that is being stopped does not.
  expect(load.refusedPosts.some(({ code, retryAfter }) => code === 503 && retryAfter !== null)).toBe(true);
  expect(load.refusedMails.filter(({ code }) => code !== null && code !== 451 && code !== 421)).toEqual([]);
  await annotate(`engines: ${server.name}`);
  await annotate(`moved there and back: ${load.summary}`);
});
