import fc from 'fast-check';
import { positionOf, room, user } from '@tidings/projections/feed/testing/story';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../../tests/kit/postgres.ts';
import { person } from '../../http-kit/src/testing/known-people.ts';
import { MAX_UNSENT } from './stream.ts';
import { Listening } from './testing/listening.ts';
import { openNewsroom, type Newsroom } from './testing/newsroom.ts';

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

/** Two people and a room; told and published. */
const begin = async (): Promise<void> => {
  news.story.registers('ada').registers('bob').creates('team', 'Group', 'ada', 'bob');
  await news.publish();
};
const say = async (...texts: readonly string[]): Promise<void> => {
  for (const text of texts) news.story.says('team', 'ada', text);
  await news.publish();
};
const textsOf = (listening: Listening): readonly unknown[] =>
  listening.heard.map(({ event }) => (event as { message?: { msgBody: { text?: string } } }).message?.msgBody.text);

describe('a live stream', () => {
  it('begins now, tells what happens to every device of every member, with ids, in order', async () => {
    await begin();
    await say('before');
    const { url } = await news.node();
    const listeners = await Promise.all(['ada', 'bob', 'bob'].map((name) => Listening.open(url, name)));
    const outsider = await Listening.open(url, 'cyd');
    await say('one', 'two');
    for (const listening of listeners) {
      await listening.until(({ heard }) => heard.length === 2);
      expect(textsOf(listening)).toEqual(['one', 'two']);
      expect(listening.heard.map(({ id }) => id)).toEqual([`${positionOf(5)}.0`, `${positionOf(6)}.0`]);
    }
    expect(outsider.heard).toEqual([]);
  });

  it('resumes behind the last id: each event once and in order, from a restart, another node, another device', async () => {
    await begin();
    const first = await news.node();
    const early = await Listening.open(first.url, 'bob');
    await say('one', 'two');
    await early.until(({ heard }) => heard.length === 2);
    const id = early.heard[0]?.id ?? '';
    await first.close();
    await early.until(({ ended }) => ended);
    await say('three');
    const second = await news.node();
    const late = await Listening.open(second.url, 'bob', id);
    await late.until(({ heard }) => heard.length === 2);
    await say('four');
    await late.until(({ heard }) => heard.length === 3);
    expect(textsOf(late)).toEqual(['two', 'three', 'four']);
  });

  it('gives an id to resume from before there was any event', async () => {
    await begin();
    const { url } = await news.node();
    const listening = await Listening.open(url, 'bob');
    await listening.until(({ lastId }) => lastId !== '');
    listening.close();
    await say('missed');
    const again = await Listening.open(url, 'bob', listening.lastId);
    await again.until(({ heard }) => heard.length === 1);
    expect(textsOf(again)).toEqual(['missed']);
  });

  it('takes the id from the query too; the header, being newer, wins', async () => {
    await begin();
    const { url } = await news.node();
    await say('one', 'two');
    const ask = (headers: Record<string, string>): Promise<Response> =>
      fetch(`${url}/api/sse?lastEventId=${positionOf(3)}`, {
        headers: { authorization: 'Bearer bob', ...headers },
        signal: AbortSignal.timeout(10_000),
      });
    const firstEvent = async (response: Response): Promise<string> => {
      let text = '';
      for await (const chunk of response.body ?? []) {
        text += Buffer.from(chunk).toString();
        const id = /^id: (\S+)\ndata/m.exec(text)?.[1];
        if (id !== undefined) return id;
      }
      return 'none';
    };
    expect(await firstEvent(await ask({}))).toBe(`${positionOf(4)}.0`);
    expect(await firstEvent(await ask({ 'last-event-id': `${positionOf(4)}.0` }))).toBe(`${positionOf(5)}.0`);
  });

  it.each(['nonsense', '12', `${positionOf(1)}.x`, `${positionOf(1)}.0; drop table entry`])('refuses the malformed id %j', async (id) => {
    const { url } = await news.node();
    await vi.waitFor(async () => {
      const response = await fetch(`${url}/api/sse`, { headers: { authorization: 'Bearer bob', 'last-event-id': id } });
      expect(response.status).toBe(400);
      expect(await response.json()).toMatchObject({ code: 'VALIDATION_ERROR', errors: [{ path: 'Last-Event-ID' }] });
    });
  });

  it('says Resync once and goes on live when the id is older than what is kept, or nobody ever gave it', async () => {
    await begin();
    await say('old');
    news.story.daysPass(40);
    await say('kept');
    const { url } = await news.node();
    for (const [id, reason] of [
      [positionOf(2), 'no-longer-kept'],
      [positionOf(4711), 'unknown-id'],
    ] as const) {
      const listening = await Listening.open(url, 'bob', id);
      await listening.until(({ heard }) => heard.length === 1);
      expect(listening.heard[0]).toMatchObject({ event: { type: 'Resync', reason } });
      await say(`after ${reason}`);
      await listening.until(({ heard }) => heard.length === 2);
      expect(textsOf(listening)).toEqual([undefined, `after ${reason}`]);
      listening.close();
    }
  });

  it('takes an id from a node that is further on than this one', async () => {
    await begin();
    const { url } = await news.node();
    news.story.says('team', 'ada', 'heard elsewhere').says('team', 'ada', 'not yet heard');
    const listening = await Listening.open(url, 'bob', `${positionOf(4)}.0`);
    await news.publish();
    await listening.until(({ heard }) => heard.length === 1);
    expect(textsOf(listening)).toEqual(['not yet heard']);
  });

  it('goes on through a cut-over of the feed', async () => {
    await begin();
    const { url } = await news.node();
    const listening = await Listening.open(url, 'bob');
    await say('one');
    await news.cutOver();
    await say('two');
    await listening.until(({ heard }) => heard.length === 2);
    const resumed = await Listening.open(url, 'bob', listening.heard[0]?.id);
    await resumed.until(({ heard }) => heard.length === 1);
    expect(textsOf(listening)).toEqual(['one', 'two']);
    expect(textsOf(resumed)).toEqual(['two']);
  });
});

