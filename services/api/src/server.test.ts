import { openLiveStream } from '@tidings/contracts/http/live';
import { defineRoute } from '@tidings/contracts/http/route';
import { START } from '@tidings/contracts/ports/event-log';
import { loadConfig, type Config } from '@tidings/infra/config/config';
import type { FastifyPluginAsync } from 'fastify';
import * as E from 'fp-ts/lib/Either.js';
import * as t from 'io-ts';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { PassThrough } from 'node:stream';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createDevIssuer, ISSUER_PATH, PUBLIC_CLIENT, TOKEN_PATH } from '../../dev-issuer/src/index.ts';
import { handle } from '../../http-kit/src/handle.ts';
import { memoryPlatform } from '../../http-kit/src/testing/memory-platform.ts';
import type { Platform } from '../../platform/src/platform.ts';
import { startApi, type Api } from './server.ts';

const configOf = (env: Record<string, string>): Config =>
  E.getOrElseW((faults: readonly string[]) => {
    throw new Error(faults.join('; '));
  })(loadConfig({ HTTP_PORT: '0', ...env }));

const whoAmI = defineRoute({
  id: 'whoAmI',
  method: 'GET',
  path: '/api/who',
  tag: 'Test',
  summary: 'Who.',
  response: t.type({ name: t.string, mail: t.union([t.string, t.null]) }),
});
const slow = defineRoute({ id: 'slow', method: 'GET', path: '/api/slow', tag: 'Test', summary: 'Slow.', response: t.string });

let dataDir: string;
let platform: Platform;
let api: Api;
/** Lets `/api/slow` answer. */
let finish: () => void = () => {};
let entered: () => void = () => {};

const stream: FastifyPluginAsync = async (app) => {
  app.get(openLiveStream.path, (_, reply) => {
    reply.hijack();
    reply.raw.writeHead(200);
    reply.raw.flushHeaders();
  });
  app.get('/api/long', (_, reply) => {
    const body = new PassThrough();
    body.write('begun');
    finish = () => body.end('done');
    entered();
    return reply.send(body);
  });
};
const queryApi: FastifyPluginAsync = async (app) => {
  handle(app, platform, whoAmI, async ({ actor }) => ({ name: actor.displayName, mail: actor.email }));
  handle(app, platform, slow, async () => {
    const finished = new Promise<void>((resolve) => {
      finish = resolve;
    });
    entered();
    await finished;
    return 'done';
  });
};
const start = (more: Record<string, string> = {}): Promise<Api> => {
  const config = configOf({ DATA_DIR: dataDir, ...more });
  platform = memoryPlatform({ config });
  return startApi(
    platform,
    async (baseUrl) => ({
      queryApi,
      sse: stream,
      devIssuer: { ...(await createDevIssuer({ config, logger: platform.logger, baseUrl })), path: ISSUER_PATH },
    }),
    { checkResponses: true },
  );
};
beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'tidings-api-'));
  api = await start();
});
afterAll(async () => {
  await api.stop();
  await rm(dataDir, { recursive: true });
});

const tokenOf = async (name: string): Promise<string> => {
  const reply = await fetch(`${api.issuer}${TOKEN_PATH}`, {
    method: 'POST',
    body: new URLSearchParams({ grant_type: 'password', client_id: PUBLIC_CLIENT, username: name, password: name }),
  });
  return ((await reply.json()) as { access_token: string }).access_token;
};

