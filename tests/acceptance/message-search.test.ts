/** Finding messages, rooms, people and whom to share with, over HTTP (chat-contract §1.2, §1.4, §1.5, §6). */
import type { ChatRoom, Message, Page, UserWithRelationship } from '@tidings/contracts/http/chat-objects';
import type { FoundMessage, ShareTarget } from '@tidings/contracts/http/search';
import type { Problem } from '@tidings/contracts/http/problem';
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import fc from 'fast-check';
import { forbidden } from './answers.ts';
import { startChat, type Answer, type ChatStack, type Client } from './chat-stack.ts';
import { Dice } from './town.ts';

const NAMES = ['Ada', 'Bob', 'Cyd', 'Dan', 'Eve', 'Zed_off'] as const;
let chat: ChatStack<(typeof NAMES)[number]>;
let ada: Client;
let bob: Client;
let cyd: Client;
let dan: Client;
let eve: Client;
beforeAll(async () => {
  chat = await startChat(...NAMES);
  ({ Ada: ada, Bob: bob, Cyd: cyd, Dan: dan, Eve: eve } = chat.as);
});
afterAll(() => chat.close());

const problem = (answer: Answer) => {
  const { errorCode, errors } = answer.json<Problem>();
  return { status: answer.status, code: errorCode, fields: errors?.map(({ path, message }) => `${path} ${message}`) };
};

/** The newest position that anything here was answered with: a search may be asked to wait for it. */
let newest = '';
const done = (answer: Answer): Answer => {
  expect(answer.status, answer.text).toBe(200);
  remember(answer);
  return answer;
};
const remember = (answer: Answer): void => {
  const position = answer.headers['tidings-position'];
  if (typeof position === 'string' && position > newest) newest = position;
};
/** Of what may be refused. */
const isDone = (answer: Answer): boolean => {
  remember(answer);
  return answer.status === 200;
};
const now = () => (newest === '' ? {} : { 'tidings-position': newest });

const openRoom = async (by: Client, roomType: 'Single' | 'Group', others: readonly Client[], roomName: string | null = null) => {
  const invitedUsers = [by, ...others].map(({ id }) => id);
  return done(await by.post('/api/rooms/create-room', { roomType, roomName, invitedUsers })).json<ChatRoom>().id;
};
const say = async (by: Client, chatRoomId: string, text: string) =>
  done(await by.post('/api/send-msg', { chatRoomId, msgBody: { text } })).json<Message>();
const searchFor = (by: Client, q: string, more: Record<string, string> = {}) =>
  by.get(`/api/messages/search?${new URLSearchParams({ q, ...more }).toString()}`, now());
const search = async (by: Client, q: string, more: Record<string, string> = {}) =>
  done(await searchFor(by, q, more)).json<Page<FoundMessage>>();
const texts = async (by: Client, q: string, more: Record<string, string> = {}) =>
  (await search(by, q, more)).content.map(({ message }) => ('text' in message.msgBody ? message.msgBody.text : message.msgType));

