/** Chat-contract §1.4 as a client meets it: rooms, who may do what in them, and who is told. */
import type { ChatRoom, Message, RoomDetailed, RoomMember, UserWithRelationship } from '@tidings/contracts/http/chat-objects';
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Client, createRoom, expectEmpty, FORBIDDEN, INVALID, type Ism, MISSING, ok, problem, say, send, joinIsm } from './ism.ts';

let ism: Ism<'Ada' | 'Bob' | 'Cyd' | 'Dan'>;
let [ada, bob, cyd, dan] = [] as unknown as readonly [Client, Client, Client, Client]; // set before any test
beforeAll(async () => {
  ism = await joinIsm('rooms', 'Ada', 'Bob', 'Cyd', 'Dan');
  [ada, bob, cyd, dan] = [ism.as.Ada, ism.as.Bob, ism.as.Cyd, ism.as.Dan];
});
afterAll(() => ism.close());

const create = (by: Client, body: object) => by.post('/api/rooms/create-room', body);
const ids = (...people: readonly Client[]) => people.map(({ id }) => id);
const roomOf = async (by: Client, room: string) => ok<ChatRoom>(await by.get(`/api/rooms/${room}`));
const timelineOf = async (by: Client, room: string) => ok<readonly Message[]>(await by.get(`/api/rooms/${room}/timeline`));
const invite = (by: Client, room: string, whom: Client) => by.post(`/api/rooms/${room}/invite/${whom.id}`);
const leave = (by: Client, room: string) => by.post(`/api/rooms/${room}/leave`);
/** Two who never met before. */
const pair = async (name: string): Promise<readonly [Client, Client]> => [await ism.meet(`${name} one`), await ism.meet(`${name} two`)];

