/** The live stream: what it tells, from where on, and to whom. */
import { positionOf, room } from '@tidings/projections/feed/testing/story';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../../tests/kit/postgres.ts';
import { Listening } from './testing/listening.ts';
import { openNewsroom, type Newsroom } from './testing/newsroom.ts';
import { begin, say, textsOf } from './testing/team.ts';

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

describe('a live stream', () => {
  it('begins now, tells what happens to every device of every member, with ids, in order', async () => {
    await begin(news);
    await say(news, 'before');
    const { url } = await news.node();
    const listeners = await Promise.all(['ada', 'bob', 'bob'].map((name) => Listening.open(url, name)));
    const outsider = await Listening.open(url, 'cyd');
    await say(news, 'one', 'two');
    for (const listening of listeners) {
      await listening.until(({ heard }) => heard.length === 2);
      expect(textsOf(listening)).toEqual(['one', 'two']);
      expect(listening.heard.map(({ id }) => id)).toEqual([`${positionOf(5)}.0`, `${positionOf(6)}.0`]);
    }
    expect(outsider.heard).toEqual([]);
  });

  it('resumes behind the last id: each event once and in order, from a restart, another node, another device', async () => {
    await begin(news);
    const first = await news.node();
    const early = await Listening.open(first.url, 'bob');
    await say(news, 'one', 'two');
    await early.until(({ heard }) => heard.length === 2);
    const id = early.heard[0]?.id ?? '';
    await first.close();
    await early.until(({ ended }) => ended);
    await say(news, 'three');
    const second = await news.node();
    const late = await Listening.open(second.url, 'bob', id);
    await late.until(({ heard }) => heard.length === 2);
    await say(news, 'four');
    await late.until(({ heard }) => heard.length === 3);
    expect(textsOf(late)).toEqual(['two', 'three', 'four']);
  });

  it('gives an id to resume from before there was any event', async () => {
    await begin(news);
    const { url } = await news.node();
    const listening = await Listening.open(url, 'bob');
    await listening.until(({ lastId }) => lastId !== '');
    listening.close();
    await say(news, 'missed');
    const again = await Listening.open(url, 'bob', listening.lastId);
    await again.until(({ heard }) => heard.length === 1);
    expect(textsOf(again)).toEqual(['missed']);
  });

  it('takes the id from the query too; the header, being newer, wins', async () => {
    await begin(news);
    const { url } = await news.node();
    await say(news, 'one', 'two');
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
    await begin(news);
    await say(news, 'old');
    news.story.daysPass(40);
    await say(news, 'kept');
    const { url } = await news.node();
    for (const [id, reason] of [
      [positionOf(2), 'no-longer-kept'],
      [positionOf(4711), 'unknown-id'],
    ] as const) {
      const listening = await Listening.open(url, 'bob', id);
      await listening.until(({ heard }) => heard.length === 1);
      expect(listening.heard[0]).toMatchObject({ event: { type: 'Resync', reason } });
      await say(news, `after ${reason}`);
      await listening.until(({ heard }) => heard.length === 2);
      expect(textsOf(listening)).toEqual([undefined, `after ${reason}`]);
      listening.close();
    }
  });

  it('takes an id from a node that is further on than this one', async () => {
    await begin(news);
    const { url } = await news.node();
    news.story.says('team', 'ada', 'heard elsewhere').says('team', 'ada', 'not yet heard');
    const listening = await Listening.open(url, 'bob', `${positionOf(4)}.0`);
    await news.publish();
    await listening.until(({ heard }) => heard.length === 1);
    expect(textsOf(listening)).toEqual(['not yet heard']);
  });

  it('goes on through a cut-over of the feed', async () => {
    await begin(news);
    const { url } = await news.node();
    const listening = await Listening.open(url, 'bob');
    await say(news, 'one');
    await news.cutOver();
    await say(news, 'two');
    await listening.until(({ heard }) => heard.length === 2);
    const resumed = await Listening.open(url, 'bob', listening.heard[0]?.id);
    await resumed.until(({ heard }) => heard.length === 1);
    expect(textsOf(listening)).toEqual(['one', 'two']);
    expect(textsOf(resumed)).toEqual(['two']);
  });
});

describe('who may hear', () => {
  it('changes with membership as it happens', async () => {
    await begin(news);
    news.story.registers('cyd');
    await news.publish();
    const { url } = await news.node();
    const cyd = await Listening.open(url, 'cyd');
    await say(news, 'before');
    news.story.joins('team', 'cyd', 'ada');
    await say(news, 'during');
    news.story.leaves('team', 'cyd', 'Group');
    await say(news, 'after');
    await cyd.until(({ types }) => types.includes('LeaveRoom'));
    expect(cyd.types).toEqual(['NewRoom', 'ChatMessage', 'LeaveRoom']);
    expect(textsOf(cyd)[1]).toBe('during');
  });

  it('is decided by the place of an event in the log, also for who resumes from long before', async () => {
    await begin(news);
    news.story.registers('cyd');
    await say(news, 'before');
    news.story.joins('team', 'cyd', 'ada');
    await say(news, 'during');
    news.story.leaves('team', 'cyd', 'Group');
    await say(news, 'after');
    const { url } = await news.node();
    const everything = await Listening.open(url, 'cyd', positionOf(0));
    await everything.until(({ heard }) => heard.length === 3);
    await say(news, 'later');
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
