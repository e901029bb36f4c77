import { decodeJwt, decodeProtectedHeader, createRemoteJWKSet, jwtVerify } from 'jose';
import Fastify, { type FastifyInstance } from 'fastify';
import { createHash, randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDevIssuer, demoPeople } from './index.ts';
import { ISSUER_PATH, PUBLIC_CLIENT, SERVICE_CLIENT, TOKEN_PATH } from './names.ts';

const logger = pino({ level: 'silent' });
const oidc = { issuer: null, audience: 'account', adminRole: 'tidings-admin' };
let dataDir: string;
let app: FastifyInstance;
let base: string;

const start = async (port: number): Promise<FastifyInstance> => {
  const started = Fastify({ forceCloseConnections: true });
  const config = { environment: 'development', dataDir, mailDomains: ['tidings.test'], oidc } as const;
  const { plugin } = await createDevIssuer({
    config,
    logger,
    baseUrl: () => `http://localhost:${(started.server.address() as AddressInfo).port}`,
  });
  await started.register(plugin);
  await started.listen({ port, host: 'localhost' });
  return started;
};
beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'tidings-issuer-'));
  app = await start(0);
  base = `http://localhost:${(app.server.address() as AddressInfo).port}`;
});
afterAll(async () => {
  await app.close();
  await rm(dataDir, { recursive: true });
});

const ask = async (form: Record<string, string>): Promise<{ status: number; body: Record<string, unknown> }> => {
  const response = await fetch(`${base}${ISSUER_PATH}${TOKEN_PATH}`, { method: 'POST', body: new URLSearchParams(form) });
  return { status: response.status, body: (await response.json()) as Record<string, unknown> };
};
const passwordToken = async (username: string, password = username): Promise<string> => {
  const { body } = await ask({ grant_type: 'password', client_id: PUBLIC_CLIENT, username, password });
  return body['access_token'] as string;
};
const verify = async (token: string) => {
  const discovery = (await (await fetch(`${base}${ISSUER_PATH}/.well-known/openid-configuration`)).json()) as {
    issuer: string;
    jwks_uri: string;
  };
  return jwtVerify(token, createRemoteJWKSet(new URL(discovery.jwks_uri)), { issuer: discovery.issuer, audience: 'account' });
};

describe('the development issuer', () => {
  it('gives a token for a name, as Keycloak would', async () => {
    const token = await passwordToken('alice');
    const { payload } = await verify(token);
    expect(payload).toMatchObject({
      iss: `${base}${ISSUER_PATH}`,
      sub: demoPeople('tidings.test')[0]?.userId,
      aud: 'account',
      azp: PUBLIC_CLIENT,
      preferred_username: 'alice',
      name: 'Alice Archer',
      email: 'alice@tidings.test',
      email_verified: true,
      realm_access: { roles: [] },
    });
    expect(decodeProtectedHeader(token).alg).toBe('RS256');
  });

  it('refuses a wrong password and an unknown user', async () => {
    for (const username of ['alice', 'mallory']) {
      const { status, body } = await ask({ grant_type: 'password', client_id: PUBLIC_CLIENT, username, password: 'x' });
      expect([status, body['error']]).toEqual([400, 'invalid_grant']);
    }
  });

  it('gives a service the admin role by client credentials', async () => {
    const { body } = await ask({ grant_type: 'client_credentials', client_id: SERVICE_CLIENT, client_secret: SERVICE_CLIENT });
    const { payload } = await verify(body['access_token'] as string);
    expect(payload).toMatchObject({ aud: 'account', azp: SERVICE_CLIENT, realm_access: { roles: ['tidings-admin'] } });
  });

  it('logs a page in by authorization code with PKCE', async () => {
    const verifier = randomBytes(32).toString('base64url');
    const redirectUri = `${base}/docs/static/oauth2-redirect.html`;
    const begin = new URL(`${base}${ISSUER_PATH}/protocol/openid-connect/auth`);
    begin.search = new URLSearchParams({
      client_id: PUBLIC_CLIENT,
      response_type: 'code',
      redirect_uri: redirectUri,
      scope: 'openid',
      state: 's',
      code_challenge: createHash('sha256').update(verifier).digest('base64url'),
      code_challenge_method: 'S256',
    }).toString();
    const cookies = new Map<string, string>();
    const visit = async (url: string, form?: Record<string, string>): Promise<Response> => {
      const response = await fetch(url, {
        redirect: 'manual',
        headers: { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; ') },
        ...(form && { method: 'POST', body: new URLSearchParams(form) }),
      });
      for (const cookie of response.headers.getSetCookie()) {
        const [name = '', value = ''] = (cookie.split(';')[0] ?? '').split('=');
        cookies.set(name, value);
      }
      return response;
    };
    const toLogin = new URL((await visit(begin.toString())).headers.get('location') ?? '', base).toString();
    expect(await (await visit(toLogin)).text()).toContain('Development login');
    expect((await visit(toLogin, { username: 'bob', password: 'no' })).status).toBe(403);
    const back = await visit(toLogin, { username: 'bob', password: 'bob' });
    const done = await visit(back.headers.get('location') ?? '');
    const code = new URL(done.headers.get('location') ?? '').searchParams.get('code') ?? '';
    const { body } = await ask({
      grant_type: 'authorization_code',
      client_id: PUBLIC_CLIENT,
      code,
      redirect_uri: redirectUri,
      code_verifier: verifier,
    });
    expect(decodeJwt(body['access_token'] as string)).toMatchObject({ aud: 'account', preferred_username: 'bob' });
  });

  it('answers an unknown login with a sentence', async () => {
    const response = await fetch(`${base}${ISSUER_PATH}/interaction/nothing`);
    expect([response.status, await response.text()]).toEqual([400, expect.stringContaining('Begin it anew')]);
  });

  it('keeps its keys, so that tokens outlive a restart', async () => {
    const token = await passwordToken('carol');
    const { port } = app.server.address() as AddressInfo;
    await app.close();
    app = await start(port);
    expect((await verify(token)).payload['preferred_username']).toBe('carol');
  });

  it('refuses production', async () => {
    const config = { environment: 'production', dataDir, mailDomains: ['tidings.test'], oidc } as const;
    await expect(createDevIssuer({ config, logger, baseUrl: () => '' })).rejects.toThrow('does not run in production');
  });
});