describe('creating a room', () => {
  it('tells each of a pair of the room as they see it, its creator too', async () => {
    const [one, two] = await pair('Told');
    const [mine, theirs, strangers] = [await one.listen(), await two.listen(), await cyd.listen()];
    const room = await createRoom(one, 'Single', [two], 'a name that private rooms have not');
    const { user: createdBy } = ok<UserWithRelationship>(await two.get(`/api/users/${one.id}`));
    const told = (roomName: string) => ({ room: { id: room.id, roomType: 'Single', roomName }, createdBy, invitedBy: null });
    expect(await mine.heard()).toMatchObject([{ type: 'NewRoom', ...told(two.name) }]);
    expect(await theirs.heard()).toMatchObject([{ type: 'NewRoom', ...told(one.name) }]);
    expect(await strangers.heard()).toEqual([]);
    expect(room).toEqual(await roomOf(one, room.id));
    for (const ear of [mine, theirs, strangers]) ear.close();
  });

  it('tells everybody of a group, who all are in it at once', async () => {
    const ears = [await ada.listen(), await bob.listen(), await cyd.listen()];
    const room = await createRoom(ada, 'Group', [bob, cyd, bob], 'Band'); // whoever is named twice is there once
    for (const ear of ears)
      expect(await ear.heard()).toMatchObject([{ type: 'NewRoom', room: { id: room.id, roomName: 'Band', unread: true } }]);
    const members = ok<readonly RoomMember[]>(await cyd.get(`/api/rooms/${room.id}/users`));
    expect(members.map(({ id, membershipStatus }) => [id, membershipStatus]).toSorted()).toEqual(
      ids(ada, bob, cyd)
        .map((id) => [id, 'Joined'])
        .toSorted(),
    );
    expect(await timelineOf(bob, room.id)).toEqual([]);
    for (const ear of ears) ear.close();
  });

  it.each<readonly [string, (one: Client, two: Client) => object, readonly [number, string]]>([
    ['without oneself', (_, two) => ({ roomType: 'Group', invitedUsers: ids(two, cyd) }), INVALID],
    ['with oneself alone', (one) => ({ roomType: 'Group', invitedUsers: ids(one) }), INVALID],
    ['with nobody', () => ({ roomType: 'Group', invitedUsers: [] }), INVALID],
    ['of two with three', (one, two) => ({ roomType: 'Single', invitedUsers: ids(one, two, cyd) }), INVALID],
    ['of two with oneself twice', (one) => ({ roomType: 'Single', invitedUsers: ids(one, one) }), INVALID],
    ['with someone who is not there', (one) => ({ roomType: 'Group', invitedUsers: [one.id, randomUUID()] }), MISSING],
    ['of another kind', (one, two) => ({ roomType: 'Trio', invitedUsers: ids(one, two) }), INVALID],
    ['without a kind', (one, two) => ({ invitedUsers: ids(one, two) }), INVALID],
    ['with ids that are none', (one) => ({ roomType: 'Group', invitedUsers: [one.id, 'bob'] }), INVALID],
    ['with an empty name', (one, two) => ({ roomType: 'Group', roomName: '', invitedUsers: ids(one, two) }), INVALID],
    [
      'with a name of 101 characters',
      (one, two) => ({ roomType: 'Group', roomName: '😀'.repeat(101), invitedUsers: ids(one, two) }),
      INVALID,
    ],
    ['with more than 1000', (one) => ({ roomType: 'Group', invitedUsers: [one.id, ...Array.from({ length: 1000 }, randomUUID)] }), INVALID],
  ])('is refused %s', async (_, body, expected) => {
    expect(problem(await create(ada, body(ada, bob)))).toEqual(expected);
  });

  it('takes a group without a name, and a name of 100 characters', async () => {
    expect(await createRoom(ada, 'Group', [bob])).toMatchObject({ roomName: null });
    expect(ok(await create(ada, { roomType: 'Group', roomName: null, invitedUsers: ids(ada, bob) }))).toMatchObject({ roomName: null });
    expect(await createRoom(ada, 'Group', [bob], '😀'.repeat(100))).toMatchObject({ roomName: '😀'.repeat(100) });
  });

  it('of two happens once, whoever asks again', async () => {
    const [one, two] = await pair('Again');
    const { id } = await createRoom(one, 'Single', [two]);
    for (const [by, other] of [
      [one, two],
      [two, one],
    ] as const) {
      expect(problem(await create(by, { roomType: 'Single', invitedUsers: ids(by, other) }))).toEqual(INVALID);
      expect(ok(await by.get(`/api/rooms/search?withUser=${other.id}`))).toBe(id);
    }
  });

  it.each([true, false])('drops who is blocked, whoever blocked whom (%s)', async (mine) => {
    const [one, two] = await pair(`Dropped ${mine}`);
    await (mine ? one.post(`/api/users/ignore/${two.id}`) : two.post(`/api/users/ignore/${one.id}`));
    expect(problem(await create(one, { roomType: 'Single', invitedUsers: ids(one, two) }))).toEqual(INVALID);
    expect(problem(await create(one, { roomType: 'Group', invitedUsers: ids(one, two) }))).toEqual(INVALID);
    const ear = await two.listen();
    const { id } = await createRoom(one, 'Group', [two, cyd]);
    const inside = ok<readonly RoomMember[]>(await one.get(`/api/rooms/${id}/users`)).map((member) => member.id);
    expect([...inside].sort()).toEqual([...ids(one, cyd)].sort());
    expect(await ear.types()).toEqual([]);
    ear.close();
  });
});

it('is searched by who is in it: null for who shares none, for nobody and for oneself', async () => {
  const [one, two] = await pair('Sought');
  const search = (by: Client, id: string) => by.get(`/api/rooms/search?withUser=${id}`);
  const { id } = await createRoom(one, 'Single', [two]);
  await createRoom(one, 'Group', [cyd]);
  expect([ok(await search(one, two.id)), ok(await search(two, one.id))]).toEqual([id, id]);
  for (const other of [cyd.id, one.id, randomUUID()]) expect((await search(one, other)).text).toBe('null');
  for (const query of ['', '?withUser=', '?withUser=bob']) expect(problem(await one.get(`/api/rooms/search${query}`))).toEqual(INVALID);
});

