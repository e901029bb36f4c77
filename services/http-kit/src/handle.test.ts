import { int, text } from '@tidings/contracts/codec';
import { intParam } from '@tidings/contracts/http/query';
import { defineRoute } from '@tidings/contracts/http/route';
import { UserId } from '@tidings/contracts/ids';
import { START, type Position } from '@tidings/contracts/ports/event-log';
import type { FastifyInstance } from 'fastify';
import * as t from 'io-ts';
import { afterEach, describe, expect, it } from 'vitest';
import type { Platform } from '../../platform/src/platform.ts';
import { BODY_LIMIT, createHttpApp } from './app.ts';
import { bytes, type Ctx } from './ctx.ts';
import { handle, type HandleOptions, handlePublic } from './handle.ts';
import { knownPeople, person } from './testing/known-people.ts';
import { memoryPlatform } from './testing/memory-platform.ts';

const put = defineRoute({
  id: 'putThing',
  method: 'POST',
  path: '/api/things/{userId}',
  tag: 'Things',
  summary: 'A thing.',
  params: t.readonly(t.type({ userId: UserId })),
  query: t.partial({ limit: intParam(1, 10) }),
  body: t.readonly(t.type({ name: text(1, 5), parts: t.readonlyArray(t.type({ size: int(0) })) })),
  response: t.type({ name: t.string }),
});
const ID = '6f1a0b52-4d9e-4b37-9a75-0b6d2f0f6c11';
const alice = person('alice');
const opened: FastifyInstance[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map((app) => app.close()));
});

const newApp = (platform: Platform = memoryPlatform(), more: { readonly corsOrigin?: string; readonly checkResponses?: boolean } = {}) => {
  const app = createHttpApp(platform, { identity: knownPeople(alice, person('bob')), ...more });
  opened.push(app);
  return app;
};
type PutCtx = Ctx<{ readonly userId: UserId }, { readonly limit?: number }, t.TypeOf<typeof put.body>>;
const withThings = (
  handler: (ctx: PutCtx) => Promise<{ name: string }> = async ({ body }) => ({ name: body.name }),
  options: HandleOptions = {},
  platform: Platform = memoryPlatform(),
) => {
  const app = newApp(platform, { checkResponses: true });
  handle(app, platform, put, handler, options);
  return app;
};
const send = (app: FastifyInstance, more: { url?: string; headers?: Record<string, string>; payload?: string | object } = {}) =>
  app.inject({
    method: 'POST',
    url: `/api/things/${ID}`,
    payload: { name: 'ok', parts: [] },
    ...more,
    headers: { authorization: 'Bearer alice', 'content-type': 'application/json', ...more.headers },
  });

