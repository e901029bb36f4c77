/** `tidings projections …`: what the read models do, and what an operator may make them do. */
import { type BlobPlace, openBlobs } from '@tidings/infra/blobs/open';
import type { OpenSearchSettings } from '@tidings/infra/config/opensearch';
import type { LogPlace } from '@tidings/infra/event-log/open';
import type { Projection } from '@tidings/contracts/projection';
import { openPool } from '@tidings/infra/postgres/pools';
import { parkedStreams, requestUnpark } from '@tidings/infra/projector/parking';
import { instances } from '@tidings/infra/projector/registry';
import { projectionStatus } from '@tidings/infra/projector/status';
import { cutover, replay, retire, rollback, TransitionRefused } from '@tidings/infra/projector/transitions';
import { parseArgs } from 'node:util';
import type { Pool } from 'pg';
import { pino } from 'pino';
import { projections, projectionsOver } from '../../../projector/src/projections.ts';
import { follow } from './follow.ts';
import type { Out } from '../out.ts';
import { parkedTable, statusTable } from './tables.ts';

export interface ProjectionsContext {
  readonly databaseUrl: string;
  /** Where the texts of mails are. */
  readonly blobs: BlobPlace;
  readonly eventLog: LogPlace;
  /** Where words are kept instead of in Postgres; none by default. */
  readonly openSearch?: OpenSearchSettings | null;
  readonly stdout: Out;
}

const HELP = `tidings projections: the read models

  status [name]               every instance: state, position, lag, rate, parked streams
  replay <name>               build it anew beside the live one, and watch; options:
      --cutover                 let readers have it as soon as it is ready
      --here                    do the work in this process (when no projector runs)
      --restart                 give up a build that is under way
      --detach                  do not watch
  cutover <name> [--force]    readers go to the build that is ready (--force: also to one that was found different)
  rollback <name>             readers go back to the instance that was live before
  retire <name>               drop the instances that were live before
  parked [name]               streams that could not be applied, and why
  unpark <name> <stream>      take a stream up again from where it stopped
`;

const options = {
  cutover: { type: 'boolean', default: false },
  here: { type: 'boolean', default: false },
  restart: { type: 'boolean', default: false },
  detach: { type: 'boolean', default: false },
  force: { type: 'boolean', default: false },
} as const;

/** The arguments make no sense; the message says which. */
class UsageError extends Error {}

/**
 * Runs one subcommand.
 * @returns the exit code: 0 done, 1 refused or failed, 2 wrong arguments
 */
export const projectionsCommand = async (args: readonly string[], context: ProjectionsContext): Promise<number> => {
  const pool = openPool({ url: context.databaseUrl, name: 'tidings cli', max: 4, logger: pino({ level: 'silent' }) });
  try {
    return await run(args, { ...context, pool });
  } catch (error) {
    if (!(error instanceof UsageError || error instanceof TransitionRefused)) throw error;
    context.stdout.write(`${error.message}\n`);
    return error instanceof UsageError ? 2 : 1;
  } finally {
    await pool.end();
  }
};

interface Run extends ProjectionsContext {
  readonly pool: Pool;
}

const run = async (args: readonly string[], context: Run): Promise<number> => {
  const { positionals, values } = parse(args);
  const [command = 'status', name, stream] = positionals;
  const { pool, stdout } = context;
  switch (command) {
    case 'status':
      stdout.write(statusTable(await projectionStatus(pool, name)));
      return 0;
    case 'replay':
      return replayCommand(known(name), values, context);
    case 'cutover': {
      const live = await cutover(pool, known(name), { force: values.force });
      stdout.write(`${live.schemaName} is live; "tidings projections rollback ${live.name}" goes back.\n`);
      return 0;
    }
    case 'rollback':
      stdout.write(`${(await rollback(pool, known(name))).schemaName} is live again.\n`);
      return 0;
    case 'retire': {
      const dropped = await retire(pool, known(name));
      stdout.write(dropped.length === 0 ? 'Nothing is draining.\n' : `Dropped ${dropped.join(', ')}.\n`);
      return 0;
    }
    case 'parked':
      return parkedCommand(name, context);
    case 'unpark':
      return unparkCommand(known(name), stream, context);
    case 'help':
      stdout.write(HELP);
      return 0;
    default:
      throw new UsageError(`there is no command "projections ${command}"\n\n${HELP}`);
  }
};

