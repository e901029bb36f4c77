/** What of requests stands in the log. */
import type { FastifyInstance } from 'fastify';
import { pino } from 'pino';
import { afterEach, describe, expect, it } from 'vitest';
import { createHttpApp } from './app.ts';
import { knownPeople } from './testing/known-people.ts';
import { memoryPlatform } from './testing/memory-platform.ts';

const opened: FastifyInstance[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map((app) => app.close()));
});

/** The status of each request that is logged at this level, of one that is refused and one that we fail at. */
const logged = async (level: string): Promise<readonly unknown[]> => {
  const lines: { readonly msg: string; readonly status?: number }[] = [];
  const logger = pino({ level }, { write: (line: string) => void lines.push(JSON.parse(line) as (typeof lines)[number]) });
  const app = createHttpApp(memoryPlatform({ logger }), { identity: knownPeople() });
  opened.push(app);
  app.get('/fails', () => Promise.reject(new Error('boom')));
  expect((await app.inject('/nowhere')).statusCode).toBe(404);
  expect((await app.inject('/fails')).statusCode).toBe(500);
  return lines.filter(({ msg }) => msg === 'request').map(({ status }) => status);
};

describe('requests in the log', () => {
  it('are those that we failed at; who looks for refusals finds them too', async () => {
    expect(await logged('info')).toEqual([500]);
    expect(await logged('debug')).toEqual([404, 500]);
  });
});