describe('who may hear', () => {
  it('changes with membership as it happens', async () => {
    await begin();
    news.story.registers('cyd');
    await news.publish();
    const { url } = await news.node();
    const cyd = await Listening.open(url, 'cyd');
    await say('before');
    news.story.joins('team', 'cyd', 'ada');
    await say('during');
    news.story.leaves('team', 'cyd', 'Group');
    await say('after');
    await cyd.until(({ types }) => types.includes('LeaveRoom'));
    expect(cyd.types).toEqual(['NewRoom', 'ChatMessage', 'LeaveRoom']);
    expect(textsOf(cyd)[1]).toBe('during');
  });

  it('is decided by the place of an event in the log, also for who resumes from long before', async () => {
    await begin();
    news.story.registers('cyd');
    await say('before');
    news.story.joins('team', 'cyd', 'ada');
    await say('during');
    news.story.leaves('team', 'cyd', 'Group');
    await say('after');
    const { url } = await news.node();
    const everything = await Listening.open(url, 'cyd', positionOf(0));
    await everything.until(({ heard }) => heard.length === 3);
    await say('later');
    const bob = await Listening.open(url, 'bob', positionOf(0));
    await bob.until(({ heard }) => heard.length === 7);
    expect(everything.types).toEqual(['NewRoom', 'ChatMessage', 'LeaveRoom']);
    expect(everything.heard[2]?.event).toMatchObject({ roomId: room('team') });
    expect(bob.types).toEqual([
      'NewRoom',
      'ChatMessage',
      'RoomChangeEvent',
      'ChatMessage',
      'RoomChangeEvent',
      'ChatMessage',
      'ChatMessage',
    ]);
  });
});

