import { defineRoute } from '@tidings/contracts/http/route';
import type { Problem } from '@tidings/contracts/http/problem';
import { loadConfig } from '@tidings/infra/config/config';
import type { FastifyInstance, LightMyRequestResponse } from 'fastify';
import * as E from 'fp-ts/lib/Either.js';
import * as t from 'io-ts';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Platform } from '../../platform/src/platform.ts';
import { createHttpApp } from './app.ts';
import { handle } from './handle.ts';
import { knownPeople, person } from './testing/known-people.ts';
import { memoryPlatform } from './testing/memory-platform.ts';

const route = { tag: 'Tests', summary: 'For tests.', response: t.number } as const;
const say = defineRoute({ ...route, id: 'say', method: 'POST', path: '/say' });
const put = defineRoute({ ...route, id: 'put', method: 'PUT', path: '/put' });
const look = defineRoute({ ...route, id: 'look', method: 'GET', path: '/look' });

let app: FastifyInstance;
let platform: Platform;
let handled: number;
const open = async (RATE_LIMITS: string): Promise<void> => {
  const config = E.getOrElseW(() => undefined)(loadConfig({ RATE_LIMITS }));
  if (config === undefined) throw new Error(`not a configuration: ${RATE_LIMITS}`);
  platform = memoryPlatform({ config });
  app = createHttpApp(platform, { identity: knownPeople(person('ada'), person('bob'), person('shop', { isAdmin: true })) });
  handled = 0;
  const count = async (): Promise<number> => ++handled;
  handle(app, platform, say, count, { rateClass: 'messages' });
  handle(app, platform, put, count);
  handle(app, platform, look, count);
  await app.ready();
};
// Only the clock stands still: buckets fill by `performance.now()`.
beforeEach(() => void vi.useFakeTimers({ toFake: ['performance'] }));
afterEach(async () => {
  vi.useRealTimers();
  await app.close();
});

const ask = (method: 'GET' | 'POST' | 'PUT', url: string, token = 'ada', remoteAddress = '192.0.2.1'): Promise<LightMyRequestResponse> =>
  app.inject({ method, url, remoteAddress, headers: { authorization: `Bearer ${token}` } });
const statuses = async (count: number, ...request: Parameters<typeof ask>): Promise<readonly number[]> => {
  const found: number[] = [];
  for (let n = 0; n < count; n += 1) found.push((await ask(...request)).statusCode);
  return found;
};

describe('rate limits', () => {
  it('let a burst through, then so many a second, and say so', async () => {
    await open('messages=2/3');
    const first = await ask('POST', '/say');
    expect(first.statusCode).toBe(200);
    expect(first.headers).toMatchObject({
      'ratelimit-limit': '3',
      'ratelimit-remaining': '2',
      'ratelimit-reset': '1',
      'ratelimit-policy': '2;w=1;burst=3',
    });
    expect(first.headers['retry-after']).toBeUndefined();
    expect(await statuses(3, 'POST', '/say')).toEqual([200, 200, 429]);

    const refused = await ask('POST', '/say');
    expect(refused.headers).toMatchObject({ 'ratelimit-remaining': '0', 'ratelimit-reset': '2', 'retry-after': '1' });
    expect(refused.headers['content-type']).toContain('application/problem+json');
    expect(refused.json<Problem>()).toMatchObject({ status: 429, errorCode: 'RATE_LIMITED', path: '/say' });
    expect(handled, 'what is refused is not handled').toBe(3);

    vi.advanceTimersByTime(1_000);
    expect(await statuses(3, 'POST', '/say')).toEqual([200, 200, 429]);
    vi.advanceTimersByTime(60_000);
    expect(await statuses(4, 'POST', '/say')).toEqual([200, 200, 200, 429]);
    expect(await platform.metrics.getSingleMetricAsString('tidings_http_rate_limited_total')).toContain('{class="messages"} 4');
  });

  it('count each user and each class for itself', async () => {
    await open('messages=1/1,writes=1/1,reads=1/1');
    expect(await statuses(2, 'POST', '/say')).toEqual([200, 429]);
    expect(await statuses(2, 'PUT', '/put')).toEqual([200, 429]);
    expect(await statuses(2, 'GET', '/look')).toEqual([200, 429]);
    expect(await statuses(2, 'POST', '/say', 'bob')).toEqual([200, 429]);
  });

  it('count what comes with an admin token in a class of its own, whatever it asks for', async () => {
    await open('messages=1/1,writes=1/1,reads=1/1,service=1/4');
    expect(await statuses(2, 'POST', '/say', 'shop')).toEqual([200, 200]);
    expect(await statuses(2, 'GET', '/look', 'shop')).toEqual([200, 200]);
    expect(await statuses(1, 'PUT', '/put', 'shop')).toEqual([429]);
    expect(await statuses(1, 'PUT', '/put')).toEqual([200]);
  });

  it('tell slow rates by their window', async () => {
    await open('messages=0.1/1');
    expect((await ask('POST', '/say')).headers['ratelimit-policy']).toBe('1;w=10;burst=1');
    expect((await ask('POST', '/say')).headers['retry-after']).toBe('10');
  });

  it('slow down who brings bad tokens, by address, and nobody who brings a good one', async () => {
    await open('failures=1/2');
    expect(await statuses(3, 'GET', '/look', 'eve')).toEqual([401, 401, 429]);
    expect(await statuses(1, 'GET', '/look', 'ada')).toEqual([200]);
    expect(await statuses(1, 'GET', '/look', 'eve', '192.0.2.2')).toEqual([401]);
    vi.advanceTimersByTime(1_000);
    expect(await statuses(2, 'GET', '/look', 'eve')).toEqual([401, 429]);
  });

  it('can be off', async () => {
    await open('off');
    const answers = await Promise.all(Array.from({ length: 2_000 }, () => ask('GET', '/look')));
    expect(new Set(answers.map(({ statusCode }) => statusCode))).toEqual(new Set([200]));
    expect(answers[0]?.headers).not.toHaveProperty('ratelimit-limit');
  });
});
