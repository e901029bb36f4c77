/** Chat-contract §1.5 as a client meets it: every standing two people can have, every act upon it, and who is told. */
import type { ChatRoom, Page, RelationshipState, User, UserWithRelationship } from '@tidings/contracts/http/chat-objects';
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type Answer,
  type Client,
  createRoom,
  expectEmpty,
  FORBIDDEN,
  INVALID,
  type Ism,
  MISSING,
  ok,
  problem,
  request,
  say,
  joinIsm,
} from './ism.ts';

let ism: Ism<'Ada' | 'Bob' | 'Cyd'>;
let [ada, bob, cyd] = [] as unknown as readonly [Client, Client, Client]; // set before any test
beforeAll(async () => {
  ism = await joinIsm('friends', 'Ada', 'Bob', 'Cyd');
  [ada, bob, cyd] = [ism.as.Ada, ism.as.Bob, ism.as.Cyd];
});
afterAll(() => ism.close());

const seen = async (by: Client, other: Client) => ok<UserWithRelationship>(await by.get(`/api/users/${other.id}`));
const relation = async (by: Client, other: Client) => (await seen(by, other)).relationshipType;
const search = async (by: Client, query: string) => ok<Page<UserWithRelationship>>(await by.get(`/api/users/search?${query}`));
const namesIn = ({ content }: Page<UserWithRelationship>) => content.map(({ user }) => user.displayName);

const acts = {
  add: (by: Client, to: Client) => by.post(`/api/users/friends/add/${to.id}`),
  accept: (by: Client, to: Client) => by.post(`/api/users/friends/accept-request/${to.id}`),
  reject: (by: Client, to: Client) => by.remove(`/api/users/friends/reject-request/${to.id}`),
  end: (by: Client, to: Client) => by.remove(`/api/users/friends/${to.id}`),
  block: (by: Client, to: Client) => by.post(`/api/users/ignore/${to.id}`),
  unblock: (by: Client, to: Client) => by.remove(`/api/users/ignore/${to.id}`),
} as const;
type Act = keyof typeof acts;

const done = async (answer: Promise<Answer>): Promise<void> => expect((await answer).status).toBe(200);

/** How `me` and `other` came to stand so, and how each is shown it. */
const standings = {
  strangers: { mine: null, theirs: null, friends: 0, make: async () => undefined },
  asked: { mine: 'INVITE_SENT', theirs: 'INVITE_RECEIVED', friends: 0, make: (me: Client, other: Client) => done(acts.add(me, other)) },
  'asked by them': {
    mine: 'INVITE_RECEIVED',
    theirs: 'INVITE_SENT',
    friends: 0,
    make: (me: Client, other: Client) => done(acts.add(other, me)),
  },
  friends: {
    ...{ mine: 'FRIEND', theirs: 'FRIEND', friends: 1 },
    make: async (me: Client, other: Client) => {
      await done(acts.add(me, other));
      await done(acts.accept(other, me));
    },
  },
  blocked: {
    mine: 'CLIENT_BLOCKED',
    theirs: 'CLIENT_GOT_BLOCKED',
    friends: 0,
    make: (me: Client, other: Client) => done(acts.block(me, other)),
  },
  'blocked by them': {
    ...{ mine: 'CLIENT_GOT_BLOCKED', theirs: 'CLIENT_BLOCKED', friends: 0 },
    make: (me: Client, other: Client) => done(acts.block(other, me)),
  },
  'blocked both ways': {
    ...{ mine: 'CLIENT_BLOCKED', theirs: 'CLIENT_BLOCKED', friends: 0 },
    make: async (me: Client, other: Client) => {
      await done(acts.block(me, other));
      await done(acts.block(other, me));
    },
  },
} as const;
type Standing = keyof typeof standings;