describe('what this process appended itself', () => {
  const story = () => news.story;
  const sayHere = async (text: string): Promise<void> => {
    story().says('team', 'ada', text);
    news.appendedHere(...lately(story().events.length - 1));
    await news.publish();
  };
  /** Has heard one message by the tables, so the hub is with it from here on. */
  const listening = async (url: string): Promise<Listening> => {
    const ada = await Listening.open(url, 'ada');
    await say('hello');
    return ada.until(({ heard }) => heard.length === 1);
  };
  const lately = (from: number) => story().events.slice(from);

  it('is told before the tables hold it, by the ids and bytes that they will hold', async () => {
    await begin();
    const { url } = await news.node();
    const ada = await listening(url);
    await sayHere('one'); // by the tables: who speaks, and how much was said before
    await ada.until(({ heard }) => heard.length === 2);
    const from = story().events.length;
    story().says('team', 'ada', 'two').reads('team', 'bob', 2).says('team', 'ada', 'three');
    news.appendedHere(...lately(from));
    await ada.until(({ heard }) => heard.length === 5);
    await news.publish();
    const again = await Listening.open(url, 'ada', positionOf(3));
    await again.until(({ heard }) => heard.length === 5);
    expect(again.heard).toEqual(ada.heard);
  });

  it('waits for the tables behind whatever only they can tell, also a new name', async () => {
    await begin();
    const { url } = await news.node();
    const ada = await listening(url);
    await sayHere('one');
    await ada.until(({ heard }) => heard.length === 2);
    const from = story().events.length;
    story().joins('team', 'cyd', 'ada').renames('ada', 'Countess').says('team', 'ada', 'two').says('team', 'ada', 'three');
    news.appendedHere(...lately(from));
    await news.publish();
    await ada.until(({ heard }) => heard.length === 5);
    expect(ada.types).toEqual(['ChatMessage', 'ChatMessage', 'RoomChangeEvent', 'ChatMessage', 'ChatMessage']);
    expect(ada.heard.slice(3)).toMatchObject([
      { event: { message: { seq: 4 }, roomPreviewText: { sender_username: 'Countess' } } },
      { event: { message: { seq: 5 }, roomPreviewText: { sender_username: 'Countess' } } },
    ]);
    const again = await Listening.open(url, 'ada', positionOf(3));
    await again.until(({ heard }) => heard.length === 5);
    expect(again.heard).toEqual(ada.heard);
  });

  it('comes in the order of the log, whatever the order of the answers, with the events of others between', async () => {
    await begin();
    const { url } = await news.node();
    const ada = await listening(url);
    await sayHere('zero');
    await ada.until(({ heard }) => heard.length === 2);
    const from = story().events.length;
    story().says('team', 'ada', 'one').says('team', 'ada', 'of another process').says('team', 'ada', 'three');
    const [one, , three] = lately(from);
    if (one === undefined || three === undefined) throw new Error('three were appended');
    news.appendedHere(three, one);
    await ada.until(({ heard }) => heard.length === 5);
    expect(textsOf(ada)).toEqual(['hello', 'zero', 'one', 'of another process', 'three']);
    expect(ada.heard.map(({ event }) => (event as { message?: { seq: number } }).message?.seq)).toEqual([1, 2, 3, 4, 5]);
  });

  it('is there for who resumes while the tables are still behind it', async () => {
    await begin();
    const { url } = await news.node();
    const ada = await listening(url);
    await sayHere('one');
    await ada.until(({ heard }) => heard.length === 2);
    const from = story().events.length;
    const texts = Array.from({ length: 300 }, (_, at) => `${at} ${'x'.repeat(1000)}`); // more than memory keeps
    for (const text of texts) story().says('team', 'ada', text);
    news.appendedHere(...lately(from));
    await ada.until(({ heard }) => heard.length === 302);
    const resumed = Listening.open(url, 'bob', ada.heard[1]?.id);
    await news.publish();
    await (await resumed).until(({ heard }) => heard.length === 300);
    expect((await resumed).heard).toEqual(ada.heard.slice(2));
  });

  it('may be lost on the way: the tables tell it', async () => {
    await begin();
    const { url } = await news.node();
    const ada = await Listening.open(url, 'ada');
    await sayHere('one');
    story().says('team', 'ada', 'two').says('team', 'ada', 'three');
    news.appendedHere(...story().events.slice(-2, -1));
    await news.publish();
    await ada.until(({ heard }) => heard.length === 3);
    expect(textsOf(ada)).toEqual(['one', 'two', 'three']);
  });
});

describe('resuming amid writes', () => {
  it('never loses and never repeats, wherever the connection breaks', async () => {
    await begin();
    news.story.registers('cyd');
    await news.publish();
    const { url } = await news.node();
    let n = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.integer({ min: 0, max: 12 }), fc.integer({ min: 1, max: 9 }), fc.boolean()), { minLength: 3, maxLength: 8 }),
        async (rounds) => {
          const from = news.story.head;
          const texts: string[] = [];
          let lastId: string = from;
          const got: { readonly id: string; readonly event: object }[] = [];
          for (const [messages, pageSize, leaves] of rounds) {
            for (let at = 0; at < messages; at++) {
              const text = `m${n++}`;
              texts.push(text);
              news.story.says('team', 'ada', text);
            }
            if (leaves) news.story.joins('team', 'cyd', 'ada').leaves('team', 'cyd', 'Group');
            const writing = news.publish(pageSize);
            const listening = await Listening.open(url, 'bob', lastId);
            const enough = Math.ceil(messages / 2);
            await listening.until(({ heard }) => heard.length >= enough);
            listening.close();
            await listening.until(({ ended }) => ended);
            got.push(...listening.heard);
            lastId = listening.lastId || lastId; // it may have broken before it was told anything
            await writing;
          }
          const rest = await Listening.open(url, 'bob', lastId);
          const expected = rounds.reduce((all, [messages, , leaves]) => all + messages + (leaves ? 2 : 0), 0);
          await rest.until(({ heard }) => got.length + heard.length >= expected);
          rest.close();
          got.push(...rest.heard);
          const whole = await Listening.open(url, 'bob', from);
          await whole.until(({ heard }) => heard.length >= expected);
          whole.close();
          expect(got.map(({ id }) => id)).toEqual(whole.heard.map(({ id }) => id));
          expect(textsOf(whole).filter((text) => text !== undefined)).toEqual(texts);
        },
      ),
      { numRuns: 12 },
    );
  });
});

describe('a stream ends', () => {
  it('when its client stops reading, and harms nobody else', async () => {
    await begin();
    const { url, metrics } = await news.node();
    const slow = await Listening.open(url, 'bob');
    const quick = await Listening.open(url, 'ada');
    slow.hang();
    const long = 'x'.repeat(4000);
    // What is bounded is what we hold; the kernel takes some megabytes before that.
    let sent = 0;
    await vi.waitFor(
      async () => {
        await say(...Array.from({ length: 200 }, () => long));
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
    await begin();
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
    await vi.waitFor(() => expect(feed.health().detail).toMatchObject({ connections: 0, users: 0 }));
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
