/**
 * Postgres is stopped and started again, with people chatting, listening and getting mail. Whatever was acknowledged is there after; whatever
 * was not was refused in words a client understands; nobody has to restart anything.
 */
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '@tidings/infra/postgres/embedded';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Program, startProgram } from '../kit/program.ts';
import { expectPlainRefusals, Load, recovery } from '../acceptance/load.ts';
import { foundTown, type Town } from '../acceptance/town.ts';
import { dataDirectoryOf, endPostgres } from './kill-postgres.ts';

/** Longer than an append waits for the log to come back. */
const DOWN_MS = 6_500;
const RECOVER_MS = 10_000;

let home: string;
let town: Town;
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'tidings-outage-'));
  await chmod(home, 0o711);
  town = await foundTown('Sailor', 6);
});
afterAll(async () => {
  await town.issuer.close();
  await rm(home, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
});

/** Serves within the promised time, and the load goes on. */
const expectRecovery = async (program: Program, load: Load): Promise<void> => {
  const began = performance.now();
  await recovery(program, town, RECOVER_MS);
  await load.more(8);
  expect(performance.now() - began).toBeLessThan(RECOVER_MS);
};

describe('a Postgres of one’s own that is away for seconds', () => {
  let postgres: EmbeddedPostgres;
  let program: Program;
  let load: Load;
  const startDatabase = (): Promise<EmbeddedPostgres> =>
    startEmbeddedPostgres({ dataDir: join(home, 'postgres'), logger: pino({ level: 'silent' }) });
  beforeAll(async () => {
    postgres = await startDatabase();
    program = await startProgram({ env: { DATABASE_URL: postgres.url, OIDC_ISSUER: town.issuer.url, LOG_LEVEL: 'fatal' } });
    load = await Load.begin(() => program, town);
  });
  afterAll(async () => {
    await load.abandon();
    await program.stop();
    await postgres.stop();
  });

  it('costs nothing that was acknowledged, and nobody a restart', async ({ annotate }) => {
    await load.more(20);
    await postgres.stop();
    expect((await fetch(new URL('/health', program.httpUrl))).status).toBe(200);
    const unready = await fetch(new URL('/ready', program.httpUrl));
    expect([unready.status, unready.headers.get('retry-after')]).toEqual([503, expect.stringMatching(/^\d+$/)]);
    await delay(DOWN_MS);
    expect([load.refusedPosts.length > 0, load.refusedMails.length > 0]).toEqual([true, true]);
    postgres = await startDatabase();
    await expectRecovery(program, load);
    await load.balance();
    expectPlainRefusals(load);
    await annotate(`outage of ${DOWN_MS} ms: ${load.summary}`);
  });
});

describe('the embedded Postgres that dies', () => {
  let program: Program;
  let load: Load;
  beforeAll(async () => {
    program = await startProgram({ ownPostgres: true, env: { OIDC_ISSUER: town.issuer.url, LOG_LEVEL: 'fatal' } });
    load = await Load.begin(() => program, town);
  });
  afterAll(async () => {
    await load.abandon();
    await program.stop();
  });

  it('comes back by itself, and everything with it', async ({ annotate }) => {
    const dataDirectory = await dataDirectoryOf(program.databaseUrl);
    for (const signal of ['SIGKILL', 'SIGINT'] as const) {
      await load.more(20);
      await endPostgres(dataDirectory, signal, RECOVER_MS);
      await expectRecovery(program, load);
    }
    await load.balance();
    expectPlainRefusals(load);
    await annotate(`embedded Postgres killed twice: ${load.summary}`);
  });
});
