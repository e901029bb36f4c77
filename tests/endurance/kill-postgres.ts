/** The end of a program's embedded Postgres, after which its supervisor starts another one. */
import { readPostmaster } from '@tidings/infra/postgres/postmaster';
import pg from 'pg';
import { expect, vi } from 'vitest';

/** Where the server keeps its data: for root that is not below the program's folder. */
export const dataDirectoryOf = async (url: string): Promise<string> => {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query<{ directory: string }>(`select current_setting('data_directory') as directory`);
    return rows[0]?.directory ?? '';
  } finally {
    await client.end();
  }
};

/** Resolves when another one is up. */
export const endPostgres = async (dataDirectory: string, signal: 'SIGKILL' | 'SIGINT', withinMs: number): Promise<void> => {
  const before = readPostmaster(dataDirectory)?.pid ?? 0;
  process.kill(before, signal);
  const restarted = (): void => {
    const now = readPostmaster(dataDirectory);
    expect([now?.pid === before, now?.status]).toEqual([false, 'ready']);
  };
  await vi.waitFor(restarted, { timeout: withinMs, interval: 20 });
};
