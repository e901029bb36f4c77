import { expect, it } from 'vitest';
import { createHttpApp } from './app.ts';
import { knownPeople } from './testing/known-people.ts';
import { memoryPlatform } from './testing/memory-platform.ts';

it('a server that is being stopped finishes what it began, and says when to try again to who comes later', async () => {
  const app = createHttpApp(memoryPlatform(), { identity: knownPeople(), corsOrigin: 'https://town.example' });
  const [begun, release, stopping, stopped] = Array.from({ length: 4 }, () => Promise.withResolvers<void>());
  app.get('/slow', async () => {
    begun?.resolve();
    await release?.promise;
    return 'done';
  });
  app.addHook('preClose', async () => {
    stopping?.resolve();
    await stopped?.promise; // as live streams end before the socket does
  });
  const url = await app.listen({ host: '127.0.0.1', port: 0 });
  const slow = fetch(`${url}/slow`);
  await begun?.promise;
  const closed = app.close();
  await stopping?.promise;

  const late = await fetch(`${url}/slow`, { headers: { origin: 'https://town.example' } });
  expect(late.status).toBe(503);
  expect(Object.fromEntries(late.headers)).toMatchObject({
    'retry-after': '1',
    connection: 'close',
    'content-type': 'application/problem+json; charset=utf-8',
    'access-control-allow-origin': 'https://town.example',
  });
  expect(await late.json()).toMatchObject({ status: 503, code: 'SERVICE_UNAVAILABLE', traceId: late.headers.get('trace-id') });

  release?.resolve();
  const finished = await slow;
  expect([await finished.text(), finished.headers.get('connection')]).toEqual(['done', 'close']);
  stopped?.resolve();
  await closed;
});
