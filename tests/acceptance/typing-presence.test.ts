/** What passes: who types, and who is there. Told to those it concerns, without an id, and to nobody else. */
import type { ChatRoom } from '@tidings/contracts/http/chat-objects';
import type { UserPresence } from '@tidings/contracts/http/presence';
import { randomUUID } from 'node:crypto';
import { createTestDatabase, type TestDatabase } from '../kit/postgres.ts';
import { startProgram, type Program } from '../kit/program.ts';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { type Heard, Listening } from '../../services/sse/src/testing/listening.ts';
import {
  type Client,
  createRoom,
  expectEmpty,
  FORBIDDEN,
  INSTANT,
  INVALID,
  type Ism,
  joinIsm,
  ok,
  problem,
  say,
  startIsm,
} from './ism/ism.ts';

let ism: Ism<'Ann' | 'Ben' | 'Cat' | 'Dot'>;
let room: ChatRoom;
const open: Listening[] = [];

beforeAll(async () => {
  ism = await joinIsm('typing-presence', 'Ann', 'Ben', 'Cat', 'Dot');
  const { Ann, Ben, Cat } = ism.as;
  room = await createRoom(Ann, 'Group', [Ben, Cat], 'Team');
  expectEmpty(await Ann.post(`/api/users/friends/add/${Ben.id}`));
  expectEmpty(await Ben.post(`/api/users/friends/accept-request/${Ann.id}`));
});
afterEach(() => {
  for (const one of open.splice(0)) one.close();
});
afterAll(() => ism.close());

const listen = async (me: Client, lastEventId?: string): Promise<Listening> => {
  const ear = await Listening.open(ism.program.httpUrl, me.token, lastEventId);
  open.push(ear);
  // A stream hears what passes once it has joined; its own word comes back when it has.
  const { messageId } = await say(me, room.id, 'here');
  return ear.until(({ heard }) =>
    heard.some(({ event }) => (event['message'] as { messageId?: string } | undefined)?.messageId === messageId),
  );
};
const type = async (me: Client, typing = true): Promise<void> => expectEmpty(await me.post(`/api/rooms/${room.id}/typing`, { typing }));
const typingIn = (ear: Listening): readonly unknown[] =>
  ear.passing.filter((event) => event.type === 'Typing').map(({ userId, typing }) => [userId, typing]);
const ofPresence = (ear: Listening, of: Client): readonly Heard['event'][] =>
  ear.passing.filter((event) => event.type === 'PresenceChanged' && event['userId'] === of.id);

describe('typing', () => {
  it('is told to the other members, once in a while, and ends when it is said', async () => {
    const { Ann, Ben, Cat } = ism.as;
    const [ann, ben, cat] = [await listen(Ann), await listen(Ben), await listen(Cat)];
    for (let n = 0; n < 5; n += 1) await type(Ann);
    await type(Ann, false);
    for (const ear of [ben, cat]) {
      await ear.until(() => typingIn(ear).length === 2);
      expect(typingIn(ear)).toEqual([
        [Ann.id, true],
        [Ann.id, false],
      ]);
      expect(ear.passing.find((event) => event.type === 'Typing')).toEqual({
        ...{ type: 'Typing', createdAt: INSTANT, roomId: room.id, userId: Ann.id, typing: true },
      });
    }
    expect(typingIn(ann)).toEqual([]);
  });

  it('ends by itself, and is not told again to who resumes', async () => {
    const { Ben, Cat } = ism.as;
    const cat = await listen(Cat);
    const from = cat.lastId;
    await type(Ben);
    await cat.until(() => typingIn(cat).length === 1);
    const at = Date.now();
    await cat.until(() => typingIn(cat).length === 2);
    expect(Date.now() - at).toBeGreaterThan(4_000);
    expect(typingIn(cat)[1]).toEqual([Ben.id, false]);
    expect(cat.lastId).toBe(from);
    expect(typingIn(await listen(Cat, from))).toEqual([]);
  }, 20_000);

  it('is kept from whom the typist blocks and from who blocks the typist', async () => {
    const { Ann, Ben, Cat } = ism.as;
    const [ann, ben] = [await listen(Ann), await listen(Ben)];
    expect((await Ann.post(`/api/users/ignore/${Cat.id}`)).status).toBe(200);
    await type(Cat);
    await type(Cat, false);
    await ben.until(() => typingIn(ben).length === 2);
    await say(Ben, room.id, 'what she heard is told by now');
    await ann.until(({ heard }) => JSON.stringify(heard.at(-1)).includes('told by now'));
    expect(typingIn(ann)).toEqual([]);
    const cat = await listen(Cat);
    await type(Ann);
    await ben.until(() => typingIn(ben).length === 3);
    await say(Ben, room.id, 'and this too');
    await cat.until(({ heard }) => JSON.stringify(heard.at(-1)).includes('this too'));
    expect(typingIn(cat)).toEqual([]);
    expect((await Ann.remove(`/api/users/ignore/${Cat.id}`)).status).toBe(200);
  });

  it('is for members, and says so to others alike whether there is a room or not', async () => {
    const { Ann, Dot } = ism.as;
    for (const id of [room.id, randomUUID()]) {
      expect(problem(await Dot.post(`/api/rooms/${id}/typing`, { typing: true }))).toEqual(FORBIDDEN);
    }
    expect(problem(await Ann.post(`/api/rooms/${room.id}/typing`, {}))).toEqual(INVALID);
  });
});

