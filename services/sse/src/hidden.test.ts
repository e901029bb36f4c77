/** What someone who blocks is told of the blocked in a group they share: live, on resume and told ahead, always the same. */
import { positionOf, user } from '@tidings/projections/feed/testing/story';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../../tests/kit/postgres.ts';
import { Listening } from './testing/listening.ts';
import { openNewsroom, type Newsroom } from './testing/newsroom.ts';

let database: TestDatabase;
let news: Newsroom;

beforeEach(async () => {
  database = await createTestDatabase();
  news = await openNewsroom(database.url);
  news.story.registers('ada').registers('bob').registers('cyd').creates('team', 'Group', 'ada', 'bob', 'cyd');
  await news.publish();
});
afterEach(async () => {
  await news.close();
  await database.drop();
});

/** Bob says, changes and reacts; Cyd quotes him, then says something of her own. */
const talk = (n: number): void => {
  news.story
    .says('team', 'bob', `b${n}`)
    .edits('team', 'bob', `b${n}`, `better b${n}`)
    .reacts('team', 'bob', `b${n}`, '👍')
    .answers('team', 'cyd', `re b${n}`, 'bob', `b${n}`)
    .says('team', 'cyd', `c${n}`);
};
const heardBy = (listening: Listening): readonly string[] =>
  listening.heard.map(({ event }) => {
    const { msgBody, hidden } = (event['message'] ?? event) as { msgBody?: object; hidden?: true };
    return `${event.type}${hidden === true ? ' hidden' : ''} ${JSON.stringify(msgBody ?? event['emoji'])}`;
  });