/** What an act by `me` answers, and how the two stand after it. */
type Outcome = readonly [answer: 'empty' | readonly [number, string] | { readonly state: string | null }, after: Standing];
const EMPTY = 'empty';
const BLOCKED = { state: 'CLIENT_BLOCKED' };
const outcomes: Readonly<Record<Standing, Readonly<Record<Act, Outcome>>>> = {
  strangers: {
    add: [EMPTY, 'asked'],
    accept: [MISSING, 'strangers'],
    reject: [MISSING, 'strangers'],
    end: [MISSING, 'strangers'],
    block: [BLOCKED, 'blocked'],
    unblock: [MISSING, 'strangers'],
  },
  asked: {
    add: [EMPTY, 'asked'],
    accept: [INVALID, 'asked'],
    reject: [INVALID, 'asked'],
    end: [INVALID, 'asked'],
    block: [BLOCKED, 'blocked'],
    unblock: [INVALID, 'asked'],
  },
  'asked by them': {
    add: [EMPTY, 'friends'], // better than ISM, where crossed requests stay requests (W2)
    accept: [EMPTY, 'friends'],
    reject: [EMPTY, 'strangers'],
    end: [INVALID, 'asked by them'],
    block: [BLOCKED, 'blocked'],
    unblock: [INVALID, 'asked by them'],
  },
  friends: {
    add: [EMPTY, 'friends'],
    accept: [INVALID, 'friends'],
    reject: [INVALID, 'friends'],
    end: [EMPTY, 'strangers'],
    block: [BLOCKED, 'blocked'],
    unblock: [INVALID, 'friends'],
  },
  blocked: {
    add: [INVALID, 'blocked'],
    accept: [INVALID, 'blocked'],
    reject: [INVALID, 'blocked'],
    end: [INVALID, 'blocked'],
    block: [BLOCKED, 'blocked'],
    unblock: [{ state: null }, 'strangers'],
  },
  'blocked by them': {
    add: [INVALID, 'blocked by them'],
    accept: [INVALID, 'blocked by them'],
    reject: [INVALID, 'blocked by them'],
    end: [INVALID, 'blocked by them'],
    block: [BLOCKED, 'blocked both ways'],
    unblock: [FORBIDDEN, 'blocked by them'],
  },
  'blocked both ways': {
    add: [INVALID, 'blocked both ways'],
    accept: [INVALID, 'blocked both ways'],
    reject: [INVALID, 'blocked both ways'],
    end: [INVALID, 'blocked both ways'],
    block: [BLOCKED, 'blocked both ways'],
    unblock: [{ state: 'CLIENT_GOT_BLOCKED' }, 'blocked by them'],
  },
};

describe.each(Object.keys(outcomes) as Standing[])('two who are: %s', (standing) => {
  it.each(Object.entries(outcomes[standing]) as [Act, Outcome][])('%s', async (act, [expected, after]) => {
    const me = await ism.meet(`Me ${standing} ${act}`);
    const other = await ism.meet(`Other ${standing} ${act}`);
    await standings[standing].make(me, other);
    const answer = await acts[act](me, other);
    if (expected === EMPTY) expectEmpty(answer);
    else if ('state' in expected) expect(ok<RelationshipState>(answer)).toEqual(expected);
    else expect(problem(answer)).toEqual(expected);

    const { mine, theirs, friends } = standings[after];
    expect([await relation(me, other), await relation(other, me)]).toEqual([mine, theirs]);
    for (const [one, another] of [
      [me, other],
      [other, me],
    ] as const) {
      expect((await seen(cyd, one)).user.friendsCount).toBe(friends);
      expect(ok<readonly User[]>(await one.get('/api/users/friends')).map(({ id }) => id)).toEqual(friends === 1 ? [another.id] : []);
    }
    const requests = ok<readonly User[]>(await me.get('/api/users/friends/requests')).map(({ id }) => id);
    expect(requests, 'only those who came to me').toEqual(mine === 'INVITE_RECEIVED' ? [other.id] : []);
  });
});

describe('with oneself and with nobody', () => {
  it.each(Object.keys(acts) as Act[])('%s', async (act) => {
    expect(problem(await acts[act](ada, ada))).toEqual(act === 'add' || act === 'block' ? INVALID : MISSING);
    expect(problem(await acts[act](ada, { ...bob, id: randomUUID() }))).toEqual(MISSING);
  });
});