describe('presence', () => {
  const presenceOf = async (me: Client, ...of: readonly Client[]): Promise<readonly UserPresence[]> =>
    ok(await me.get(`/api/presence?userIds=${of.map(({ id }) => id).join()}`));

  it('is told to friends as they come and go, not for each device, nor for a short break', async () => {
    const { Ben, Cat } = ism.as;
    const Eve = await ism.meet('Eve'); // nobody saw her yet
    expectEmpty(await Ben.post(`/api/rooms/${room.id}/invite/${Eve.id}`));
    expectEmpty(await Eve.post(`/api/users/friends/add/${Ben.id}`));
    expectEmpty(await Ben.post(`/api/users/friends/accept-request/${Eve.id}`));
    const [ben, cat] = [await listen(Ben), await listen(Cat)];
    const first = await listen(Eve);
    await ben.until(() => ofPresence(ben, Eve).at(-1)?.['online'] === true);
    const before = ofPresence(ben, Eve).length;
    const second = await listen(Eve);
    first.close();
    second.close();
    const third = await listen(Eve); // within the grace
    expect(await presenceOf(Ben, Eve)).toEqual([{ userId: Eve.id, online: true, lastSeenAt: null }]);
    third.close();
    await ben.until(() => ofPresence(ben, Eve).at(-1)?.['online'] === false, 15_000);
    expect(ofPresence(ben, Eve).slice(before)).toEqual([
      { type: 'PresenceChanged', createdAt: INSTANT, userId: Eve.id, online: false, lastSeenAt: INSTANT },
    ]);
    expect(ofPresence(cat, Eve), 'a companion, not a friend').toEqual([]);
    expect(await presenceOf(Cat, Eve)).toEqual([{ userId: Eve.id, online: false, lastSeenAt: INSTANT }]);
  }, 30_000);

  it('is shown of friends and companions; strangers, the blocked and who blocks look like nobody', async () => {
    const { Ann, Ben, Cat, Dot } = ism.as;
    expect((await presenceOf(Ann, Ben, Cat, Dot)).map(({ userId }) => userId)).toEqual([Ben.id, Cat.id]);
    expect(await presenceOf(Dot, Ann, Ben, Cat)).toEqual([]);
    expect((await Cat.post(`/api/users/ignore/${Ann.id}`)).status).toBe(200);
    expect((await presenceOf(Ann, Ben, Cat)).map(({ userId }) => userId)).toEqual([Ben.id]);
    expect((await presenceOf(Cat, Ann, Ben)).map(({ userId }) => userId)).toEqual([Ben.id]);
    expect((await Cat.remove(`/api/users/ignore/${Ann.id}`)).status).toBe(200);
    for (const query of ['', '?userIds=', '?userIds=nobody', `?userIds=${Array.from({ length: 201 }, () => Ben.id).join()}`]) {
      expect(problem(await Ann.get(`/api/presence${query}`)), query.slice(0, 40)).toEqual(INVALID);
    }
  });
});

describe('two nodes on one database', () => {
  let database: TestDatabase;
  let here: Ism<'Fay' | 'Gus'>;
  let there: Program;
  beforeAll(async () => {
    database = await createTestDatabase();
    const env = { DATABASE_URL: database.url, RATE_LIMITS: 'off', PRESENCE_TTL_SECONDS: '4' };
    here = await startIsm({ ...env, NODE_NAME: 'here' }, 'Fay', 'Gus');
    there = await startProgram({
      env: { ...env, NODE_NAME: 'there', OIDC_ISSUER: here.issuer.url },
      services: ['command-api', 'query-api', 'sse'],
    });
    const { Fay, Gus } = here.as;
    expectEmpty(await Fay.post(`/api/users/friends/add/${Gus.id}`));
    expectEmpty(await Gus.post(`/api/users/friends/accept-request/${Fay.id}`));
  }, 60_000);
  afterAll(async () => {
    await there.stop();
    await here.close();
    await database.drop();
  });

  it('tell each other who types and who comes; who was at one that is killed is told of as gone', async () => {
    const { Fay, Gus } = here.as;
    const { id } = await createRoom(Fay, 'Group', [Gus], 'Far');
    const fay = await Listening.open(here.program.httpUrl, Fay.token);
    open.push(fay);
    const gus = await Listening.open(there.httpUrl, Gus.token);
    await fay.until(() => ofPresence(fay, Gus).at(-1)?.['online'] === true);
    await say(Fay, id, 'anyone?');
    await gus.until(({ types }) => types.includes('ChatMessage'));
    await type({ ...Fay, post: (path, body) => Fay.post(path.replace(room.id, id), body) });
    await gus.until(() => typingIn(gus).length > 0);
    const before = ofPresence(fay, Gus).length;
    const at = Date.now();
    await there.kill9();
    await fay.until(() => ofPresence(fay, Gus).length > before, 20_000);
    expect(Date.now() - at, 'within the time that was set, and some for a busy machine').toBeLessThan(6_000);
    expect(ofPresence(fay, Gus).slice(before)).toEqual([
      { type: 'PresenceChanged', createdAt: INSTANT, userId: Gus.id, online: false, lastSeenAt: INSTANT },
    ]);
    expect(ok<readonly UserPresence[]>(await Fay.get(`/api/presence?userIds=${Gus.id}`))).toMatchObject([{ online: false }]);
  }, 60_000);
});
