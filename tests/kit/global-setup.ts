/**
 * What a whole test run shares, in a temporary folder, gone at the end: one embedded Postgres that suites take databases from (`postgres.ts`),
 * and one program for those that need no other (`shared-program.ts`).
 */
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { startEmbeddedPostgres } from '@tidings/infra/postgres/embedded';
import { pino } from 'pino';
import type { TestProject } from 'vitest/node';
import { holdSharedProgram } from './program-holder.ts';
import { offerTemplatesIn } from './program-template.ts';
import { scratchFolder } from './scratch.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** The test server's maintenance database. */
    readonly postgresAdminUrl: string;
    /** Where the program that suites share is told of. */
    readonly sharedProgramUrl: string;
  }
}

export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  process.env['TMPDIR'] = await scratchFolder(); // for `tmpdir()` of all that is started from here
  const home = await mkdtemp(join(process.env['TMPDIR'], 'tidings-test-'));
  // As root, Postgres runs under another account, which must get through; the folders inside stay private.
  await chmod(home, 0o711);
  const postgres = await startEmbeddedPostgres({
    dataDir: join(home, 'postgres'),
    logger: pino({ level: 'error' }, pino.destination(2)),
    // These databases live for seconds, so nothing has to survive a power cut. Durable settings are tested by the suites that cut it.
    settings: { fsync: 'off', full_page_writes: 'off', shared_buffers: '128MB', max_connections: '600' },
  });
  offerTemplatesIn(home, postgres.adminUrl);
  project.provide('postgresAdminUrl', postgres.adminUrl);
  const holder = await holdSharedProgram();
  project.provide('sharedProgramUrl', holder.url);
  return async () => {
    await holder.close();
    await postgres.stop();
    await rm(home, { recursive: true, force: true });
  };
}