describe('a search for messages', () => {
  it('answers with the messages as they were sent, where they are, and why they were found', async () => {
    const room = await openRoom(ada, 'Group', [bob], 'Market');
    const sent = await say(bob, room, `Pears and plums, ${'and more of all that grows there '.repeat(8)}`);
    const [found] = (await search(ada, '"pears and" plum')).content;
    expect(found).toEqual({ roomId: room, message: sent, snippet: found?.snippet });
    expect(found?.snippet).toMatch(/^Pears and plums, and more .*…$/);
  });

  it('knows words, accents, phrases, exclusions, senders and times', async () => {
    const room = await openRoom(ada, 'Group', [bob]);
    await say(ada, room, 'The Crème brûlée is served');
    const second = await say(bob, room, 'creme, but not served yet');
    await say(ada, room, 'creamy');
    const inRoom = { roomId: room };
    expect(await texts(ada, 'CREME ', inRoom)).toEqual(['creme, but not served yet', 'The Crème brûlée is served']);
    expect(await texts(bob, 'cre', inRoom)).toHaveLength(3);
    expect(await texts(bob, '"is served"', inRoom)).toEqual(['The Crème brûlée is served']);
    expect(await texts(bob, 'served -yet', inRoom)).toEqual(['The Crème brûlée is served']);
    expect(await texts(bob, 'creme', { ...inRoom, from: bob.id })).toEqual(['creme, but not served yet']);
    expect(await texts(bob, 'creme', { ...inRoom, before: second.createdAt })).toEqual(['The Crème brûlée is served']);
    expect(await texts(bob, 'nothing like it', inRoom)).toEqual([]);
  });

  it('pages newest first, whatever is written meanwhile', async () => {
    const room = await openRoom(ada, 'Group', [bob]);
    const other = await openRoom(ada, 'Group', [bob]);
    for (let n = 0; n < 12; n++) await say(ada, n % 2 === 0 ? room : other, `paging ${n}`);
    const seen: string[] = [];
    for (let cursor: string | null = ''; cursor !== null;) {
      const page: Page<FoundMessage> = await search(bob, 'paging', { limit: '5', cursor });
      seen.push(...page.content.map(({ message }) => ('text' in message.msgBody ? message.msgBody.text : '')));
      await say(ada, room, 'paging goes on');
      cursor = page.nextCursor;
      expect(page.cursor).toBe(cursor);
    }
    expect(seen).toEqual(Array.from({ length: 12 }, (_, n) => `paging ${11 - n}`));
  });

  it('ends where membership ends, and does not know foreign rooms from unknown ones', async () => {
    const room = await openRoom(ada, 'Group', [bob, cyd]);
    await say(ada, room, 'confidential');
    expect(await texts(cyd, 'confidential')).toEqual(['confidential']);
    done(await cyd.post(`/api/rooms/${room}/leave`));
    expect(await texts(cyd, 'confidential')).toEqual([]);
    expect(problem(await searchFor(cyd, 'confidential', { roomId: room }))).toMatchObject(forbidden);
    expect(problem(await searchFor(dan, 'confidential', { roomId: room }))).toMatchObject(forbidden);
    expect(problem(await searchFor(dan, 'confidential', { roomId: randomUUID() }))).toMatchObject(forbidden);
  });

  it('shows who came back to a private room only what came after', async () => {
    const room = await openRoom(ada, 'Single', [bob]);
    await say(ada, room, 'before the return');
    done(await bob.post(`/api/rooms/${room}/leave`));
    await say(ada, room, 'the return itself');
    expect(await texts(bob, 'return')).toEqual(['the return itself']);
    expect(await texts(ada, 'return')).toEqual(['the return itself', 'before the return']);
  });

  it('leaves out whom the searcher blocks, and tells the blocked one nothing', async () => {
    const room = await openRoom(dan, 'Group', [eve]);
    await say(dan, room, 'harmless');
    const answered = await say(eve, room, 'harmless too');
    const reply = { chatRoomId: room, msgBody: { replyMsgId: answered.messageId, replyText: 'quotations are searched for their answer' } };
    done(await dan.post('/api/send-msg', reply));
    done(await dan.post(`/api/users/ignore/${eve.id}`));
    expect(await texts(dan, 'harmless')).toEqual(['harmless']);
    expect(await texts(eve, 'harmless')).toEqual(['harmless too', 'harmless']);
    const quoting = async (by: Client) => (await search(by, 'quotations')).content[0]?.message.msgBody;
    expect(await quoting(eve)).toMatchObject({ replyMsgDetails: { text: 'harmless too' } });
    expect(await quoting(dan)).toMatchObject({ replyMsgDetails: { text: '' } });
    done(await dan.remove(`/api/users/ignore/${eve.id}`));
    expect(await texts(dan, 'harmless')).toHaveLength(2);
  });

  it('names the rule that was broken', async () => {
    const faults = async (query: string) => problem(await ada.get(`/api/messages/search?${query}`)).fields;
    expect(await faults('')).toEqual(['q must be a string of 1-200 characters']);
    expect(await faults('q=')).toEqual(['q must be a string of 1-200 characters']);
    expect(await faults(`q=${'x'.repeat(201)}`)).toEqual(['q must be a string of 1-200 characters']);
    expect(await faults('q=%22open')).toEqual(['q must close every quotation mark it opens']);
    expect(await faults('q=-only')).toEqual(['q must contain at least one word that is not excluded']);
    expect(await faults('q=tea&limit=0')).toEqual(['limit must be a whole number from 1 to 100']);
    expect(await faults('q=tea&cursor=e30')).toEqual(['cursor must be a cursor from an earlier page of this list']);
    expect(await faults('q=tea&roomId=here')).toEqual(['roomId must be a UUID']);
    for (const never of ['0000-01-01T00:00:00Z', '9999-12-31T23:59:59-23:00', 'yesterday']) {
      expect(await faults(`q=tea&before=${never}`)).toEqual(['before must be an RFC 3339 date-time']);
    }
  });

  it('cannot be broken by anything typed or made up', async () => {
    const anything = fc.string({ unit: 'binary', maxLength: 40 });
    const place = fc.record({
      lastSeenAt: fc.constantFrom('2026-01-01T00:00:00Z', '0000-01-01T00:00:00Z'),
      lastSeenRoom: fc.uuid(),
      lastSeenSeq: fc.double(),
    });
    const cursor = fc.oneof(
      anything,
      place.map((value) => Buffer.from(JSON.stringify(value)).toString('base64url')),
    );
    await fc.assert(
      fc.asyncProperty(anything, fc.option(cursor, { nil: '' }), async (q, from) => {
        expect([200, 400]).toContain((await ada.get(`/api/messages/search?${new URLSearchParams({ q, cursor: from }).toString()}`)).status);
      }),
      { numRuns: 150 },
    );
  });
});

