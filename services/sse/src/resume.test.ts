/** Resuming, while others write and after what was said has been taken back. */
import type { Recorded } from '@tidings/contracts/events/index';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
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

describe('resuming amid writes', () => {
  it('never loses and never repeats, wherever the connection breaks', async () => {
    await begin(news);
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

describe('what was rewritten or deleted since', () => {
  const withdraw = (): readonly Recorded[] => {
    const from = news.story.events.length;
    news.story
      .edits('team', 'ada', 'secret one', 'open one')
      .edits('team', 'ada', 'secret two', 'still secret')
      .deletes('team', 'ada', 'secret two');
    return news.story.events.slice(from);
  };
  const toldOf = (listening: Listening): readonly unknown[] =>
    listening.heard.map(({ event }) => {
      const { msgBody, deleted, hidden } = (event['message'] ?? event) as { msgBody?: { text: string }; deleted?: true; hidden?: true };
      return [event.type, msgBody?.text, ...(deleted === true ? ['deleted'] : []), ...(hidden === true ? ['hidden'] : [])].join(' ').trim();
    });
  const now = ['ChatMessage open one', 'ChatMessage  deleted', 'MessageEdited open one', 'MessageEdited', 'MessageDeleted'];

  it('is told as it reads now, from memory and from the tables alike', async () => {
    await begin(news);
    const { url } = await news.node();
    const ada = await Listening.open(url, 'ada');
    // Two, one after the other: what comes behind them the hub has in memory.
    await say(news, 'hello');
    await ada.until(({ heard }) => heard.length === 1);
    await say(news, 'again');
    const id = (await ada.until(({ heard }) => heard.length === 2)).lastId;
    await say(news, 'secret one', 'secret two');
    await ada.until(({ heard }) => heard.length === 4);
    news.appendedHere(...withdraw());
    await ada.until(({ heard }) => heard.length === 7);
    const beforeTheTables = await Listening.open(url, 'bob', id);
    await beforeTheTables.until(({ heard }) => heard.length === 5);
    await news.publish();
    const other = await news.node();
    const fromTables = await Listening.open(other.url, 'bob', id);
    await fromTables.until(({ heard }) => heard.length === 5);
    expect(toldOf(ada).slice(2)).toEqual([
      ...['ChatMessage secret one', 'ChatMessage secret two'],
      ...['MessageEdited open one', 'MessageEdited still secret', 'MessageDeleted'],
    ]);
    expect(toldOf(beforeTheTables)).toEqual(now);
    expect(fromTables.heard).toEqual(beforeTheTables.heard);
    expect(fromTables.heard.map((one) => one.id)).toEqual(ada.heard.slice(2).map((one) => one.id));
  });

  it('is not told in its present wording to who had left by then', async () => {
    await begin(news);
    const { url } = await news.node();
    const ada = await Listening.open(url, 'ada');
    await ada.until(({ lastId }) => lastId !== '');
    const id = ada.lastId;
    await say(news, 'one');
    news.story.leaves('team', 'bob', 'Group');
    await news.publish();
    news.story.edits('team', 'ada', 'one', 'for those who stayed');
    await news.publish();
    await ada.until(({ heard }) => heard.length === 3);
    const other = await news.node();
    for (const node of [url, other.url]) {
      const bob = await Listening.open(node, 'bob', id);
      await bob.until(({ heard }) => heard.length === 2);
      expect(toldOf(bob)).toEqual(['ChatMessage  hidden', 'LeaveRoom']);
    }
  });

  it('is not told so live either, by a hub that lags behind the tables', async () => {
    await begin(news);
    const { url } = await news.node();
    const [ada, bob] = await Promise.all(['ada', 'bob'].map((name) => Listening.open(url, name)));
    if (ada === undefined || bob === undefined) throw new Error('two listen');
    await ada.until(({ lastId }) => lastId !== '');
    const id = ada.lastId;
    news.story
      .says('team', 'ada', 'one')
      .says('team', 'ada', 'two')
      .edits('team', 'ada', 'one', 'rewritten')
      .leaves('team', 'bob', 'Group');
    news.story.edits('team', 'ada', 'one', 'for those who stayed').deletes('team', 'ada', 'two');
    await news.publish();
    await ada.until(({ heard }) => heard.length === 6);
    await bob.until(({ heard }) => heard.length === 4);
    expect(toldOf(bob)).toEqual(['ChatMessage  hidden', 'ChatMessage  deleted', 'MessageEdited', 'LeaveRoom']);
    expect(toldOf(ada)[0]).toEqual('ChatMessage for those who stayed');
    for (const node of [url, (await news.node()).url]) {
      const again = await Listening.open(node, 'bob', id);
      await again.until(({ heard }) => heard.length === 4);
      expect(again.heard).toEqual(bob.heard);
    }
  });
});
