/** The command line: `tidings <command>`. Each command is a file; this one finds it and turns failures into sentences. */
import { createLogger } from '@tidings/infra/telemetry/logger';
import { type Config, loadConfig } from '@tidings/infra/config/config';
import { isRight } from 'fp-ts/lib/Either.js';
import { isServiceName, serviceNames } from './serve/groups.ts';
import { readRunFile } from './serve/run-file.ts';

const HELP = `tidings: a messaging backbone for email and chat

  tidings serve [service …]     run everything, or only some of: ${serviceNames.join(', ')}
  tidings migrate               bring the database's schema up to date
  tidings migrate --from postgres --to kurrentdb
                                move the log while it is in use, and back: see "tidings migrate help"
  tidings token <user>          a token of the development issuer (alice, bob, carol; "service" for a back end)
  tidings projections …         status, replay, cutover, rollback, parked, unpark: see "tidings projections help"
  tidings filing …              list, retry mail that could not be filed: see "tidings filing help"
  tidings blobs …               verify, rotate, move, collect: see "tidings blobs help"
  tidings backup <folder>       everything of this installation as of one moment, while it is in use (the embedded Postgres)
  tidings restore <folder>      a backup into an empty DATA_DIR
  tidings import …              mail from an mbox, .eml or zip into a mailbox: --mailbox contact@town.example file.mbox
  tidings export …              a mailbox as an mbox: --mailbox contact@town.example --out file.mbox
  tidings mail …                tls-report: see "tidings mail help"
  tidings demo                  a short story on a fresh backbone, or with --url http://… --smtp host:port on one that runs
  tidings help                  this page

Configuration is by environment variables: docs/reference/configuration.md
`;

/** Something the person at the terminal can put right; printed without a stack. */
class UsageError extends Error {
  override readonly name = 'UsageError';
}

const say = (text: string): void => void process.stdout.write(text);

/** Runs one command line and sets the exit code. */
export const main = async (args: readonly string[]): Promise<void> => {
  const [command = 'help', ...rest] = args;
  try {
    process.exitCode = await run(command, rest);
  } catch (error) {
    const expected = error instanceof UsageError || EXPECTED.has(error instanceof Error ? error.name : '');
    process.stderr.write(
      `tidings ${command}: ${error instanceof Error ? (expected ? error.message : (error.stack ?? error.message)) : String(error)}\n`,
    );
    process.exitCode = 1;
  }
  // A channel to whoever started us would keep the process alive.
  if (process.connected) process.disconnect();
};

/** Errors whose message is a sentence for the terminal. */
const EXPECTED = new Set([
  'MailCommandFailed',
  'EmbeddedPostgresError',
  'ChildFailed',
  'DemoFailed',
  'WrongBlobKeys',
  'LogNotInUse',
  'MoveRefused',
  'BackupFailed',
]);

const run = async (command: string, args: readonly string[]): Promise<number> => {
  switch (command) {
    case 'serve':
      return serveCommand(args);
    case 'migrate':
      return migrateCommand(args);
    case 'token':
      return tokenCommand(args);
    case 'projections':
      return projections(args);
    case 'filing':
      return filing(args);
    case 'blobs':
      return blobs(args);
    case 'backup':
      return backupCommand(args);
    case 'restore':
      return restoreCommand(args);
    case 'import':
    case 'export':
      return archiveCommand(command, args);
    case 'mail':
      return mail(args);
    case 'demo':
      return (await import('./demo/index.ts')).demoCommand(args, process.stdout);
    case 'help':
    case '--help':
    case '-h':
      say(HELP);
      return 0;
    default:
      throw new UsageError(`there is no command "${command}"\n\n${HELP}`);
  }
};

const configuration = (): Config => {
  const loaded = loadConfig(process.env);
  if (isRight(loaded)) return loaded.right;
  throw new UsageError(`the environment needs mending:\n${loaded.left.map((fault) => `  ${fault}`).join('\n')}`);
};

const serveCommand = async (args: readonly string[]): Promise<number> => {
  const unknown = args.filter((name) => !isServiceName(name));
  if (unknown.length > 0) throw new UsageError(`there is no service "${unknown.join('", "')}"; there are ${serviceNames.join(', ')}`);
  const config = configuration();
  const { serve } = await import('./serve/supervisor.ts');
  await serve({
    config,
    services: args.length === 0 ? serviceNames : args.filter(isServiceName),
    logger: createLogger({ level: config.logLevel, process: 'supervisor' }),
    env: process.env,
    print: say,
  });
  return 0;
};

