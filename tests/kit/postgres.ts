/** Databases for tests, on the run's own Postgres. */
import { inject } from 'vitest';
import { createDatabase, type TestDatabase } from './databases.ts';
import './global-setup.ts';

export type { TestDatabase } from './databases.ts';

/** A new, empty one. */
export const createTestDatabase = (): Promise<TestDatabase> => createDatabase(inject('postgresAdminUrl'), 'template0');