describe('a room one is not in', () => {
  const doors: readonly (readonly [string, (by: Client, room: string) => Promise<unknown>, readonly [number, string]])[] = [
    ['as an entry', async (by, room) => by.get(`/api/rooms/${room}`), MISSING],
    ['in detail', async (by, room) => by.get(`/api/rooms/${room}/detailed`), MISSING],
    ['its people', async (by, room) => by.get(`/api/rooms/${room}/users`), FORBIDDEN],
    ['its timeline', async (by, room) => by.get(`/api/rooms/${room}/timeline`), FORBIDDEN],
    ['its readers', async (by, room) => by.get(`/api/rooms/${room}/read-states`), FORBIDDEN],
    ['to read it', async (by, room) => by.post(`/api/rooms/${room}/mark-read`), FORBIDDEN],
    ['to leave it', async (by, room) => leave(by, room), FORBIDDEN],
    ['to bring someone', async (by, room) => invite(by, room, dan), FORBIDDEN],
    ['to bring oneself', async (by, room) => invite(by, room, by), FORBIDDEN],
    ['to speak in it', async (by, room) => send(by, room, { text: 'hi' }), FORBIDDEN],
    ['to answer in it', async (by, room) => send(by, room, { replyMsgId: randomUUID(), replyText: 'hi' }), FORBIDDEN],
  ];

  it.each(doors)('%s: looks like one that is not there', async (_, knock, expected) => {
    const [one, two] = await pair(`Doors ${_}`);
    const rooms = {
      'nobody’s': randomUUID(),
      'a group of others': (await createRoom(one, 'Group', [two])).id,
      'a private room of others': (await createRoom(one, 'Single', [two])).id,
    };
    for (const [kind, room] of Object.entries(rooms)) {
      const answer = (await knock(cyd, room)) as Awaited<ReturnType<Client['get']>>;
      expect(problem(answer), kind).toEqual(expected);
      expect(JSON.stringify({ ...answer.json<object>(), traceId: '', timestamp: '' }), kind).toBe(
        JSON.stringify({ ...((await knock(cyd, randomUUID())) as typeof answer).json<object>(), traceId: '', timestamp: '' }),
      );
    }
  });
});

describe('inviting', () => {
  it('joins at once, is told to who was there, and gives the room to who came', async () => {
    const { id } = await createRoom(ada, 'Group', [bob], 'Door');
    const before = await say(ada, id, 'before');
    const [theirs, newcomers] = [await bob.listen(), await cyd.listen()];
    expectEmpty(await invite(bob, id, cyd));
    const [joined] = await timelineOf(cyd, id);
    expect(joined).toMatchObject({
      ...{ chatRoomId: id, senderId: cyd.id, msgType: 'RoomChange', seq: 2 },
      msgBody: { type: 'UserJoined', related_user: { id: cyd.id, displayName: 'Cyd', membershipStatus: 'Joined' } },
    });
    const preview = { type: 'RoomChange', sender_username: 'Cyd', room_change_type: 'JOIN' };
    expect(await theirs.heard()).toMatchObject([{ type: 'RoomChangeEvent', message: joined, roomPreviewText: preview }]);
    expect(await newcomers.heard()).toMatchObject([
      {
        type: 'NewRoom',
        room: { id, roomName: 'Door', latestMessagePreviewText: preview },
        createdBy: { id: ada.id, displayName: 'Ada' },
        invitedBy: bob.id,
      },
    ]);
    expect(await timelineOf(cyd, id), 'newcomers see all of the past').toEqual([joined, before]);
    for (const ear of [theirs, newcomers]) ear.close();
  });

  it('is refused in the order of the contract: block, private, not a member, member already', async () => {
    const [one, two] = await pair('Order');
    const group = await createRoom(one, 'Group', [cyd]);
    const single = await createRoom(one, 'Single', [cyd]);
    expect(problem(await invite(one, single.id, dan))).toEqual(INVALID);
    expect(problem(await invite(one, group.id, cyd))).toEqual(INVALID);
    expect(problem(await invite(one, group.id, { ...two, id: randomUUID() }))).toEqual(MISSING);
    await two.post(`/api/users/ignore/${one.id}`);
    for (const room of [group.id, single.id, randomUUID()]) expect(problem(await invite(one, room, two))).toEqual(FORBIDDEN);
    expectEmpty(await invite(cyd, group.id, two)); // nothing stands between these two
    expect((await timelineOf(two, group.id)).map(({ seq }) => seq)).toEqual([1]);
  });

  it('again with the same key is the same invitation', async () => {
    const { id } = await createRoom(ada, 'Group', [bob]);
    const key = { 'idempotency-key': `invite-${id}` };
    const again = () => ada.post(`/api/rooms/${id}/invite/${cyd.id}`, undefined, key);
    for (const answer of await Promise.all([again(), again(), again()])) expectEmpty(answer);
    expectEmpty(await again());
    expect(await timelineOf(ada, id)).toHaveLength(1);
    expect(problem(await invite(ada, id, cyd))).toEqual(INVALID);
  });
});