describe('a request', () => {
  it('is decoded once and answered as JSON', async () => {
    const seen: PutCtx[] = [];
    const app = withThings(async (ctx) => {
      seen.push(ctx);
      return { name: 'done' };
    });
    const reply = await send(app, { url: `/api/things/${ID.toUpperCase()}?limit=3` });
    expect([reply.statusCode, reply.headers['content-type'], reply.json()]).toEqual([
      200,
      'application/json; charset=utf-8',
      { name: 'done' },
    ]);
    expect(seen[0]).toMatchObject({
      actor: alice,
      params: { userId: ID },
      query: { limit: 3 },
      body: { name: 'ok' },
      idempotencyKey: null,
    });
    expect(seen[0]?.context.traceId).toBe(reply.headers['trace-id']);
  });

  it('lists every faulty field by the name the caller wrote', async () => {
    const reply = await send(withThings(), { url: '/api/things/nobody?limit=99', payload: { name: 'too long', parts: [{ size: -1 }] } });
    expect(reply.statusCode).toBe(400);
    expect(reply.headers['content-type']).toMatch(/^application\/problem\+json/);
    expect(reply.json()).toMatchObject({
      status: 400,
      code: 'VALIDATION_ERROR',
      errorCode: 'VALIDATION_ERROR',
      error: 'Bad Request',
      path: '/api/things/{userId}',
      errors: [
        { path: 'userId', message: 'must be a UUID' },
        { path: 'limit', message: 'must be a whole number from 1 to 10' },
        { path: 'name', message: 'must be a string of 1-5 characters' },
        { path: 'parts.0.size', message: expect.stringContaining('whole number') },
      ],
    });
  });

  it.each([
    ['malformed JSON', { payload: '{"name":' }, 400, 'VALIDATION_ERROR'],
    ['a poisoned prototype', { payload: '{"__proto__":{"a":1}}' }, 400, 'VALIDATION_ERROR'],
    ['no body', { payload: '' }, 400, 'VALIDATION_ERROR'],
    ['another content type', { payload: '<a/>', headers: { 'content-type': 'text/xml' } }, 415, 'UNSUPPORTED_MEDIA_TYPE'],
    ['a body over the limit', { payload: JSON.stringify({ name: 'x'.repeat(BODY_LIMIT) }) }, 413, 'CONTENT_TOO_LARGE'],
    ['no token', { headers: { authorization: '' } }, 401, 'UNAUTHORIZED'],
    ['another scheme', { headers: { authorization: 'Basic YTpi' } }, 401, 'UNAUTHORIZED'],
    ['an unknown token', { headers: { authorization: 'Bearer mallory' } }, 401, 'UNAUTHORIZED'],
    ['a path that is no URL', { url: '/api/things/%zz' }, 400, 'VALIDATION_ERROR'],
    ['an unknown path', { url: '/api/nothing' }, 404, 'CONTENT_NOT_FOUND'],
  ])('with %s is refused by the one error body', async (_, request, status, code) => {
    const reply = await send(withThings(), request);
    expect([reply.statusCode, reply.json().code]).toEqual([status, code]);
    expect(reply.json()).toMatchObject({ status, errorCode: code, message: reply.json().detail, timestamp: expect.stringMatching(/Z$/) });
  });

  it('without a token is refused before its body is read', async () => {
    const reply = await send(withThings(), { headers: { authorization: '' }, payload: '{"name":' });
    expect(reply.statusCode).toBe(401);
    expect(reply.headers['www-authenticate']).toMatch(/^Bearer /);
  });

  it('with the wrong method hears which ones there are', async () => {
    const reply = await withThings().inject({ method: 'PUT', url: `/api/things/${ID}?x=1` });
    expect([reply.statusCode, reply.headers.allow]).toEqual([405, 'POST']);
  });

  it('that fails inside leaks nothing but its trace id', async () => {
    const reply = await send(
      withThings(async () => {
        throw new Error('password=hunter2');
      }),
      { headers: { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01' } },
    );
    expect(reply.statusCode).toBe(500);
    expect(reply.json().traceId).toBe('0af7651916cd43dd8448eb211c80319c');
    expect(reply.body).not.toContain('hunter2');
  });
});

describe('an answer', () => {
  it('against its own contract is a fault in tests', async () => {
    const reply = await send(withThings(async () => ({ name: 7 }) as never)); // wrong on purpose
    expect(reply.statusCode).toBe(500);
  });

  it('may be empty, text, bytes or JSON text', async () => {
    const platform = memoryPlatform();
    const app = newApp(platform);
    const base = { method: 'GET' as const, tag: 'T', summary: 'S', public: true };
    handlePublic(app, platform, defineRoute({ ...base, id: 'a', path: '/empty' }), async () => {});
    handlePublic(
      app,
      platform,
      defineRoute({ ...base, id: 'b', path: '/text', response: t.string, produces: 'text' }),
      async () => 'hello',
    );
    handlePublic(app, platform, defineRoute({ ...base, id: 'c', path: '/raw', produces: 'rfc822' }), async () =>
      bytes(Buffer.from([0xff, 0]), 'message/rfc822'),
    );
    handlePublic(app, platform, defineRoute({ ...base, id: 'd', path: '/json', response: t.unknown }), async () =>
      bytes('{"a":1}', 'application/json'),
    );
    const [empty, textual, raw, json] = await Promise.all(['/empty', '/text', '/raw', '/json'].map((url) => app.inject({ url })));
    expect([empty?.statusCode, empty?.body, empty?.headers['content-length']]).toEqual([200, '', '0']);
    expect([textual?.body, textual?.headers['content-type']]).toEqual(['hello', 'text/plain; charset=utf-8']);
    expect([raw?.rawPayload, raw?.headers['content-type']]).toEqual([Buffer.from([0xff, 0]), 'message/rfc822']);
    expect(json?.json()).toEqual({ a: 1 });
  });

  it('may be read by one foreign origin only, and carries safe headers', async () => {
    const platform = memoryPlatform();
    const app = newApp(platform, { corsOrigin: 'https://app.example' });
    handlePublic(app, platform, defineRoute({ id: 'a', method: 'GET', path: '/a', tag: 'T', summary: 'S', public: true }), async () => {});
    const mine = await app.inject({ url: '/a', headers: { origin: 'https://app.example' } });
    expect(mine.headers).toMatchObject({
      'access-control-allow-origin': 'https://app.example',
      'access-control-expose-headers': expect.stringContaining('Tidings-Position'),
      'x-content-type-options': 'nosniff',
    });
    const other = await app.inject({ url: '/a', headers: { origin: 'https://evil.example' } });
    expect(other.headers['access-control-allow-origin']).toBeUndefined();
    const preflight = await app.inject({
      method: 'OPTIONS',
      url: '/a',
      headers: { origin: 'https://app.example', 'access-control-request-method': 'PUT' },
    });
    expect([preflight.statusCode, preflight.headers['access-control-allow-methods']]).toEqual([
      204,
      'GET, POST, PUT, PATCH, DELETE, OPTIONS',
    ]);
  });
});

describe('settling', () => {
  const position = '0000000000000042' as Position;
  const settling = (waitFor: Platform['freshness']['waitFor'], options: HandleOptions = {}) =>
    withThings(
      async (ctx) => {
        await ctx.settle(position, ['rooms']);
        return { name: 'seen' };
      },
      options,
      memoryPlatform({ freshness: { waitFor, close: async () => {} } }),
    );

  it('waits for the named projections and tells the position', async () => {
    const asked: unknown[] = [];
    const reply = await send(settling(async (...args) => asked.push(args) > 0));
    expect([reply.statusCode, reply.headers['tidings-position']]).toEqual([200, position]);
    expect(asked).toEqual([[position, ['rooms'], 5_000]]);
  });

  it('that takes too long says that the command stands', async () => {
    const reply = await send(settling(async () => false));
    expect([reply.statusCode, reply.json().code, reply.headers['retry-after'], reply.headers['tidings-position']]).toEqual([
      503,
      'NOT_YET_VISIBLE',
      '1',
      position,
    ]);
  });

  it('does not wait for who prefers not to', async () => {
    const reply = await send(
      settling(() => new Promise(() => {})),
      { headers: { prefer: 'respond-async, wait=10' } },
    );
    expect([reply.statusCode, reply.body, reply.headers['preference-applied'], reply.headers['tidings-position']]).toEqual([
      202,
      '',
      'respond-async',
      position,
    ]);
  });

  it('is what a query asks for by naming a position', async () => {
    const asked: unknown[] = [];
    const app = settling(async (...args) => asked.push(args) < 2, { reads: ['timeline'] });
    const reply = await send(app, { headers: { 'tidings-position': START } });
    expect(asked).toEqual([
      [START, ['timeline'], 2_000],
      [position, ['rooms'], 5_000],
    ]);
    expect(reply.statusCode).toBe(503);
    expect((await send(app, { headers: { 'tidings-position': 'x' } })).statusCode).toBe(400);
  });
});
