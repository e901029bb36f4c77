/** Entry of a child process: loads the code of its groups and, told to begin, opens a platform for each, starts their services, says so, and stops when told to or when the supervisor is gone. */
import { flushCompileCache } from 'node:module';
import { setPriority } from 'node:os';
import { type Config, loadConfig } from '@tidings/infra/config/config';
import { isLeft } from 'fp-ts/lib/Either.js';
import type { Logger } from 'pino';
import type { Service } from '../../../platform/src/platform.ts';
import { openPlatform } from '../../../platform/src/open.ts';
import { startHeartbeat } from '../../../ops/src/heartbeat.ts';
import { type Group, type Groups, groupsFrom, nicenessOf } from './groups.ts';
import type { Endpoints, FromChild, ToChild } from './messages.ts';
import { loadGroup, type StartGroup } from './start-group.ts';

/** Nothing may keep an unwanted process alive, whatever hangs. */
const LEAVE_AFTER_MS = 9_000;

const tell = (message: FromChild): void => void process.send?.(message);

const run = async (args: readonly string[]): Promise<void> => {
  const config = loadConfig(process.env);
  if (isLeft(config)) throw new Error(config.left.join('; '));
  const groups = groupsFrom(args);
  if (groups === null) throw new Error(`there are no groups "${args.join(' ')}"`);
  const niceness = nicenessOf(groups);
  if (niceness !== undefined) setPriority(niceness); // before it makes threads: on Linux they take it over from this one

  const running: RunningGroup[] = [];
  let stopping: Promise<void> | null = null;
  const stop = (): Promise<void> =>
    (stopping ??= (async () => {
      setTimeout(() => process.exit(1), LEAVE_AFTER_MS).unref();
      for (const group of running.toReversed()) await group.stop();
      if (process.connected) process.disconnect();
    })());

  // Ctrl-C reaches the whole group of processes; the supervisor decides who stops when.
  process.on('SIGINT', () => undefined);
  process.on('SIGTERM', () => undefined);
  const begin = Promise.withResolvers<void>();
  process.on('message', (message: ToChild) => {
    if (message.type === 'begin') begin.resolve();
    else void stop().then(leave, leave);
  });
  process.once('disconnect', () => void stop().then(leave, leave));
  process.on('unhandledRejection', (error) => {
    running.at(-1)?.logger.fatal({ err: error }, 'an error that nobody handled; this process ends and is started again');
    process.exit(1);
  });

  try {
    const starts = await loadAll(config.right, groups);
    await begin.promise;
    const endpoints = await startAll(config.right, starts, running);
    tell({ type: 'ready', endpoints });
    flushCompileCache(); // not only at exit, which may be a kill
  } catch (error) {
    running.at(-1)?.logger.debug({ err: error }, 'the group could not start');
    tell({ type: 'failed', reason: reasonOf(error) });
    await stop();
    leave(error);
  }
};

interface RunningGroup {
  readonly logger: Logger;
  readonly stop: () => Promise<void>;
}

const loadAll = (config: Config, groups: Groups): Promise<readonly (readonly [Group, StartGroup])[]> =>
  Promise.all([...groups].map(async ([group, names]) => [group, await loadGroup(group, names, config)] as const));

/** Each group has a platform of its own, in one process too: its pools, metrics and heartbeat go by its name. */
const startAll = async (config: Config, starts: readonly (readonly [Group, StartGroup])[], running: RunningGroup[]): Promise<Endpoints> => {
  let endpoints: Endpoints = {};
  for (const [group, start] of starts) endpoints = { ...endpoints, ...(await startOne(config, group, start, running)) };
  return endpoints;
};

const startOne = async (config: Config, group: Group, start: StartGroup, running: RunningGroup[]): Promise<Endpoints> => {
  const platform = await openPlatform(config, { process: group });
  const services: Service[] = [];
  let heartbeat: { readonly stop: () => Promise<void> } | null = null;
  running.push({
    logger: platform.logger,
    stop: async () => {
      for (const service of services.toReversed()) await service.stop();
      await heartbeat?.stop();
      await platform.close();
    },
  });
  const endpoints = await start(platform, services);
  heartbeat = startHeartbeat(platform, group, services);
  return endpoints;
};

const leave = (error?: unknown): void => process.exit(error === undefined ? 0 : 1);

/** What a person can do something about, in a sentence. */
const reasonOf = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error);
  if (!('code' in error)) return error.message;
  const port = 'port' in error ? String(error.port) : '';
  if (error.code === 'EADDRINUSE') return `port ${port} is in use by another program; stop it, or set HTTP_PORT or SMTP_PORT to another`;
  if (error.code === 'EACCES') return `port ${port} needs more rights than this process has; set HTTP_PORT or SMTP_PORT to one above 1023`;
  return error.message;
};

run(process.argv.slice(2)).catch((error: unknown) => {
  if (process.connected) process.send?.({ type: 'failed', reason: reasonOf(error) } satisfies FromChild, () => leave(error));
  else leave(error);
});
