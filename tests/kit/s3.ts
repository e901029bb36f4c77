/**
 * A real S3 server for tests: Versity's gateway over a folder, built once from the Go module proxy and kept in a folder of its own. It checks
 * signatures and checksums, and knows multipart uploads, ranges and conditional requests.
 */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { S3Place } from '@tidings/infra/blobs/s3-bucket';
import { keep } from './kept.ts';
import { freePort, listening } from './ports.ts';

const VERSION = 'v1.8.0';
const HOME = join(homedir(), '.cache', 'tidings-engines', `versitygw-${VERSION}`);
const PROGRAM = join(HOME, 'versitygw');
/** Where Go puts itself, whatever the path says. */
const PATH = `${process.env['PATH'] ?? ''}:/usr/local/go/bin`;
const UP_WITHIN_MS = 20_000;
const CREDENTIALS = { accessKeyId: 'tidings', secretAccessKey: 'a secret of ours' };

const run = promisify(execFile);

export interface S3Server {
  readonly place: (bucket: string) => S3Place;
  /** As variables of the program. */
  readonly env: (bucket: string) => Readonly<Record<string, string>>;
  readonly version: string;
  /** With SIGKILL; its data stays. */
  readonly kill: () => Promise<void>;
  /** Again on the same port and data. */
  readonly start: () => Promise<void>;
  readonly stop: () => Promise<void>;
}

/** Why no server can run here; null when one can. It is built by `npm run test:engines` alone, which may take minutes. */
export const s3Lacks = async (): Promise<string | null> => {
  if (existsSync(PROGRAM)) return null;
  if (process.env['TIDINGS_ENGINES'] === undefined) return 'the S3 server is not built yet: npm run test:engines builds it';
  return run('go', ['version'], { env: { ...process.env, PATH } }).then(
    () => null,
    () => 'there is no Go to build the S3 server with',
  );
};

export const startS3 = async (): Promise<S3Server> => {
  await build();
  const folder = await mkdtemp(join(tmpdir(), 'tidings-s3-'));
  const port = await freePort();
  const endpoint = `http://127.0.0.1:${port}`;
  let server: ChildProcess | null = null;
  const start = async (): Promise<void> => {
    const { accessKeyId, secretAccessKey } = CREDENTIALS;
    server = spawn(PROGRAM, ['--quiet', '--port', `127.0.0.1:${port}`, 'posix', '--sidecar', join(folder, 'meta'), join(folder, 'data')], {
      stdio: 'ignore',
      env: { PATH, ROOT_ACCESS_KEY: accessKeyId, ROOT_SECRET_KEY: secretAccessKey },
    });
    await listening('the S3 server', port, server, UP_WITHIN_MS);
  };
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    if (server === null || server.exitCode !== null || server.signalCode !== null) return;
    const ended = new Promise((resolve) => server?.once('exit', resolve));
    server.kill(signal);
    await ended;
  };
  for (const name of ['meta', 'data']) await mkdir(join(folder, name));
  await start();
  return {
    place: (bucket) => ({ endpoint, bucket, region: 'us-east-1', credentials: CREDENTIALS }),
    env: (bucket) => ({
      BLOBS: 's3',
      S3_ENDPOINT: endpoint,
      S3_BUCKET: bucket,
      AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
      AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
    }),
    version: VERSION,
    start,
    kill: () => end('SIGKILL'),
    stop: async () => {
      await end('SIGTERM');
      await rm(folder, { recursive: true, force: true });
    },
  };
};

const build = (): Promise<void> =>
  keep(HOME, async (work) => {
    await run('go', ['install', `github.com/versity/versitygw/cmd/versitygw@${VERSION}`], {
      cwd: work,
      env: { ...process.env, PATH, GOBIN: work },
    });
    return work;
  });