describe('what searches find, whoever comes, goes, writes and blocks', () => {
  it('is exactly what the searcher may read', async () => {
    const dice = new Dice(3);
    const people = [ada, bob, cyd, dan, eve];
    const rooms = new Map<string, { readonly members: Set<Client>; readonly said: { readonly by: Client; readonly text: string }[] }>();
    for (let n = 0; n < 6; n++) {
      const members = dice.some(2 + dice.below(4), people);
      const [by, ...others] = members;
      if (by !== undefined) rooms.set(await openRoom(by, 'Group', others), { members: new Set(members), said: [] });
    }
    const blocks = new Map(people.map((person) => [person, new Set<Client>()]));
    for (let n = 0; n < 120; n++) {
      const [room, { members, said }] = dice.one([...rooms]);
      const actor = dice.one(people);
      const other = dice.one(people);
      const deed = dice.below(10);
      if (deed < 6) {
        const text = `${dice.one(['quince', 'medlar'])} ${n}`;
        if (isDone(await actor.post('/api/send-msg', { chatRoomId: room, msgBody: { text } }))) said.push({ by: actor, text });
      } else if (deed < 7 && members.size > 2 && members.has(actor)) {
        done(await actor.post(`/api/rooms/${room}/leave`));
        members.delete(actor);
      } else if (deed < 8) {
        if (isDone(await actor.post(`/api/rooms/${room}/invite/${other.id}`))) members.add(other);
      } else if (deed < 9 && actor !== other) {
        done(await actor.post(`/api/users/ignore/${other.id}`));
        blocks.get(actor)?.add(other);
      } else if (blocks.get(actor)?.delete(other) === true) {
        done(await actor.remove(`/api/users/ignore/${other.id}`));
      }
    }
    for (const person of people) {
      for (const word of ['quince', 'medlar']) {
        const visible = [...rooms.values()]
          .filter(({ members }) => members.has(person))
          .flatMap(({ said }) => said)
          .filter(({ by, text }) => text.startsWith(word) && blocks.get(person)?.has(by) !== true);
        expect((await texts(person, word, { limit: '100' })).toSorted()).toEqual(visible.map(({ text }) => text).toSorted());
      }
    }
  });
});