describe('leaving', () => {
  it('a group is told to who stays, and to the leaver that the room is gone', async () => {
    const { id } = await createRoom(ada, 'Group', [bob, cyd]);
    const [stayers, leavers] = [await ada.listen(), await cyd.listen()];
    expectEmpty(await leave(cyd, id));
    const [left] = await timelineOf(ada, id);
    expect(left).toMatchObject({
      senderId: cyd.id,
      msgType: 'RoomChange',
      msgBody: { type: 'UserLeft', related_user: { id: cyd.id, membershipStatus: 'Left' } },
    });
    const preview = { type: 'RoomChange', sender_username: 'Cyd', room_change_type: 'LEAVE' };
    expect(await stayers.heard()).toMatchObject([{ type: 'RoomChangeEvent', message: left, roomPreviewText: preview }]);
    expect(await leavers.heard()).toMatchObject([{ type: 'LeaveRoom', roomId: id }]);
    await say(ada, id, 'they cannot hear us');
    expect(await leavers.types()).toEqual([]);
    expect((await roomOf(ada, id)).latestMessagePreviewText).toEqual({ type: 'Text', sender_username: 'Ada', text: 'they cannot hear us' });
    const { users } = ok<RoomDetailed>(await ada.get(`/api/rooms/${id}/detailed`));
    expect(users.find((user) => user.id === cyd.id)?.membershipStatus).toBe('Left');
    expect(problem(await leave(cyd, id))).toEqual(FORBIDDEN);

    expectEmpty(await invite(bob, id, cyd));
    expect(await leavers.types()).toEqual(['NewRoom']);
    expect(
      (await timelineOf(cyd, id)).map(({ seq }) => seq),
      'who comes back to a group sees all of it',
    ).toEqual([3, 2, 1]);
    for (const ear of [stayers, leavers]) ear.close();
  });

  it('last closes a group for good', async () => {
    const { id } = await createRoom(ada, 'Group', [bob]);
    await leave(ada, id);
    const ear = await bob.listen();
    expectEmpty(await leave(bob, id));
    expect(await ear.heard()).toMatchObject([{ type: 'LeaveRoom', roomId: id }]);
    expect(problem(await invite(bob, id, ada))).toEqual(FORBIDDEN);
    expect(problem(await bob.get(`/api/rooms/${id}`))).toEqual(MISSING);
    ear.close();
  });

  it('a private room is told to the leaver alone; what the other writes opens it again, from there on (W10)', async () => {
    const [one, two] = await pair('Parted');
    const { id } = await createRoom(one, 'Single', [two]);
    await say(one, id, 'before');
    const [mine, theirs] = [await one.listen(), await two.listen()];
    expectEmpty(await leave(one, id));
    expect([await mine.types(), await theirs.types()]).toEqual([['LeaveRoom'], []]);
    expect(ok<RoomDetailed>(await two.get(`/api/rooms/${id}/detailed`)).users.map(({ membershipStatus }) => membershipStatus)).toEqual([
      'Joined',
      'Joined',
    ]);
    expect(problem(await send(one, id, { text: 'still there?' }))).toEqual(FORBIDDEN);

    const after = await say(two, id, 'come back');
    expect(await mine.heard()).toMatchObject([
      { type: 'NewRoom', room: { id, latestMessagePreviewText: { type: 'New' } } },
      { type: 'ChatMessage', message: after },
    ]);
    expect(await theirs.types()).toEqual(['ChatMessage']);
    expect(await timelineOf(one, id)).toEqual([after]);
    for (const ear of [mine, theirs]) ear.close();
  });
});