describe('the API process', () => {
  it('knows a person by the token of the development issuer, and provisions them', async () => {
    const reply = await fetch(`${api.url}/api/who`, { headers: { authorization: `Bearer ${await tokenOf('alice')}` } });
    expect([reply.status, await reply.json()]).toEqual([200, { name: 'Alice Archer', mail: 'alice@tidings.test' }]);
    const { events } = await platform.log.readAll(0, START, 10);
    expect(events.map(({ type }) => type)).toEqual(['UserRegistered', 'AddressClaimed', 'MailboxOpened', 'MailboxMemberSet']);
  });

  it('does not count live streams among the requests in hand, neither open nor ended', async () => {
    const controller = new AbortController();
    await fetch(`${api.url}${openLiveStream.path}`, { signal: controller.signal });
    expect(api.health().detail).toEqual({ inFlight: 0 });
    controller.abort();
    await fetch(api.url);
    await expect.poll(() => api.health().detail).toEqual({ inFlight: 0 });
  });

  it('refuses everyone else', async () => {
    const reply = await fetch(`${api.url}/api/who`, { headers: { authorization: 'Bearer nonsense' } });
    expect([reply.status, ((await reply.json()) as { code: string }).code]).toEqual([401, 'UNAUTHORIZED']);
  });

  it('welcomes visitors and describes itself', async () => {
    const [root, description] = await Promise.all([fetch(api.url), fetch(`${api.url}/openapi.json`)]);
    expect(await root.text()).toContain('Welcome to Tidings');
    expect(await description.json()).toMatchObject({
      openapi: '3.1.1',
      components: { securitySchemes: { login: { openIdConnectUrl: `${api.issuer}/.well-known/openid-configuration` } } },
    });
  });

  it('has a page to try it that loads nothing from elsewhere', async () => {
    const page = await fetch(`${api.url}/docs`);
    const html = await page.text();
    expect(page.headers.get('content-security-policy')).toContain(`connect-src 'self' ${api.url}`);
    const files = [...html.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, file = '']) => file);
    expect(files.length).toBeGreaterThan(3);
    for (const file of files) {
      expect(file).not.toMatch(/^(https?:)?\/\//);
      expect((await fetch(new URL(file, `${api.url}/docs/`))).status, file).toBe(200);
    }
    expect(((await (await fetch(`${api.url}/docs/json`)).json()) as { info: { title: string } }).info.title).toBe('Tidings');
  });

  it('does not wait for connections that nothing was asked on', async () => {
    const own = await start();
    const socket = connect(own.port, '127.0.0.1');
    await once(socket, 'connect');
    await fetch(`${own.url}/health`); // by now the server knows of both
    const ended = once(socket.resume(), 'close');
    const began = performance.now();
    await own.stop();
    await ended;
    expect(performance.now() - began).toBeLessThan(4_000);
  });

  it('finishes what is in hand when it stops', async () => {
    const own = await start();
    const token = await tokenOf('bob'); // same keys, but another issuer URL
    const inside = new Promise<void>((resolve) => {
      entered = resolve;
    });
    const reply = await fetch(`${own.issuer}${TOKEN_PATH}`, {
      method: 'POST',
      body: new URLSearchParams({ grant_type: 'password', client_id: PUBLIC_CLIENT, username: 'bob', password: 'bob' }),
    });
    expect((await fetch(`${own.url}/api/who`, { headers: { authorization: `Bearer ${token}` } })).status).toBe(401);
    const { access_token } = (await reply.json()) as { access_token: string };
    const answer = fetch(`${own.url}/api/slow`, { headers: { authorization: `Bearer ${access_token}` } });
    await inside;
    expect(own.health().state).toBe('working');
    const stopped = own.stop();
    finish();
    expect(await (await answer).json()).toBe('done');
    await stopped;
    await expect(fetch(own.url)).rejects.toThrow();
  });

  it('does not wait for the connection of an answer that it was amid when it stopped', async () => {
    const own = await start();
    const socket = connect(own.port, '127.0.0.1');
    const ended = once(socket, 'close');
    const streaming = new Promise<void>((resolve) => {
      entered = resolve;
    });
    let said = '';
    socket.on('data', (chunk: Buffer) => void (said += chunk.toString()));
    socket.write('GET /api/long HTTP/1.1\r\nHost: localhost\r\n\r\n');
    await streaming;
    await vi.waitFor(() => expect(said).toContain('begun'));
    const began = performance.now();
    const stopped = own.stop();
    finish();
    await Promise.all([stopped, ended]);
    expect(said).toContain('done');
    expect(performance.now() - began).toBeLessThan(4_000);
  });

  it('does not start where nobody issues tokens, or where the port is taken', async () => {
    await expect(startApi(memoryPlatform({ config: configOf({}) }), () => ({}))).rejects.toThrow('OIDC_ISSUER');
    await expect(start({ HTTP_PORT: String(api.port) })).rejects.toThrow('EADDRINUSE');
  });
});