/** With a database of one's own, its URL; with the embedded one, a server started for this command unless `tidings serve` has one running. */
const withDatabase = async (work: (databaseUrl: string, config: Config) => Promise<number>): Promise<number> => {
  const config = configuration();
  if (config.databaseUrl !== null) return work(config.databaseUrl, config);
  const running = readRunFile(config.dataDir)?.embeddedUrl ?? null;
  if (running !== null) return work(running, config);
  const { startEmbeddedPostgres } = await import('@tidings/infra/postgres/embedded');
  const postgres = await startEmbeddedPostgres({
    dataDir: `${config.dataDir}/postgres`,
    logger: createLogger({ level: config.logLevel, process: 'cli' }),
  });
  try {
    return await work(postgres.url, config);
  } finally {
    await postgres.stop();
  }
};

const mail = (args: readonly string[]): Promise<number> =>
  withDatabase(async (databaseUrl, config) => {
    const { mailCommand } = await import('./mail/tls-report.ts');
    return mailCommand(args, { databaseUrl, config, stdout: process.stdout, stderr: process.stderr });
  });

const archiveCommand = (command: 'import' | 'export', args: readonly string[]): Promise<number> =>
  withDatabase(async (databaseUrl, config) => {
    const { importCommand, exportCommand } = await import('./mail/index.ts');
    const context = { databaseUrl, config, stdout: process.stdout, stderr: process.stderr };
    return command === 'import' ? importCommand(args, context) : exportCommand(args, context);
  });

const migrateCommand = async (args: readonly string[]): Promise<number> => {
  if (args.length > 0) return (await import('./move-log.ts')).moveCommand(args, process.stdout, withDatabase);
  return withDatabase(async (databaseUrl, config) => {
    const { migrate } = await import('./migrate.ts');
    await migrate(databaseUrl, createLogger({ level: config.logLevel, process: 'migrate' }));
    say('The schema is up to date.\n');
    return 0;
  });
};

const tokenCommand = async ([user, ...rest]: readonly string[]): Promise<number> => {
  if (user === undefined || rest.length > 0) throw new UsageError('say for whom: tidings token alice');
  const running = readRunFile(configuration().dataDir);
  if (running === null) throw new UsageError('nothing runs on this DATA_DIR; start it with "npm start" first');
  if (running.devIssuer === null) throw new UsageError('tokens come from your own issuer (OIDC_ISSUER), not from here');
  const { fetchToken } = await import('./token.ts');
  say(`${await fetchToken(running.devIssuer, user)}\n`);
  return 0;
};

const projections = (args: readonly string[]): Promise<number> =>
  withDatabase(async (databaseUrl, { blobs, eventLog, openSearch }) => {
    const { projectionsCommand } = await import('./projections/index.ts');
    return projectionsCommand([...args], { databaseUrl, blobs, eventLog, openSearch, stdout: process.stdout });
  });

const filing = (args: readonly string[]): Promise<number> =>
  withDatabase(async (databaseUrl) => {
    const { filingCommand } = await import('./filing/index.ts');
    return filingCommand(args, { databaseUrl, stdout: process.stdout });
  });

const blobs = (args: readonly string[]): Promise<number> =>
  withDatabase(async (databaseUrl, config) => {
    const { blobsCommand } = await import('./blobs/index.ts');
    return blobsCommand(args, { databaseUrl, config, stdout: process.stdout });
  });

/** Of both commands. @throws UsageError */
const backupFolder = (command: string, [folder, ...more]: readonly string[], { databaseUrl }: Config): string => {
  if (folder === undefined || more.length > 0) throw new UsageError(`say which folder: tidings ${command} /backups/2026-11-30`);
  if (databaseUrl !== null)
    throw new UsageError(
      'DATABASE_URL is a Postgres of your own: use its tools, as docs/how-to/backup.md says; this is for the embedded one',
    );
  return folder;
};

const backupCommand = async (args: readonly string[]): Promise<number> => {
  const folder = backupFolder('backup', args, configuration());
  return withDatabase(async (databaseUrl, config) => {
    const { backup } = await import('./backup/backup.ts');
    return backup(folder, { databaseUrl, config, stdout: process.stdout });
  });
};

const restoreCommand = async (args: readonly string[]): Promise<number> => {
  const config = configuration();
  const folder = backupFolder('restore', args, config);
  if (readRunFile(config.dataDir) !== null) throw new UsageError('a Tidings runs on this DATA_DIR; restore into another one');
  const { restore } = await import('./backup/restore.ts');
  return restore(folder, { config, logger: createLogger({ level: config.logLevel, process: 'restore' }), stdout: process.stdout });
};

if (import.meta.main) await main(process.argv.slice(2));
