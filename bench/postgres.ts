/** A fresh embedded Postgres for one bench, durable as in production. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEmbeddedPostgres } from '@tidings/infra/postgres/embedded';
import { pino } from 'pino';

export const withPostgres = async <A>(use: (url: string) => Promise<A>): Promise<A> => {
  const home = await mkdtemp(join(tmpdir(), 'tidings-bench-'));
  const postgres = await startEmbeddedPostgres({ dataDir: join(home, 'postgres'), logger: pino({ level: 'silent' }) });
  try {
    return await use(postgres.url);
  } finally {
    await postgres.stop();
    await rm(home, { recursive: true, force: true });
  }
};
