/** Where the story plays: a fresh backbone of its own, or one that runs already. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ISSUER_PATH } from '../../../dev-issuer/src/names.ts';
import { launch } from '../serve/launch.ts';
import { fetchToken } from '../token.ts';
import { DemoFailed, found } from './failed.ts';

export interface Backbone {
  readonly httpUrl: string;
  readonly smtp: { readonly host: string; readonly port: number };
  readonly tokenOf: (user: string) => Promise<string>;
  /** For the head of the page. */
  readonly about: string;
  /** What it logged, for when something goes wrong; empty when it is not ours. */
  readonly log: () => string;
  readonly stop: () => Promise<void>;
}

/** Free ports, a temporary data folder; both gone after `stop`. @throws with what the program said when it does not start */
export const startBackbone = async (signal: AbortSignal): Promise<Backbone> => {
  const began = performance.now();
  const dataDir = await mkdtemp(join(tmpdir(), 'tidings-demo-'));
  const remove = (): Promise<void> => rm(dataDir, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
  try {
    const { PROCESSES } = process.env;
    // A Ctrl-C is for the story, which then stops what it started.
    const program = await launch({ dataDir, signal, ownGroup: true, env: PROCESSES === undefined ? {} : { PROCESSES } });
    const { httpUrl, smtp, devIssuer } = program.running;
    return {
      httpUrl: found(httpUrl, 'the backbone has no HTTP port'),
      smtp: found(smtp, 'the backbone has no SMTP port'),
      tokenOf: (user) => fetchToken(found(devIssuer, 'the backbone has no development issuer'), user),
      about: `A fresh backbone, up after ${((performance.now() - began) / 1000).toFixed(1)} s`,
      log: program.output,
      stop: async () => {
        program.signal('SIGINT');
        await program.exited;
        await remove();
      },
    };
  } catch (error) {
    await remove();
    throw error;
  }
};

/** @param url of the API @param smtp `host:port` @throws DemoFailed when they are not that or nobody answers */
export const runningBackbone = async (url: string, smtp: string): Promise<Backbone> => {
  const [, host, port] = /^\[?([^\]]+)\]?:(\d{1,5})$/.exec(smtp) ?? [];
  if (host === undefined || port === undefined) throw new DemoFailed(`--smtp takes host:port, as localhost:2525 (it is "${smtp}")`);
  if (!URL.canParse(url)) throw new DemoFailed(`--url takes the address of the API, as http://localhost:8080 (it is "${url}")`);
  const httpUrl = url.replace(/\/+$/, '');
  const health = await fetch(`${httpUrl}/health`).catch(() => null); // told in our words below
  if (health?.ok !== true) throw new DemoFailed(`nothing answers at ${httpUrl}/health; start it with "npm start"`);
  return {
    httpUrl,
    smtp: { host, port: Number(port) },
    tokenOf: (user) => fetchToken(`${httpUrl}${ISSUER_PATH}`, user),
    about: 'A backbone that runs already',
    log: () => '',
    stop: () => Promise.resolve(),
  };
};