const parse = (args: readonly string[]) => {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true, strict: true });
  } catch (error) {
    throw new UsageError(`${error instanceof Error ? error.message : String(error)}\n\n${HELP}`);
  }
};

const known = (name: string | undefined): string => {
  if (name !== undefined && projections.some((projection) => projection.name === name)) return name;
  const names = projections.map((projection) => projection.name).join(', ');
  throw new UsageError(name === undefined ? `say which: ${names}` : `there is no projection ${name}; there are ${names}`);
};

interface ReplayFlags {
  readonly cutover: boolean;
  readonly here: boolean;
  readonly restart: boolean;
  readonly detach: boolean;
}

const replayCommand = async (
  name: string,
  flags: ReplayFlags,
  { pool, stdout, databaseUrl, eventLog, blobs: storage, openSearch = null }: Run,
): Promise<number> => {
  const index = openSearch === null ? null : (await import('@tidings/infra/word-index/opensearch')).openSearchIndex(openSearch);
  try {
    const { blobs } = await openBlobs(storage, { pool, besideLog: false });
    return await replayOne(name, flags, { pool, stdout, databaseUrl, eventLog }, projectionsOver(blobs, index));
  } finally {
    await index?.close();
  }
};

const replayOne = async (
  name: string,
  flags: ReplayFlags,
  { pool, stdout, databaseUrl, eventLog }: Pick<Run, 'pool' | 'stdout' | 'databaseUrl' | 'eventLog'>,
  all: readonly Projection[],
): Promise<number> => {
  const projection = all.find((one) => one.name === name && one.former !== true);
  if (projection === undefined) return 2;
  const build = await replay(pool, projection, { restart: flags.restart });
  stdout.write(`${build.schemaName} is being built.\n`);
  const someoneWorks = (await projectionStatus(pool)).some((status) => status.owned);
  if (!flags.here && !someoneWorks) {
    stdout.write('No projector runs: it begins when one does ("tidings serve projector"), or now with --here --restart.\n');
    return 0;
  }
  if (flags.detach) return 0;
  // Loaded only now: it brings the whole log adapter along.
  const here = flags.here ? await (await import('./here.ts')).runHere({ databaseUrl, eventLog }, pool, all, name) : null;
  try {
    const ready = await follow(pool, build.schemaName, stdout);
    if (!ready) return 1;
    if (flags.cutover) {
      await cutover(pool, name);
      stdout.write(`${build.schemaName} is live; "tidings projections rollback ${name}" goes back.\n`);
    } else stdout.write(`Readers get it by "tidings projections cutover ${name}".\n`);
    return 0;
  } finally {
    await here?.stop();
  }
};

const parkedCommand = async (name: string | undefined, { pool, stdout }: Run): Promise<number> => {
  const all = await instances(pool, name === undefined ? undefined : known(name));
  const parked = await Promise.all(
    all.map(async ({ schemaName }) => (await parkedStreams(pool, schemaName)).map((one) => ({ ...one, schemaName }))),
  );
  stdout.write(parkedTable(parked.flat()));
  return 0;
};

const unparkCommand = async (name: string, stream: string | undefined, { pool, stdout }: Run): Promise<number> => {
  if (stream === undefined) throw new UsageError('say which stream: "tidings projections parked" lists them');
  const asked: string[] = [];
  for (const { schemaName } of await instances(pool, name)) if (await requestUnpark(pool, schemaName, stream)) asked.push(schemaName);
  stdout.write(
    asked.length === 0
      ? `${stream} is not parked in ${name}.\n`
      : `Asked for ${stream} in ${asked.join(', ')}; "tidings projections parked" shows it if it still cannot be applied.\n`,
  );
  return asked.length === 0 ? 1 : 0;
};
