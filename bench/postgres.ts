/** A fresh embedded Postgres for one bench, durable as in production. */
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEmbeddedPostgres } from '@tidings/infra/postgres/embedded';
import { pino } from 'pino';

export const withPostgres = async <A>(use: (url: string) => Promise<A>): Promise<A> => {
  const home = await mkdtemp(join(tmpdir(), 'tidings-bench-'));
  // As root, Postgres runs under another account; if it could not get through, its data would be elsewhere and stay there.
  await chmod(home, 0o711);
  const postgres = await startEmbeddedPostgres({ dataDir: join(home, 'postgres'), logger: pino({ level: 'silent' }) });
  try {
    return await use(postgres.url);
  } finally {
    await postgres.stop();
    await rm(home, { recursive: true, force: true });
  }
};