describe('rooms and people', () => {
  it('are found by a part of the name they are seen by, in any case', async () => {
    const { Zed_off: offer } = chat.as;
    await openRoom(offer, 'Single', [ada]);
    await openRoom(offer, 'Group', [ada], 'Half_off 50%');
    await openRoom(offer, 'Group', [ada], 'Half off');
    const named = async (name: string, more = '') =>
      (await offer.get(`/api/rooms?name=${encodeURIComponent(name)}${more}`, now()))
        .json<readonly ChatRoom[]>()
        .map(({ roomName }) => roomName);
    expect(await named('HALF')).toEqual(['Half off', 'Half_off 50%']);
    expect(await named('aD')).toEqual(['Ada']);
    expect([await named('%'), await named('_o')]).toEqual([['Half_off 50%'], ['Half_off 50%']]);
    const first = (await offer.get('/api/rooms?name=half&limit=1')).json<Page<ChatRoom>>();
    const second = (await offer.get(`/api/rooms?name=half&limit=1&cursor=${first.cursor}`)).json<Page<ChatRoom>>();
    expect([...first.content, ...second.content].map(({ roomName }) => roomName)).toEqual(['Half off', 'Half_off 50%']);
    expect(second.cursor).toBeNull();

    const people = async (username: string) =>
      (await ada.get(`/api/users/search?username=${encodeURIComponent(username)}`))
        .json<Page<UserWithRelationship>>()
        .content.map(({ user }) => user.displayName);
    expect(await people('')).toEqual(['Bob', 'Cyd', 'Dan', 'Eve', 'Zed_off']);
    expect([await people('%'), await people('_'), await people('OFF')]).toEqual([[], ['Zed_off'], ['Zed_off']]);
    const cursor = Buffer.from(JSON.stringify({ lastSeenName: 'a\0', lastSeenId: ada.id })).toString('base64url');
    expect((await ada.get(`/api/users/search?cursor=${cursor}`)).status).toBe(200);
  });
});

describe('share targets', () => {
  it('are rooms by recency, then friends without a private room by name', async () => {
    const stack = await startChat('Ada', 'Bob', 'Cyd', 'Dan', 'Eve');
    try {
      const { Ada: me, Bob, Cyd, Dan, Eve } = stack.as;
      for (const friend of [Eve, Dan, Bob]) {
        done(await friend.post(`/api/users/friends/add/${me.id}`));
        done(await me.post(`/api/users/friends/accept-request/${friend.id}`));
      }
      const group = await openRoom(me, 'Group', [Bob, Cyd], 'Market');
      const single = await openRoom(me, 'Single', [Bob]);
      await say(me, group, 'newest');
      const room = (name: string, room_id: string, room_type: string) => ({
        name,
        imageUrl: null,
        target: { kind: 'room', room_id, room_type },
      });
      const user = (name: string, { id }: Client) => ({ name, imageUrl: null, target: { kind: 'user', user_id: id } });
      const all = [room('Market', group, 'Group'), room('Bob', single, 'Single'), user('Dan', Dan), user('Eve', Eve)];
      const asked = async (query = '') => (await me.get(`/api/rooms/share-targets${query}`)).json<Page<ShareTarget>>();
      expect(await asked()).toEqual({ content: all, nextCursor: null, cursor: null });
      expect((await asked('?name=E')).content).toEqual([all[0], all[3]]);

      for (const limit of [1, 2, 3]) {
        const seen: ShareTarget[] = [];
        for (let cursor: string | null = ''; cursor !== null;) {
          const page: Page<ShareTarget> = await asked(`?limit=${limit}&cursor=${cursor}`);
          seen.push(...page.content);
          cursor = page.cursor;
        }
        expect(seen).toEqual(all);
      }
      expect(problem(await me.get('/api/rooms/share-targets?cursor=e30'))).toMatchObject({ status: 400 });

      done(await Bob.post(`/api/users/ignore/${me.id}`)); // nothing passes to him any more
      done(await me.post(`/api/rooms/${group}/leave`));
      expect((await asked()).content).toEqual([all[2], all[3]]);
    } finally {
      await stack.close();
    }
  });
});
