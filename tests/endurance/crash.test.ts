/** Processes are killed with -9, one by one and all at once, under load: the program mends itself, and no promise is broken. */
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { childPid } from '../kit/child-pid.ts';
import { type Program, startProgram } from '../kit/program.ts';
import { expectMailOnce } from '../acceptance/books.ts';
import { Load, recovery } from '../acceptance/load.ts';
import { PatientSenders } from './patient-senders.ts';
import { foundTown, type Person, type Town } from '../acceptance/town.ts';

const RECOVER_MS = 10_000;
/** For mails of a megabyte; how soon is not what is tested there. */
const PATIENCE_MS = 90_000;

let dataDir: string;
let town: Town;
let program: Program;
let load: Load;

const start = async (): Promise<void> => {
  program = await startProgram({ dataDir, env: { OIDC_ISSUER: town.issuer.url, LOG_LEVEL: 'fatal' } });
};
beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'tidings-crash-'));
  await chmod(dataDir, 0o711);
  town = await foundTown('Diver', 6);
  await start();
  load = await Load.begin(() => program, town);
});
afterAll(async () => {
  await load.abandon();
  await program.stop();
  await town.issuer.close();
  await rm(dataDir, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
});

const childOf = (group: string): number | null => childPid(program.pid, group);

const runningPid = (group: string): number => {
  const pid = childOf(group);
  if (pid === null) throw new Error(`${group} does not run`);
  return pid;
};

describe('kill -9', () => {
  it.each(['projector', 'filing', 'api', 'smtp'])('of the process %s is mended by the supervisor', async (group) => {
    await load.more(12);
    const killed = childOf(group) ?? 0;
    expect(killed).toBeGreaterThan(0);
    const began = performance.now();
    process.kill(killed, 'SIGKILL');
    const replaced = (): void => expect([null, killed]).not.toContain(childOf(group));
    await vi.waitFor(replaced, { timeout: RECOVER_MS, interval: 20 });
    await recovery(program, town, RECOVER_MS);
    await load.more(8);
    expect(performance.now() - began).toBeLessThan(RECOVER_MS);
  });

  it('of all of it, and a new start, lose nothing', async () => {
    await load.more(12);
    await program.kill9();
    await start();
    expect(await recovery(program, town, RECOVER_MS)).toBeLessThan(RECOVER_MS);
    await load.more(8);
  });

  it('at any moment of a mail’s way in loses none that was accepted, and files none twice', async ({ annotate }) => {
    const [, , , dan] = town.people as readonly [Person, Person, Person, Person];
    const senders = new PatientSenders(() => program, dan, 6);
    const moments: string[] = [];
    for (const group of ['smtp', 'smtp', 'filing', 'smtp', null, 'smtp', 'smtp', null]) {
      const enough = senders.accepted.length + 6;
      await vi.waitFor(() => expect(senders.accepted.length).toBeGreaterThanOrEqual(enough), { timeout: PATIENCE_MS, interval: 20 });
      const moment = Math.round(Math.random() * 300);
      moments.push(`${group ?? 'all'} after ${moment} ms`);
      await delay(moment);
      if (group === null) {
        await program.kill9();
        await start();
      } else {
        process.kill(await vi.waitFor(() => runningPid(group), { timeout: RECOVER_MS, interval: 5 }), 'SIGKILL');
      }
    }
    await senders.finish();
    await expectMailOnce(program, dan, senders.accepted, PATIENCE_MS);
    await annotate(
      `${senders.accepted.length} mails of up to 1.2 MB accepted, ${senders.broken} attempts broken off; killed ${moments.join(', ')}`,
    );
    expect(senders.broken).toBeGreaterThan(0);
  }, 300_000);

  it('has left every message and mail there once, told once, in one order', async ({ annotate }) => {
    await load.balance();
    // Refused, if at all, by a broken connection or in the words of an outage.
    expect(load.refusedPosts.filter(({ code }) => code !== null && code !== 503)).toEqual([]);
    expect(load.refusedMails.filter(({ code }) => code !== null && code !== 451 && code !== 421)).toEqual([]);
    await annotate(`processes killed: ${load.summary}`);
  });
});