describe('reading', () => {
  const readers = async (by: Client, room: string) =>
    ok<readonly RoomMember[]>(await by.get(`/api/rooms/${room}/read-states`))
      .map(({ displayName }) => displayName)
      .toSorted();

  it('is told to all in the room, the reader too, with how far', async () => {
    const { id } = await createRoom(ada, 'Group', [bob, cyd]);
    expect(await readers(ada, id), 'where nothing was said, nobody is behind').toEqual(['Ada', 'Bob', 'Cyd']);
    const messages = [await say(ada, id, 'one'), await say(ada, id, 'two')];
    const ears = [await ada.listen(), await bob.listen()];
    expectEmpty(await bob.post(`/api/rooms/${id}/mark-read`, { upTo: messages[0]?.messageId }));
    expectEmpty(await bob.post(`/api/rooms/${id}/mark-read`));
    expectEmpty(await bob.post(`/api/rooms/${id}/mark-read`, {}));
    expectEmpty(await bob.post(`/api/rooms/${id}/mark-read`, { upTo: messages[0]?.messageId })); // never back
    for (const ear of ears) {
      expect(await ear.heard()).toMatchObject(
        messages.map(({ messageId, seq }) => ({ type: 'UserReadChat', userId: bob.id, roomId: id, upTo: messageId, upToSeq: seq })),
      );
    }
    expect(await readers(cyd, id)).toEqual(['Ada', 'Bob']);
    const member = ok<readonly RoomMember[]>(await cyd.get(`/api/rooms/${id}/users`)).find((one) => one.id === bob.id);
    expect(Date.parse(member?.lastMessageReadAt ?? '')).toBeGreaterThanOrEqual(Date.parse(messages[1]?.createdAt ?? ''));
    for (const ear of ears) ear.close();
  });

  it('takes a header of JSON without a body, as some clients send', async () => {
    const { id } = await createRoom(ada, 'Group', [bob]);
    expectEmpty(await bob.post(`/api/rooms/${id}/mark-read`, '', { 'content-type': 'application/json' }));
    expectEmpty(await bob.post(`/api/rooms/${id}/leave`, '', { 'content-type': 'application/json' }));
  });
});

describe('the timeline', () => {
  it('by time gives what is strictly before, and never tears or skips entries of one instant (W4)', async () => {
    const { id } = await createRoom(ada, 'Group', [bob]);
    for (let round = 0; round < 6; round += 1)
      await Promise.all(Array.from({ length: 12 }, (_, n) => say(n % 2 === 0 ? ada : bob, id, `${round}.${n}`)));
    const walked: Message[] = [];
    for (let query = ''; ;) {
      const page = ok<readonly Message[]>(await ada.get(`/api/rooms/${id}/timeline${query}`));
      if (page.length === 0) break;
      expect(page.length).toBeGreaterThanOrEqual(Math.min(25, 72 - walked.length));
      walked.push(...page);
      query = `?timestamp=${encodeURIComponent(page.at(-1)?.createdAt ?? '')}`;
    }
    expect(walked.map(({ seq }) => seq)).toEqual(Array.from({ length: 72 }, (_, n) => 72 - n));
    const offset = walked[10]?.createdAt.replace('Z', '+00:00') ?? '';
    expect(ok(await ada.get(`/api/rooms/${id}/timeline?timestamp=${encodeURIComponent(offset)}`)), 'an instant is an instant').toEqual(
      ok(await ada.get(`/api/rooms/${id}/timeline?timestamp=${walked[10]?.createdAt}`)),
    );
    const future = ok<readonly Message[]>(await ada.get(`/api/rooms/${id}/timeline?timestamp=2999-01-01T00:00:00Z`));
    expect(future).toEqual(await timelineOf(ada, id));
  });
});