describe('blocking in a shared group', () => {
  it('leaves a stub of what the blocked say, and nothing else of them, from the block to its end; others hear all', async () => {
    const { url } = await news.node();
    const [ada, bob] = await Promise.all(['ada', 'bob'].map((name) => Listening.open(url, name)));
    if (ada === undefined || bob === undefined) throw new Error('two listen');
    talk(1);
    news.story.blocks('ada', 'bob');
    talk(2);
    await news.publish();
    news.story.unblocks('ada', 'bob');
    talk(3);
    await news.publish();
    await bob.until(({ heard }) => heard.length === 15);
    await ada.until(({ heard }) => heard.length === 13);
    const all = [1, 2, 3].map((n) => [
      `ChatMessage {"text":"better b${n}"}`, // it was rewritten by the time the tables told it
      `MessageEdited {"text":"better b${n}"}`,
      'ReactionChanged "👍"',
      expect.stringMatching(new RegExp(`^ChatMessage .*"replyMsgDetails":\\{"text":"b${n}"\\},"replyText":"re b${n}"`)),
      `ChatMessage {"text":"c${n}"}`,
    ]);
    expect(heardBy(bob)).toEqual(all.flat());
    expect(heardBy(ada)).toEqual([
      ...(all[0] ?? []),
      'ChatMessage hidden {"text":""}',
      expect.stringMatching(/^ChatMessage .*"replyMsgDetails":\{"text":""\},"replyText":"re b2"/),
      'ChatMessage {"text":"c2"}',
      ...(all[2] ?? []),
    ]);
    const stub = ada.heard[5];
    expect(stub).toMatchObject({
      id: bob.heard[5]?.id,
      event: { message: { seq: 4, senderId: user('bob') }, roomPreviewText: { type: 'Text', sender_username: 'bob', text: '' } },
    });
    expect(JSON.stringify(ada.heard.slice(5, 8))).not.toContain('"b2"');
  });

  it('is the same for who resumes, from the tables and from memory, wherever they were', async () => {
    const { url } = await news.node();
    const live = await Listening.open(url, 'ada');
    talk(1);
    news.story.blocks('ada', 'bob');
    talk(2);
    news.story.unblocks('ada', 'bob').blocks('ada', 'cyd');
    talk(3);
    await news.publish(2);
    news.story.says('team', 'ada', 'that is all');
    await news.publish();
    await live.until(({ heard }) => heard.at(-1)?.event['message'] !== undefined && heardBy(live).at(-1)?.includes('that is all') === true);
    expect(live.heard.length).toBeLessThan(16);
    const whole = await Listening.open((await news.node()).url, 'ada', positionOf(4));
    await whole.until(({ heard }) => heard.length === live.heard.length);
    const shape = ({ heard }: Listening) => heard.map(({ id, event }) => [id, event.type]);
    expect(shape(whole)).toEqual(shape(live)); // live, a message may have been told before it was rewritten
    for (const node of [url, (await news.node()).url]) {
      for (let at = 0; at < whole.heard.length; at++) {
        const again = await Listening.open(node, 'ada', whole.heard[at]?.id);
        const rest = whole.heard.slice(at + 1);
        await again.until(({ heard }) => heard.length === rest.length);
        expect(again.heard).toEqual(rest);
        again.close();
      }
    }
  });

  it('is the same for what is told ahead of the tables', async () => {
    const { url } = await news.node();
    const ada = await Listening.open(url, 'ada');
    talk(1);
    news.story.blocks('ada', 'bob');
    await news.publish();
    await ada.until(({ heard }) => heard.length === 5);
    const talkHere = (n: number): void => {
      const from = news.story.events.length;
      talk(n);
      news.appendedHere(...news.story.events.slice(from));
    };
    talkHere(2); // by the tables: who speaks, and how much was said before
    await news.publish();
    await ada.until(({ heard }) => heard.length === 8);
    talkHere(3);
    await ada.until(({ heard }) => heard.length === 11);
    expect(heardBy(ada).slice(8)).toEqual([
      'ChatMessage hidden {"text":""}',
      expect.stringContaining('"replyMsgDetails":{"text":""},"replyText":"re b3"'),
      'ChatMessage {"text":"c3"}',
    ]);
    await news.publish();
    const again = await Listening.open((await news.node()).url, 'ada', positionOf(4));
    await again.until(({ heard }) => heard.length === 11);
    expect(again.heard).toEqual(ada.heard);
  });

  it('keeps what they write later into what they had said before, from the tables, from memory and while the hub lags behind', async () => {
    const { url } = await news.node();
    const live = await Listening.open(url, 'ada');
    const bob = await Listening.open(url, 'bob');
    const from = positionOf(news.story.events.length);
    news.story.says('team', 'bob', 'first').edits('team', 'bob', 'first', 'first, better').says('team', 'bob', 'second');
    await news.publish();
    await live.until(({ heard }) => heard.length === 3);
    news.story.blocks('ada', 'bob').edits('team', 'bob', 'first', 'later one').edits('team', 'bob', 'second', 'later two');
    await news.publish();
    await bob.until(({ heard }) => heard.length === 5);
    for (const node of [url, (await news.node()).url]) {
      const again = await Listening.open(node, 'ada', from);
      await again.until(({ heard }) => heard.length === 3);
      expect(heardBy(again)).toEqual(['ChatMessage hidden {"text":""}', 'MessageEdited {"text":""}', 'ChatMessage hidden {"text":""}']);
      expect(JSON.stringify(again.heard)).not.toContain('later');
      const others = await Listening.open(node, 'cyd', from);
      await others.until(({ heard }) => heard.length === 5);
      expect(heardBy(others).slice(0, 3)).toEqual([
        'ChatMessage {"text":"later one"}',
        'MessageEdited {"text":"later one"}',
        'ChatMessage {"text":"later two"}',
      ]);
    }
    // All at once, so that the hub reads rows that were rewritten behind its place.
    news.story.unblocks('ada', 'bob').says('team', 'bob', 'third').blocks('ada', 'bob').edits('team', 'bob', 'third', 'later three');
    news.story.unblocks('ada', 'bob').says('team', 'bob', 'fourth').edits('team', 'bob', 'fourth', 'to all');
    await news.publish();
    await live.until(({ heard }) => heard.length === 6);
    expect(heardBy(live).slice(3)).toEqual([
      'ChatMessage hidden {"text":""}',
      'ChatMessage {"text":"to all"}',
      'MessageEdited {"text":"to all"}',
    ]);
    const whole = await Listening.open((await news.node()).url, 'ada', live.heard[2]?.id);
    await whole.until(({ heard }) => heard.length === 3);
    expect(whole.heard).toEqual(live.heard.slice(3));
  });
});
