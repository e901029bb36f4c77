/** The power goes off while mail comes in. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Sample, sendOver, type Sent } from '../acceptance/mail-in-sender.ts';
import { expectAllShown, marker } from '../acceptance/mail-in-shown.ts';
import { type Program, startProgram } from '../kit/program.ts';

const ALICE = 'alice@tidings.test';
let dataDir: string;
let program: Program;
const start = async (): Promise<void> => {
  program = await startProgram({ dataDir, env: { PROCESSES: 'one' } });
};
beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'tidings-mail-'));
  await start();
});
afterAll(async () => {
  await program.stop();
  await rm(dataDir, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
});

const accepted = (sent: readonly Sent[]): readonly Sent[] => sent.filter(({ emailId }) => emailId !== null);

it('keeps every mail that was answered 250', async () => {
  let given = 0;
  function* untilTheLightsGoOut(): Generator<Sample> {
    for (; given < 5_000; given += 1) {
      if (given === 400) void program.kill9();
      yield { ...marker(10_000 + given), name: `cut ${given}` };
    }
  }
  const before = accepted(await sendOver(4, program.smtpPort, ALICE, untilTheLightsGoOut()));
  await program.kill9();
  expect(before.length).toBeGreaterThan(100);
  await start();
  const after = accepted(await sendOver(1, program.smtpPort, ALICE, [marker(2)]));
  await expectAllShown(program, 'alice', [...before, ...after]);
});
