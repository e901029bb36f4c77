/**
 * The machine of Postgres is gone without a word, and another one answers in its place: all connections there were lead nowhere, and nobody says
 * so. TCP would find out after a quarter of an hour.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { expectPlainRefusals, Load, recovery } from '../acceptance/load.ts';
import { foundTown, type Town } from '../acceptance/town.ts';
import { createTestDatabase, type TestDatabase } from '../kit/postgres.ts';
import { type Program, startProgram } from '../kit/program.ts';
import { type StrandableWay, strandableWayTo } from '../kit/strandable.ts';

const RECOVER_MS = 10_000;

let town: Town;
let database: TestDatabase;
let way: StrandableWay;
let program: Program;
let load: Load;
beforeAll(async () => {
  [town, database] = await Promise.all([foundTown('Pilot', 6), createTestDatabase()]);
  way = await strandableWayTo(database.url);
  program = await startProgram({ env: { DATABASE_URL: way.url, OIDC_ISSUER: town.issuer.url, LOG_LEVEL: 'fatal' } });
  load = await Load.begin(() => program, town);
});
afterAll(async () => {
  await load.abandon();
  await program.stop();
  await way.close();
  await database.drop();
  await town.issuer.close();
});

describe('a Postgres that is replaced without a word', () => {
  it('is noticed, and costs nothing that was acknowledged', async ({ annotate }) => {
    await load.more(20);
    const began = performance.now();
    expect(way.strand()).toBeGreaterThan(20);
    await recovery(program, town, RECOVER_MS);
    await load.more(8);
    const ms = Math.round(performance.now() - began);
    expect(ms).toBeLessThan(RECOVER_MS);
    await load.balance();
    expectPlainRefusals(load);
    await annotate(`replaced without a word: all is well after ${ms} ms; ${load.summary}`);
  });
});
