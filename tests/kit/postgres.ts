/** Databases for tests, on the run's own Postgres. */
import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { inject } from 'vitest';
import './global-setup.ts';

export interface TestDatabase {
  /** `postgresql://tidings@localhost/<name>?host=<socket folder>` */
  readonly url: string;
  /** Ends whatever is still connected and removes the database. */
  readonly drop: () => Promise<void>;
}

/** A new, empty database (some 20 ms). */
export const createTestDatabase = async (): Promise<TestDatabase> => {
  const adminUrl = inject('postgresAdminUrl');
  const name = `test_${randomBytes(8).toString('hex')}`;
  await asAdmin(adminUrl, `create database ${name} template template0`);
  const url = new URL(adminUrl);
  url.pathname = `/${name}`;
  return { url: url.toString(), drop: () => asAdmin(adminUrl, `drop database if exists ${name} with (force)`) };
};

const asAdmin = async (adminUrl: string, statement: string): Promise<void> => {
  const client = new pg.Client({ connectionString: adminUrl });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
};
