/** How a stream begins at the door and how it ends. */
import { user } from '@tidings/projections/feed/testing/story';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../../tests/kit/postgres.ts';
import { person } from '../../http-kit/src/testing/known-people.ts';
import { MAX_UNSENT } from './stream.ts';
import { Listening } from './testing/listening.ts';
import { openNewsroom, type Newsroom } from './testing/newsroom.ts';
import { begin, say } from './testing/team.ts';

const soon = { timeout: 15_000, interval: 20 };

let database: TestDatabase;
let news: Newsroom;

beforeEach(async () => {
  database = await createTestDatabase();
  news = await openNewsroom(database.url);
});
afterEach(async () => {
  await news.close();
  await database.drop();
});

describe('a stream ends', () => {
  it('when its client stops reading, and harms nobody else', async () => {
    await begin(news);
    const { url, metrics } = await news.node();
    const slow = await Listening.open(url, 'bob');
    const quick = await Listening.open(url, 'ada');
    slow.hang();
    const long = 'x'.repeat(4000);
    // What is bounded is what we hold; the kernel takes some megabytes before that.
    let sent = 0;
    await vi.waitFor(
      async () => {
        await say(news, ...Array.from({ length: 200 }, () => long));
        sent += 200;
        expect(await metrics.getSingleMetricAsString('tidings_sse_closed_total')).toContain('reason="slow"} 1');
      },
      { timeout: 60_000, interval: 10 },
    );
    expect(sent * 4000).toBeGreaterThan(MAX_UNSENT);
    await quick.until(({ heard }) => heard.length === sent);
    expect(quick.ended).toBe(false);
    slow.resume();
    await slow.until(({ ended }) => ended);
    const again = await Listening.open(url, 'bob', slow.lastId);
    await again.until(({ heard }) => slow.heard.length + heard.length === sent);
  }, 90_000);

  it('when its token does', async () => {
    await begin(news);
    const { url, metrics } = await news.node({}, person('bob', { expiresAt: Date.now() + 300 }), person('ada'));
    const bob = await Listening.open(url, 'bob');
    const ada = await Listening.open(url, 'ada');
    await bob.until(({ ended }) => ended);
    expect(ada.ended).toBe(false);
    await vi.waitFor(async () =>
      expect(await metrics.getSingleMetricAsString('tidings_sse_closed_total')).toContain('reason="expired"} 1'),
    );
  });

  it('when the server stops, which does not wait for clients', async () => {
    const node = await news.node();
    const listening = await Listening.open(node.url, 'ada');
    listening.hang();
    await node.close();
    listening.resume();
    await listening.until(({ ended }) => ended);
    expect(node.feed.health().detail).toMatchObject({ connections: 0 });
  });
});

describe('the door', () => {
  it('hears a comment now and then', async () => {
    const { url } = await news.node();
    const listening = await Listening.open(url, 'ada');
    await listening.until(({ comments }) => comments >= 2, 6000); // the first is the greeting
    expect(listening.heard).toEqual([]);
  });

  it('refuses more streams than it is made for, and takes one again when one has gone', async () => {
    const { url, feed } = await news.node({ maxConnections: 1 });
    const first = await Listening.open(url, 'ada');
    const refused = await fetch(`${url}/api/sse`, { headers: { authorization: 'Bearer bob' } });
    expect(refused.status).toBe(503);
    expect(await refused.json()).toMatchObject({ code: 'SERVICE_UNAVAILABLE' });
    expect(refused.headers.get('retry-after')).toBe('5');
    first.close();
    await vi.waitFor(() => expect(feed.health().detail).toMatchObject({ connections: 0, users: 0 }), soon);
    (await Listening.open(url, 'bob')).close();
  });

  it('asks for a token, and answers as an event stream that no proxy may keep', async () => {
    const { url } = await news.node();
    const refused = await fetch(`${url}/api/sse`);
    expect(refused.status).toBe(401);
    expect(await refused.json()).toMatchObject({ code: 'UNAUTHORIZED' });
    const controller = new AbortController();
    const response = await fetch(`${url}/api/sse`, { headers: { authorization: 'Bearer ada' }, signal: controller.signal });
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-cache, no-transform',
    });
    controller.abort();
  });

  it('tells that a private room was opened, by the name of the other', async () => {
    news.story.registers('ada').registers('bob');
    await news.publish();
    const { url } = await news.node();
    const bob = await Listening.open(url, 'bob');
    news.story.creates('pair', 'Single', 'ada', 'bob').says('pair', 'ada', 'hello');
    await news.publish();
    await bob.until(({ heard }) => heard.length === 2);
    expect(bob.heard).toMatchObject([
      { event: { type: 'NewRoom', room: { roomName: 'ada' } } },
      { event: { type: 'ChatMessage', message: { senderId: user('ada'), seq: 1 } } },
    ]);
  });
});
