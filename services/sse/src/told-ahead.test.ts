/** What a process appended itself, or hears that others did, is told before the tables hold it, by the ids and bytes that they will hold (docs/decisions/015). */
import { positionOf } from '@tidings/projections/feed/testing/story';
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

const lately = (from: number) => news.story.events.slice(from);
const sayHere = async (text: string): Promise<void> => {
  news.story.says('team', 'ada', text);
  news.appendedHere(...lately(news.story.events.length - 1));
  await news.publish();
};
/** Has heard one message by the tables, so the hub is with it from here on. */
const listening = async (url: string): Promise<Listening> => {
  const ada = await Listening.open(url, 'ada');
  await say(news, 'hello');
  return ada.until(({ heard }) => heard.length === 1);
};

describe('what this process appended itself', () => {
  const story = () => news.story;

  it('is told before the tables hold it, by the ids and bytes that they will hold', async () => {
    await begin(news);
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
    await begin(news);
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
    await begin(news);
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
    await begin(news);
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
    await begin(news);
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

describe('what others appended', () => {
  it('is told as soon as the log is heard of, by the ids and bytes that the tables will hold', async () => {
    await begin(news);
    const { url } = await news.node();
    const ada = await listening(url);
    await sayHere('one');
    await ada.until(({ heard }) => heard.length === 2);
    news.story.says('team', 'ada', 'two').reads('team', 'bob', 2).says('team', 'ada', 'three');
    news.appendedElsewhere();
    await ada.until(({ heard }) => heard.length === 5);
    await news.publish();
    const again = await Listening.open(url, 'ada', positionOf(3));
    await again.until(({ heard }) => heard.length === 5);
    expect(again.heard).toEqual(ada.heard);
  });

  it('is seen where the tables tell it, so that what comes next need not wait for them', async () => {
    await begin(news);
    const { url } = await news.node();
    const ada = await listening(url);
    await say(news, 'one'); // nobody hints at it
    await ada.until(({ heard }) => heard.length === 2);
    news.story.says('team', 'ada', 'two');
    news.appendedHere(...lately(news.story.events.length - 1));
    await ada.until(({ heard }) => heard.length === 3);
    expect(textsOf(ada)).toEqual(['hello', 'one', 'two']);
  });

  it('waits for the tables where only they can tell it', async () => {
    await begin(news);
    const { url } = await news.node();
    const ada = await listening(url);
    await sayHere('one');
    await ada.until(({ heard }) => heard.length === 2);
    news.story.joins('team', 'cyd', 'ada').says('team', 'ada', 'two');
    news.appendedElsewhere();
    await news.publish();
    await ada.until(({ heard }) => heard.length === 4);
    expect(ada.types).toEqual(['ChatMessage', 'ChatMessage', 'RoomChangeEvent', 'ChatMessage']);
  });
});
