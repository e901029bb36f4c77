import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createTestDatabase } from '../../../tests/kit/postgres.ts';
import { type EmbeddedPostgres, startEmbeddedPostgres } from './embedded.ts';
import { isAlive } from './postmaster.ts';

const logger = pino({ level: 'silent' });
const small = { shared_buffers: '16MB', max_connections: '20' };

let home: string;
let running: EmbeddedPostgres[];
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'tidings-pg-'));
  await chmod(home, 0o711);
  running = [];
});
afterEach(async () => {
  for (const postgres of running) await postgres.stop();
  await rm(home, { recursive: true, force: true });
});

const start = async (dataDir = join(home, 'postgres')): Promise<EmbeddedPostgres> => {
  const postgres = await startEmbeddedPostgres({ dataDir, logger, settings: small });
  running.push(postgres);
  return postgres;
};
const query = async (url: string, text: string): Promise<readonly Record<string, unknown>[]> => {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => undefined); // a server that is being killed says so on every connection
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(text)).rows;
  } finally {
    await client.end();
  }
};

describe('embedded Postgres', () => {
  it('starts from nothing, keeps what it was given, and leaves no process', async () => {
    const first = await start();
    const [settings] = await query(
      first.url,
      `select current_database() as db, current_setting('listen_addresses') as listens, current_setting('fsync') as fsync,
              current_setting('wal_compression') as wal, (select datlocale from pg_database where datname = 'tidings') as locale`,
    );
    expect(settings).toMatchObject({ db: 'tidings', listens: '', fsync: 'on', locale: 'C.UTF-8' });
    expect(settings?.['wal']).not.toBe('off');
    await query(first.url, 'create table kept as select 1 as n');
    const pid = first.pid();
    await first.stop();
    expect(pid !== null && isAlive(pid)).toBe(false);

    const second = await start();
    expect(await query(second.url, 'select n from kept')).toEqual([{ n: 1 }]);
  });

  it('lets nobody else into its socket folder', async () => {
    await start();
    expect((await stat(join(home, 'run'))).mode & 0o777).toBe(0o700);
  });

  it('comes back by itself when it is killed', async () => {
    const postgres = await start();
    await query(postgres.url, 'create table kept as select 2 as n');
    const before = postgres.pid();
    process.kill(before ?? 0, 'SIGKILL');
    await vi.waitFor(async () => expect(await query(postgres.url, 'select n from kept')).toEqual([{ n: 2 }]), {
      timeout: 15_000,
      interval: 50,
    });
    expect(postgres.pid()).not.toBe(before);
  });

  it('says who has the data folder', async () => {
    // another process that is surely alive, and when it began
    const parent = await readFile(`/proc/${process.ppid}/stat`, 'utf8');
    const started = parent.slice(parent.lastIndexOf(')') + 2).split(' ')[19];
    await writeFile(join(home, 'postgres.owner'), JSON.stringify({ pid: process.ppid, started }));
    await expect(start()).rejects.toThrow(`another Tidings (process ${process.ppid}) is using this data folder`);
  });

  it('does not take a reused process number for its owner', async () => {
    await writeFile(join(home, 'postgres.owner'), JSON.stringify({ pid: process.ppid, started: 'long ago' }));
    expect((await start()).pid()).not.toBeNull();
  });

  it('shows the end of the server log when it cannot start', async () => {
    await expect(startEmbeddedPostgres({ dataDir: join(home, 'postgres'), logger, settings: { max_connections: 'many' } })).rejects.toThrow(
      /Postgres ended while starting[\s\S]*invalid value for parameter "max_connections"/,
    );
  });

  it('does not touch a folder that holds something else', async () => {
    await mkdir(join(home, 'postgres'));
    await writeFile(join(home, 'postgres', 'letter.txt'), 'dear');
    await expect(start()).rejects.toThrow('holds files but no database');
  });

  it('puts the socket elsewhere when the path is too long for one', async () => {
    const deep = join(home, 'a'.repeat(60), 'b'.repeat(60));
    await mkdir(deep, { recursive: true });
    const postgres = await start(join(deep, 'postgres'));
    expect(await query(postgres.url, 'select 1 as one')).toEqual([{ one: 1 }]);
    expect(new URL(postgres.url).searchParams.get('host')).not.toContain('aaaa');
  });
});

describe('when the process that runs it is killed', () => {
  let owner: ChildProcess;
  afterEach(() => owner.kill('SIGKILL'));

  it('ends with it, and the next start finds everything', async () => {
    const dataDir = join(home, 'postgres');
    const script = `
      import { startEmbeddedPostgres } from ${JSON.stringify(new URL('embedded.ts', import.meta.url).href)};
      import { pino } from 'pino';
      const postgres = await startEmbeddedPostgres({ dataDir: ${JSON.stringify(dataDir)}, logger: pino({ level: 'silent' }), settings: ${JSON.stringify(small)} });
      process.send({ url: postgres.url, pid: postgres.pid() });
      setInterval(() => {}, 1000);`;
    owner = spawn(process.execPath, ['--input-type=module', '-e', script], {
      detached: true,
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    const [{ url, pid }] = (await once(owner, 'message')) as [{ url: string; pid: number }];
    await query(url, 'create table kept as select 3 as n');
    process.kill(-(owner.pid ?? 0), 'SIGKILL');
    // At once: the old server is still shutting down.
    const next = await start(dataDir);
    expect(isAlive(pid)).toBe(false);
    expect(await query(next.url, 'select n from kept')).toEqual([{ n: 3 }]);
  });
});

describe('the test kit', () => {
  it('gives an empty database of its own', async () => {
    const database = await createTestDatabase();
    const found = await query(
      database.url,
      `select current_setting('server_encoding') as encoding, count(*)::int as tables from pg_tables where schemaname = 'public'`,
    );
    await database.drop();
    expect(found).toEqual([{ encoding: 'UTF8', tables: 0 }]);
  });
});