describe('the live stream', () => {
  it('tells of a request and of its acceptance, each to the other one; of nothing else between two', async () => {
    const [me, other] = [ada, bob];
    const [mine, theirs, strangers] = [await me.listen(), await other.listen(), await cyd.listen()];
    await acts.add(me, other);
    await acts.add(me, other); // a repetition tells nothing
    expect(await theirs.heard()).toMatchObject([
      { type: 'FriendRequestReceived', fromUser: { id: me.id, displayName: 'Ada', friendsCount: 0 } },
    ]);
    expect(await mine.heard()).toEqual([]);
    await acts.accept(other, me);
    expect(await mine.heard()).toMatchObject([{ type: 'FriendRequestAccepted', fromUser: { id: other.id, friendsCount: 1 } }]);
    expect(await theirs.heard()).toEqual([]);

    await acts.end(me, other);
    await acts.add(me, other);
    await theirs.heard();
    await acts.reject(other, me);
    await acts.block(me, other);
    await acts.block(other, me);
    await acts.unblock(me, other);
    await acts.unblock(other, me);
    expect([await mine.types(), await theirs.types(), await strangers.types()]).toEqual([[], [], []]);

    await acts.add(me, other);
    await theirs.heard();
    await acts.add(other, me);
    expect(await mine.types()).toEqual(['FriendRequestAccepted']); // crossed
    expect(await theirs.types()).toEqual([]);
    await acts.end(me, other);
    for (const ear of [mine, theirs, strangers]) ear.close();
  });

  it('tells nobody of another name, and shows it from then on', async () => {
    const [renamed, friend] = [await ism.meet('Was so called'), await ism.meet('Knew them')];
    await acts.add(renamed, friend);
    await acts.accept(friend, renamed);
    await createRoom(renamed, 'Single', [friend]);
    const ear = await friend.listen();
    const token = await ism.issuer.token({ sub: renamed.id, name: 'Is so called' });
    expect((await request(ism.program, '/api/me', { headers: { authorization: `Bearer ${token}` } })).status).toBe(200);
    const name = async () => (await seen(friend, renamed)).user.displayName;
    await expect.poll(name, { timeout: 10_000, interval: 20 }).toBe('Is so called');
    expect(await ear.types()).toEqual([]);
    ear.close();
  });

  it('tells a blocker that the private room is gone for them, and the blocked one nothing', async () => {
    const room = await createRoom(ada, 'Single', [cyd]);
    await say(cyd, room.id, 'kept by me');
    const [mine, theirs] = [await ada.listen(), await cyd.listen()];
    await acts.block(ada, cyd);
    expect(await mine.heard()).toMatchObject([{ type: 'LeaveRoom', roomId: room.id }]);
    expect(await theirs.heard()).toEqual([]);
    expect(ok(await cyd.get(`/api/rooms/${room.id}/timeline`)), 'their copy stays (W10)').toMatchObject([
      { msgBody: { text: 'kept by me' } },
    ]);
    expect(problem(await ada.get(`/api/rooms/${room.id}`))).toEqual(MISSING);
    expect((await ada.get(`/api/rooms/search?withUser=${cyd.id}`)).text).toBe('null');
    await acts.block(ada, cyd);
    expect(await mine.types(), 'once').toEqual([]);
    await acts.unblock(ada, cyd);
    expect(
      ok<readonly ChatRoom[]>(await ada.get('/api/rooms')).some(({ id }) => id === room.id),
      'lifting does not bring it back',
    ).toBe(false);
    for (const ear of [mine, theirs]) ear.close();
  });
});

describe('searching people', () => {
  it('finds any part of a name in any case, by name then id, twenty to a page, never oneself', async () => {
    const people = await Promise.all(Array.from({ length: 24 }, (_, n) => ism.meet(`Quincey ${String(24 - n).padStart(2, '0')}`)));
    const me = people[3] as Client;
    const first = await search(me, 'username=QUINC');
    expect(first.content).toHaveLength(20);
    expect(first.nextCursor).toBe(first.cursor);
    expect(first.cursor).toMatch(/^[\w-]+$/); // base64url without padding
    const second = await search(me, `username=QUINC&cursor=${first.nextCursor}`);
    expect([second.nextCursor, second.cursor]).toEqual([null, null]);
    const expected = people.filter((one) => one !== me).map(({ name }) => name);
    expect([...namesIn(first), ...namesIn(second)]).toEqual(expected.toSorted());
  });

  it('takes wildcards of SQL for what they are, unlike ISM', async () => {
    const odd = await ism.meet(String.raw`100%_sure\yes`);
    for (const part of ['100%', '0%_s', '%_', String.raw`sure\yes`, String.raw`\y`]) {
      expect(namesIn(await search(ada, `username=${encodeURIComponent(part)}`)), part).toEqual([odd.name]);
    }
    for (const part of ['1%e', '100_', '_ure', '%%']) {
      expect(namesIn(await search(ada, `username=${encodeURIComponent(part)}`)), part).toEqual([]);
    }
  });

  it('shows how one stands to each, blocked ones too', async () => {
    const [one, two] = [await ism.meet('Zebulon One'), await ism.meet('Zebulon Two')];
    await acts.block(one, two);
    expect(await search(one, 'username=zebulon')).toMatchObject({
      content: [{ user: { id: two.id }, relationshipType: 'CLIENT_BLOCKED' }],
    });
    expect(await search(two, 'username=zebulon')).toMatchObject({
      content: [{ user: { id: one.id }, relationshipType: 'CLIENT_GOT_BLOCKED' }],
    });
    expect((await search(ada, 'username=zebulon')).content.map(({ relationshipType }) => relationshipType)).toEqual([null, null]);
  });

  it('needs no name, and takes one of 100 characters at most', async () => {
    expect((await search(ada, '')).content).toHaveLength(20);
    expect((await search(ada, `username=${'x'.repeat(100)}`)).content).toEqual([]);
    expect(problem(await ada.get(`/api/users/search?username=${'x'.repeat(101)}`))).toEqual(INVALID);
    expect(problem(await ada.get('/api/users/search?cursor=rubbish'))).toEqual(INVALID);
  });
});
