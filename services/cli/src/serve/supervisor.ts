/**
 * `tidings serve`: Postgres first (unless there is one), then migrations, then the processes, then the panel; and all of it back down, in
 * the opposite order, on Ctrl-C. Whatever ends unasked is started again.
 */
import { mkdirSync } from 'node:fs';
import { flushCompileCache } from 'node:module';
import type { Config } from '@tidings/infra/config/config';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '@tidings/infra/postgres/embedded';
import type { Logger } from 'pino';
import { ISSUER_PATH } from '../../../dev-issuer/src/names.ts';
import { migrate } from '../migrate.ts';
import { startChild, type SupervisedChild } from './child-process.ts';
import { type Groups, groupsOf, type ServiceName } from './groups.ts';
import type { ProgramReady, Running } from './messages.ts';
import { panel } from './panel.ts';
import { removeRunFile, writeRunFile } from './run-file.ts';

export interface ServeOptions {
  readonly config: Config;
  readonly services: readonly ServiceName[];
  readonly logger: Logger;
  readonly env: NodeJS.ProcessEnv;
  readonly print: (text: string) => void;
}

/** Resolves after everything has stopped. @throws what kept it from starting; then nothing is left running */
export const serve = async ({ config, services, logger, env, print }: ServeOptions): Promise<void> => {
  const began = performance.now();
  const end = askedToEnd();
  const groups = groupsOf(services);
  const down: (() => Promise<void>)[] = [];
  try {
    const { databaseUrl, postgres } = await database(config, logger, end.now);
    if (postgres !== null) down.push(postgres.stop);
    await migrate(databaseUrl, logger);
    const children = await startChildren(
      config.processes === 'one' ? [['all', groups]] : [...groups].map(([group, members]) => [group, new Map([[group, members]])]),
      { ...env, DATABASE_URL: databaseUrl, DATA_DIR: config.dataDir },
      logger,
      down,
      end.isAsked,
    );
    if (end.isAsked()) return;

    const running = describe(config, children, postgres);
    writeRunFile(config.dataDir, running);
    down.push(async () => removeRunFile(config.dataDir));
    print(panel({ running, config, groups, embeddedIn: postgres?.dataDir ?? null, seconds: (performance.now() - began) / 1000 }));
    process.send?.({ type: 'program-ready', running } satisfies ProgramReady);
    flushCompileCache(); // not only at exit, which may be a kill
    const failure = await end.asked;
    if (failure !== null) throw failure;
  } finally {
    for (const stop of down.toReversed()) await stop();
    end.forget();
  }
};

const database = async (
  config: Config,
  logger: Logger,
  onFailure: (error: Error) => void,
): Promise<{ readonly databaseUrl: string; readonly postgres: EmbeddedPostgres | null }> => {
  if (config.databaseUrl !== null) return { databaseUrl: config.databaseUrl, postgres: null };
  mkdirSync(config.dataDir, { recursive: true });
  const postgres = await startEmbeddedPostgres({ dataDir: `${config.dataDir}/postgres`, logger, onFailure });
  return { databaseUrl: postgres.url, postgres };
};

/**
 * The maker of read models first, then the others side by side, which have loaded their code meanwhile. Each adds how to stop it before the next
 * begins.
 */
const startChildren = async (
  processes: readonly (readonly [name: string, groups: Groups])[],
  env: NodeJS.ProcessEnv,
  logger: Logger,
  down: (() => Promise<void>)[],
  isAsked: () => boolean,
): Promise<readonly SupervisedChild[]> => {
  const start = async ([name, groups]: (typeof processes)[number], after: Promise<unknown>): Promise<SupervisedChild> => {
    const child = await startChild({ name, groups, env, logger, after });
    down.push(child.stop);
    return child;
  };
  const isMaker = ([, groups]: (typeof processes)[number]): boolean => groups.has('projector');
  const makers = processes.filter(isMaker).map((one) => start(one, Promise.resolve()));
  const made = Promise.all(makers).then(() => {
    if (isAsked()) throw new NotWanted();
  });
  made.catch(() => undefined); // where there are no others, nobody awaits it
  const others = processes.filter((one) => !isMaker(one)).map((one) => start(one, made));
  const started = await Promise.allSettled([...makers, ...others]);
  const failed = started.find((one) => one.status === 'rejected' && !(one.reason instanceof NotWanted));
  if (failed?.status === 'rejected') throw failed.reason;
  return started.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
};

/** Somebody asked to end while it started. */
class NotWanted extends Error {
  override readonly name = 'NotWanted';
}

const describe = (config: Config, children: readonly SupervisedChild[], postgres: EmbeddedPostgres | null): Running => {
  const endpoints = Object.assign({}, ...children.map((child) => child.endpoints)) as SupervisedChild['endpoints']; // Object.assign types more than four as any
  const httpUrl = endpoints.http === undefined ? null : (config.http.publicUrl ?? `http://localhost:${endpoints.http.port}`);
  return {
    pid: process.pid,
    httpUrl,
    smtp:
      endpoints.smtp === undefined
        ? null
        : { host: endpoints.smtp.host === '127.0.0.1' ? 'localhost' : endpoints.smtp.host, port: endpoints.smtp.port },
    devIssuer: httpUrl === null || config.oidc.issuer !== null ? null : `${httpUrl}${ISSUER_PATH}`,
    embeddedUrl: postgres?.url ?? null,
  };
};

/** Ctrl-C, SIGTERM, the end of whoever started us, or a database that is gone for good. Asking again changes nothing. */
const askedToEnd = (): {
  readonly asked: Promise<Error | null>;
  readonly isAsked: () => boolean;
  readonly now: (failure: Error) => void;
  readonly forget: () => void;
} => {
  let done = false;
  const { promise, resolve } = Promise.withResolvers<Error | null>();
  const finish = (failure: Error | null): void => {
    done = true;
    resolve(failure);
  };
  const onSignal = (): void => finish(null);
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const signal of signals) process.on(signal, onSignal);
  process.on('disconnect', onSignal);
  return {
    asked: promise,
    isAsked: () => done,
    now: finish,
    forget: () => {
      for (const signal of signals) process.off(signal, onSignal);
      process.off('disconnect', onSignal);
    },
  };
};
