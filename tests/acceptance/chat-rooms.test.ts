/** Rooms and messages over HTTP (chat-contract §1.3, §1.4, §6). */
import type { ChatRoom, Message, Page, RoomDetailed, RoomMember } from '@tidings/contracts/http/chat-objects';
import type { Problem } from '@tidings/contracts/http/problem';
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { forbidden, invalid, missing, problem } from './answers.ts';
import { startChat, type Answer, type ChatStack, type Client } from './chat-stack.ts';

let chat: ChatStack<'ada' | 'bob' | 'cyd' | 'dan'>;
let ada: Client;
let bob: Client;
let cyd: Client;
let dan: Client;
beforeAll(async () => {
  chat = await startChat('ada', 'bob', 'cyd', 'dan');
  ({ ada, bob, cyd, dan } = chat.as);
});
afterAll(() => chat.close());

const create = (by: Client, roomType: 'Single' | 'Group', others: readonly Client[], roomName?: string): Promise<ChatRoom> =>
  by.api.createRoom({
    body: { roomType, invitedUsers: [by, ...others].map(({ id }) => id), ...(roomName === undefined ? {} : { roomName }) },
  });
/** The answer itself, for tests of its bytes, headers and refusals. */
const say = (by: Client, room: string, text: string, headers?: Record<string, string>) =>
  by.post('/api/send-msg', { chatRoomId: room, msgType: 'Text', msgBody: { text } }, headers);
const said = (by: Client, chatRoomId: string, text: string): Promise<Message> =>
  by.api.sendMessage({ body: { chatRoomId, msgType: 'Text', msgBody: { text } } });
const timelineOf = async (by: Client, room: string, query = ''): Promise<readonly Message[]> =>
  (await by.get(`/api/rooms/${room}/timeline${query}`)).json<readonly Message[]>();
const roomOf = (by: Client, roomId: string) => by.api.getRoom({ params: { roomId } });
/** The status of a refusal, and the fields it names. */
const refused = (answer: Answer) => [answer.status, ...(answer.json<Problem>().errors ?? []).map(({ path }) => path)];
const texts = (messages: readonly Message[]) => messages.map(({ msgBody }) => ('text' in msgBody ? msgBody.text : msgBody));

describe('a message', () => {
  it('is the same bytes when sent and in the timeline', async () => {
    const { id } = await create(ada, 'Group', [bob], 'Bytes');
    const sent = await say(ada, id, 'h\u00e9llo \ud83d\ude00 "\\');
    const shown = await bob.get(`/api/rooms/${id}/timeline`);
    expect(shown.text).toBe(`[${sent.text}]`);
    expect(sent.json<Message>()).toMatchObject({ chatRoomId: id, senderId: ada.id, msgType: 'Text', seq: 1 });
  });

  it('may be media, or a reply that quotes one level', async () => {
    const { id } = await create(ada, 'Group', [bob]);
    const media = await ada.post('/api/send-msg', {
      chatRoomId: id,
      msgType: 'Media',
      msgBody: { mediaUrl: '/a.png', mediaType: 'IMAGE' },
    });
    const picture = media.json<Message>();
    expect(picture.msgBody).toEqual({ mediaUrl: '/a.png', mediaType: 'IMAGE', mimeType: null, altText: null });
    const reply = (to: Message, replyText: string) =>
      bob.post('/api/send-msg', { chatRoomId: id, msgType: 'Reply', msgBody: { replyMsgId: to.messageId, replyText } });
    const first = (await reply(picture, 'nice')).json<Message>();
    expect(first.msgBody).toEqual({
      replyMsgId: picture.messageId,
      replySenderId: ada.id,
      replyMsgType: 'Media',
      replyCreatedAt: picture.createdAt,
      replyMsgDetails: picture.msgBody,
      replyText: 'nice',
    });
    expect((await reply(first, 'yes')).json<Message>().msgBody).toMatchObject({
      replyMsgType: 'Reply',
      replyMsgDetails: { reply_text: 'nice' },
    });
    expect((await roomOf(ada, id)).latestMessagePreviewText).toEqual({ type: 'Reply', sender_username: 'bob', reply_text: 'yes' });
  });

  it('cannot answer what is not in its room', async () => {
    const [here, there] = [await create(ada, 'Group', [bob]), await create(ada, 'Group', [cyd])];
    const elsewhere = await said(cyd, there.id, 'secret');
    const reply = (replyMsgId: string) => bob.post('/api/send-msg', { chatRoomId: here.id, msgBody: { replyMsgId, replyText: '?' } });
    expect(problem(await reply(elsewhere.messageId))).toEqual(missing);
    expect(problem(await reply(randomUUID()))).toEqual(missing);
    await ada.post(`/api/rooms/${here.id}/invite/${dan.id}`);
    const [joined] = await timelineOf(bob, here.id);
    expect(problem(await reply(joined?.messageId ?? ''))).toEqual(invalid);
  });

  it('is sent once per Idempotency-Key, with one answer; other content is refused', async () => {
    const { id } = await create(ada, 'Group', [bob]);
    const key = { 'idempotency-key': 'k-1' };
    const answers = await Promise.all(Array.from({ length: 10 }, () => say(ada, id, 'once', key)));
    expect(new Set(answers.map((answer) => answer.text)).size).toBe(1);
    expect(answers[0]?.status).toBe(200);
    expect(texts(await timelineOf(bob, id))).toEqual(['once']);
    expect(problem(await say(ada, id, 'other', key))).toEqual({ status: 422, code: 'IDEMPOTENCY_KEY_REUSED' });
    expect((await say(bob, id, 'mine', key)).status).toBe(200); // a key belongs to its sender
    const byBody = { chatRoomId: id, msgBody: { text: 'two' }, clientMessageId: 'c-1' };
    const [one, two] = [await ada.post('/api/send-msg', byBody), await ada.post('/api/send-msg', byBody)];
    expect(one.text).toBe(two.text);
  });

  it('has one room per Idempotency-Key, whichever node is asked', async () => {
    const rooms = [await create(ada, 'Group', [bob]), await create(ada, 'Group', [bob])] as const;
    const key = { 'idempotency-key': 'two-rooms' };
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, n) => say(n < 10 ? ada : chat.asElsewhere.ada, rooms[n % 2 === 0 ? 0 : 1].id, 'here', key)),
    );
    const sent = answers.filter(({ status }) => status === 200);
    expect(sent).toHaveLength(10);
    expect(new Set(sent.map(({ text }) => text)).size).toBe(1);
    const refused = answers.filter(({ status }) => status !== 200);
    expect(new Set(refused.map((answer) => problem(answer).code))).toEqual(new Set(['IDEMPOTENCY_KEY_REUSED']));
    const shown = (await Promise.all(rooms.map(({ id }) => timelineOf(bob, id)))).flat();
    expect(shown.map((message) => JSON.stringify(message))).toEqual([sent[0]?.text]);
    const other = rooms.find(({ id }) => id !== shown[0]?.chatRoomId);
    expect((await say(chat.asElsewhere.ada, other?.id ?? '', 'here', key)).status).toBe(422);
    expect((await say(chat.asElsewhere.ada, shown[0]?.chatRoomId ?? '', 'here', key)).text).toBe(sent[0]?.text);
  });

  it('without a key costs one event, with a key one more', async () => {
    const { id } = await create(ada, 'Group', [bob]);
    const { log } = chat.platform;
    const added = async (act: () => Promise<unknown>) => {
      const before = await log.head(0);
      await act();
      return log.distance(before, await log.head(0));
    };
    expect(await added(() => say(ada, id, 'plain'))).toBe(1);
    expect(await added(() => say(ada, id, 'keyed', { 'idempotency-key': 'cost' }))).toBe(2);
    expect(await added(() => say(ada, id, 'keyed', { 'idempotency-key': 'cost' }))).toBe(0);
  });

  it.each<[string, object]>([
    ['no body', { msgType: 'Text' }],
    ['an empty text', { msgType: 'Text', msgBody: { text: '' } }],
    ['too long a text', { msgType: 'Text', msgBody: { text: 'a'.repeat(4001) } }],
    ["a type that is not the body's", { msgType: 'Media', msgBody: { text: 'a' } }],
    ['a room change', { msgType: 'RoomChange', msgBody: { type: 'UserJoined', related_user: {} } }],
  ])('is refused with %s', async (_, body) => {
    const { id } = await create(ada, 'Group', [bob]);
    expect(problem(await ada.post('/api/send-msg', { chatRoomId: id, ...body }))).toEqual(invalid);
  });

  it('is for members only, also in rooms that do not exist', async () => {
    const { id } = await create(ada, 'Group', [bob]);
    expect(problem(await say(cyd, id, 'hi'))).toEqual(forbidden);
    expect(problem(await say(cyd, randomUUID(), 'hi'))).toEqual(forbidden);
  });

  it('takes its place in one order without gaps, whoever writes at once', async () => {
    const { id } = await create(ada, 'Group', [bob, cyd]);
    const sent = await Promise.all(Array.from({ length: 60 }, (_, n) => said([ada, bob, cyd][n % 3] ?? ada, id, `${n}`)));
    expect(sent.map(({ seq }) => seq).sort((a, b) => a - b)).toEqual(Array.from({ length: 60 }, (_, n) => n + 1));
    const all = await timelineOf(bob, id, '?limit=100');
    expect(all.map(({ seq }) => seq)).toEqual(Array.from({ length: 60 }, (_, n) => 60 - n));
    expect([...all].sort((a, b) => (a.createdAt < b.createdAt ? 1 : a.createdAt > b.createdAt ? -1 : b.seq - a.seq))).toEqual(all);
  });
});

describe('the timeline', () => {
  it('gives 25, and goes on before or after a message or by time', async () => {
    const { id } = await create(ada, 'Group', [bob]);
    for (let n = 1; n <= 30; n++) await said(ada, id, `${n}`);
    const newest = await timelineOf(bob, id);
    expect(newest.map(({ seq }) => seq)).toEqual(Array.from({ length: 25 }, (_, n) => 30 - n));
    const last = newest.at(-1);
    expect((await timelineOf(bob, id, `?before=${last?.messageId}`)).map(({ seq }) => seq)).toEqual([5, 4, 3, 2, 1]);
    expect((await timelineOf(bob, id, `?after=${last?.messageId}&limit=2`)).map(({ seq }) => seq)).toEqual([8, 7]);
    expect((await timelineOf(bob, id, `?timestamp=${last?.createdAt}`)).at(-1)?.seq).toBe(1);
    expect(await timelineOf(bob, id, '?timestamp=2020-01-01T00:00:00Z')).toEqual([]);
  });

  it('refuses strangers, unknown messages and mixed questions', async () => {
    const { id } = await create(ada, 'Group', [bob]);
    expect(problem(await cyd.get(`/api/rooms/${id}/timeline`))).toEqual(forbidden);
    expect(problem(await cyd.get(`/api/rooms/${randomUUID()}/timeline`))).toEqual(forbidden);
    expect(problem(await ada.get(`/api/rooms/${id}/timeline?before=${randomUUID()}`))).toEqual(missing);
    expect(problem(await ada.get(`/api/rooms/${id}/timeline?timestamp=yesterday`))).toEqual(invalid);
    expect(problem(await ada.get(`/api/rooms/${id}/timeline?limit=0`))).toEqual(invalid);
    const both = `?timestamp=2026-01-01T00:00:00Z&before=${randomUUID()}`;
    expect(problem(await ada.get(`/api/rooms/${id}/timeline${both}`))).toEqual(invalid);
    expect((await ada.get('/api/rooms/not-a-uuid/timeline')).status).toBe(400);
  });
});

describe('creating a room', () => {
  it('joins everyone at once and is new to all', async () => {
    const room = await create(ada, 'Group', [bob], 'Band');
    expect(room).toMatchObject({
      roomType: 'Group',
      roomName: 'Band',
      roomImageUrl: null,
      unread: true,
      unreadCount: 0,
      latestMessage: room.createdAt,
      latestMessagePreviewText: { type: 'New' },
    });
    expect(await roomOf(bob, room.id)).toEqual(room);
  });

  it('of two shows each the other, and can be searched', async () => {
    const { id, roomName } = await create(ada, 'Single', [dan]);
    expect(roomName).toBe('dan');
    expect((await roomOf(dan, id)).roomName).toBe('ada');
    expect((await dan.get(`/api/rooms/search?withUser=${ada.id}`)).json()).toBe(id);
    expect((await dan.get(`/api/rooms/search?withUser=${cyd.id}`)).text).toBe('null');
  });

  it('of the same two at once has one winner', async () => {
    const invitedUsers = [bob.id, cyd.id];
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, n) => (n % 2 === 0 ? bob : cyd).post('/api/rooms/create-room', { roomType: 'Single', invitedUsers })),
    );
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 400)).toHaveLength(49);
    const mine = (await bob.get('/api/rooms')).json<readonly ChatRoom[]>();
    expect(mine.filter(({ roomType, roomName }) => roomType === 'Single' && roomName === 'cyd')).toHaveLength(1);
  });

  it('again with the same key gives the same answer', async () => {
    const body = { roomType: 'Group', roomName: 'Keyed', invitedUsers: [ada.id, bob.id] };
    const key = { 'idempotency-key': 'room-1' };
    const answers = await Promise.all(Array.from({ length: 5 }, () => ada.post('/api/rooms/create-room', body, key)));
    expect(new Set(answers.map((answer) => answer.text)).size).toBe(1);
    expect((await ada.post('/api/rooms/create-room', { ...body, roomName: 'Other' }, key)).status).toBe(422);
  });

  it('checks in the order of the contract', async () => {
    const post = (body: object) => ada.post('/api/rooms/create-room', body);
    expect(problem(await post({ roomType: 'Group', invitedUsers: [bob.id, cyd.id] }))).toEqual(invalid);
    expect(problem(await post({ roomType: 'Group', invitedUsers: [ada.id] }))).toEqual(invalid);
    expect(problem(await post({ roomType: 'Single', invitedUsers: [ada.id, bob.id, cyd.id] }))).toEqual(invalid);
    expect(problem(await post({ roomType: 'Single', invitedUsers: [ada.id, ada.id] }))).toEqual(invalid);
    expect(problem(await post({ roomType: 'Single', invitedUsers: [ada.id, randomUUID()] }))).toEqual(missing);
    expect(problem(await post({ roomType: 'Pair', invitedUsers: [ada.id, bob.id] }))).toEqual(invalid);
  });
});

describe('a refusal', () => {
  it('names the field that breaks a rule, and the rule', async () => {
    const group = (await create(ada, 'Group', [bob], 'Rules')).id;
    const pair = (await create(ada, 'Single', [bob])).id;
    const rooms = (roomType: string, ...invitedUsers: readonly string[]) => ada.post('/api/rooms/create-room', { roomType, invitedUsers });
    const { messageId } = await said(ada, group, 'mine');
    const answers = {
      alone: await rooms('Group', ada.id),
      notAPair: await rooms('Single', ada.id, bob.id, cyd.id),
      again: await rooms('Single', ada.id, bob.id),
      withMyself: await ada.post(`/api/users/friends/add/${ada.id}`),
      blockMyself: await ada.post(`/api/users/ignore/${ada.id}`),
      thereAlready: await ada.post(`/api/rooms/${group}/invite/${bob.id}`),
      intoAPair: await ada.post(`/api/rooms/${pair}/invite/${cyd.id}`),
      removeMyself: await ada.remove(`/api/rooms/${group}/users/${ada.id}`),
      ownMessage: await ada.post(`/api/rooms/${group}/messages/${messageId}/report`, { reason: 'mine' }),
    };
    const names = Object.fromEntries(Object.entries(answers).map(([rule, answer]) => [rule, refused(answer)]));
    expect(names).toEqual({
      ...{ alone: [400, 'invitedUsers'], notAPair: [400, 'invitedUsers'], again: [400, 'invitedUsers'] },
      ...{ withMyself: [400, 'userId'], blockMyself: [400, 'userId'], thereAlready: [400, 'userId'] },
      ...{ intoAPair: [400, 'roomId'], removeMyself: [400, 'userId'], ownMessage: [400, 'messageId'] },
    });
    for (const answer of Object.values(answers)) {
      const { message, errors } = answer.json<Problem>();
      expect(
        errors?.map((error) => error.message),
        'in words',
      ).toEqual([message]);
    }
  });
});

describe('the list of rooms', () => {
  it('has the latest message first, and pages when asked', async () => {
    const fresh = await startChat('eve', 'fay');
    try {
      const { eve, fay } = fresh.as;
      const made: ChatRoom[] = [];
      for (let n = 0; n < 5; n++) made.push(await create(eve, 'Group', [fay], `room ${n}`));
      await said(fay, made[1]?.id ?? '', 'hello '.repeat(10));
      const all = (await eve.get('/api/rooms')).json<readonly ChatRoom[]>();
      expect(all.map(({ roomName }) => roomName)).toEqual(['room 1', 'room 4', 'room 3', 'room 2', 'room 0']);
      expect(all[0]).toMatchObject({
        unread: true,
        unreadCount: 1,
        latestMessagePreviewText: { type: 'Text', sender_username: 'fay', text: `${'hello '.repeat(10).slice(0, 40)}...` },
      });
      const paged: ChatRoom[] = [];
      for (let cursor: string | null = ''; cursor !== null;) {
        const page: Page<ChatRoom> = (await eve.get(`/api/rooms?limit=2&cursor=${cursor}`)).json<Page<ChatRoom>>();
        paged.push(...page.content);
        cursor = page.nextCursor;
      }
      expect(paged).toEqual(all);
      expect(problem(await eve.get('/api/rooms?cursor=rubbish'))).toEqual(invalid);
    } finally {
      await fresh.close();
    }
  });

  it("keeps other people's rooms unknown", async () => {
    const { id } = await create(ada, 'Group', [bob]);
    for (const path of [`/api/rooms/${id}`, `/api/rooms/${id}/detailed`, `/api/rooms/${randomUUID()}`]) {
      expect(problem(await cyd.get(path))).toEqual(missing);
    }
    for (const path of [`/api/rooms/${id}/users`, `/api/rooms/${id}/read-states`, `/api/rooms/${randomUUID()}/users`]) {
      expect(problem(await cyd.get(path))).toEqual(forbidden);
    }
  });
});

describe('reading', () => {
  const readers = async (room: string) =>
    (await ada.get(`/api/rooms/${room}/read-states`))
      .json<readonly RoomMember[]>()
      .map(({ id }) => id)
      .sort();

  it('is marked by who writes, and by who says so', async () => {
    const { id } = await create(ada, 'Group', [bob, cyd]);
    expect(await readers(id)).toEqual([ada.id, bob.id, cyd.id].sort()); // nothing to read yet
    const first = await said(ada, id, 'one');
    await said(ada, id, 'two');
    expect(await readers(id)).toEqual([ada.id]);
    expect(await roomOf(ada, id)).toMatchObject({ unread: false, unreadCount: 0 });
    expect(await roomOf(bob, id)).toMatchObject({ unread: true, unreadCount: 2 });

    expect((await bob.post(`/api/rooms/${id}/mark-read`, { upTo: first.messageId })).status).toBe(200);
    expect(await roomOf(bob, id)).toMatchObject({ unread: true, unreadCount: 1 });
    const done = await bob.post(`/api/rooms/${id}/mark-read`);
    expect([done.status, done.text]).toEqual([200, '']);
    expect(await roomOf(bob, id)).toMatchObject({ unread: false, unreadCount: 0 });
    expect(await readers(id)).toEqual([ada.id, bob.id].sort());

    await bob.post(`/api/rooms/${id}/mark-read`, { upTo: first.messageId }); // never back
    expect(await roomOf(bob, id)).toMatchObject({ unreadCount: 0 });
  });

  it('is possible in a room where nobody has said anything yet', async () => {
    const { id } = await create(ada, 'Group', [bob]);
    expect(await roomOf(bob, id)).toMatchObject({ unread: true, unreadCount: 0 });
    for (let n = 0; n < 2; n++) expect((await bob.post(`/api/rooms/${id}/mark-read`)).status).toBe(200);
    expect(await roomOf(bob, id)).toMatchObject({ unread: false, unreadCount: 0 });
    expect(await roomOf(ada, id)).toMatchObject({ unread: true });
    await said(ada, id, 'now');
    expect(await roomOf(bob, id)).toMatchObject({ unread: true, unreadCount: 1 });
  });

  it('is for members, and of messages that are there', async () => {
    const { id } = await create(ada, 'Group', [bob]);
    expect(problem(await cyd.post(`/api/rooms/${id}/mark-read`))).toEqual(forbidden);
    expect(problem(await ada.post(`/api/rooms/${id}/mark-read`, { upTo: randomUUID() }))).toEqual(missing);
    // Null is no message: a client that lost its place is not to have marked all as read.
    for (const upTo of ['x', null]) expect(refused(await ada.post(`/api/rooms/${id}/mark-read`, { upTo }))).toEqual([400, 'upTo']);
    for (const all of [{}, undefined]) expect((await ada.post(`/api/rooms/${id}/mark-read`, all)).status).toBe(200);
  });
});

describe('groups', () => {
  it('show who came and went', async () => {
    const { id } = await create(ada, 'Group', [bob], 'Door');
    await said(ada, id, 'before');
    const invited = await bob.post(`/api/rooms/${id}/invite/${cyd.id}`);
    expect([invited.status, invited.text]).toEqual([200, '']);
    expect(await timelineOf(cyd, id)).toMatchObject([
      {
        senderId: cyd.id,
        msgType: 'RoomChange',
        msgBody: { type: 'UserJoined', related_user: { id: cyd.id, displayName: 'cyd' } },
        seq: 2,
      },
      { msgBody: { text: 'before' } },
    ]);
    expect(await roomOf(cyd, id)).toMatchObject({ unread: true, unreadCount: 0, latestMessagePreviewText: { room_change_type: 'JOIN' } });
    expect(problem(await bob.post(`/api/rooms/${id}/invite/${cyd.id}`))).toEqual(invalid);

    expect((await bob.post(`/api/rooms/${id}/leave`)).status).toBe(200);
    expect(problem(await bob.get(`/api/rooms/${id}`))).toEqual(missing);
    const detailed = (await ada.get(`/api/rooms/${id}/detailed`)).json<RoomDetailed>();
    expect(Object.fromEntries(detailed.users.map((user) => [user.displayName, user.membershipStatus]))).toEqual({
      ada: 'Joined',
      bob: 'Left',
      cyd: 'Joined',
    });
    expect(detailed.latestMessagePreviewText).toEqual({ type: 'RoomChange', sender_username: 'bob', room_change_type: 'LEAVE' });
    expect((await ada.get(`/api/rooms/${id}/users`)).json<readonly RoomMember[]>().map(({ displayName }) => displayName)).toEqual([
      'ada',
      'cyd',
    ]);
    expect(problem(await say(bob, id, 'still here?'))).toEqual(forbidden);

    expect((await ada.post(`/api/rooms/${id}/invite/${bob.id}`)).status).toBe(200);
    expect((await timelineOf(bob, id)).map(({ seq }) => seq)).toEqual([4, 3, 2, 1]);
  });

  it('refuse invitations in the order of the contract', async () => {
    const { id } = await create(ada, 'Group', [bob]);
    expect(problem(await cyd.post(`/api/rooms/${id}/invite/${dan.id}`))).toEqual(forbidden);
    expect(problem(await cyd.post(`/api/rooms/${randomUUID()}/invite/${dan.id}`))).toEqual(forbidden);
    expect(problem(await ada.post(`/api/rooms/${id}/invite/${randomUUID()}`))).toEqual(missing);
  });

  it('close behind the last one', async () => {
    const { id } = await create(ada, 'Group', [bob]);
    await said(ada, id, 'bye');
    await ada.post(`/api/rooms/${id}/leave`);
    await bob.post(`/api/rooms/${id}/leave`);
    expect(problem(await bob.post(`/api/rooms/${id}/leave`))).toEqual(forbidden);
    expect(problem(await bob.get(`/api/rooms/${id}`))).toEqual(missing);
    expect(problem(await bob.get(`/api/rooms/${id}/timeline`))).toEqual(forbidden);
  });
});

describe('a private room', () => {
  it('stays with the other when one leaves, and opens again by a message, without what was before', async () => {
    const { id } = await create(cyd, 'Single', [dan]);
    await said(cyd, id, 'old');
    expect((await dan.post(`/api/rooms/${id}/leave`)).status).toBe(200);
    expect((await dan.get(`/api/rooms/search?withUser=${cyd.id}`)).text).toBe('null');
    expect(problem(await dan.get(`/api/rooms/${id}`))).toEqual(missing);

    expect(texts(await timelineOf(cyd, id))).toEqual(['old']); // and no word of leaving
    const others = (await cyd.get(`/api/rooms/${id}/users`)).json<readonly RoomMember[]>();
    expect(others.map(({ membershipStatus }) => membershipStatus)).toEqual(['Joined', 'Joined']);

    const again = await said(cyd, id, 'new');
    expect(again.seq).toBe(2);
    expect(texts(await timelineOf(dan, id))).toEqual(['new']);
    expect(await roomOf(dan, id)).toMatchObject({ unread: true, unreadCount: 1 });
    const hidden = (await timelineOf(cyd, id)).find(({ seq }) => seq === 1);
    expect(problem(await dan.get(`/api/rooms/${id}/timeline?before=${hidden?.messageId}`))).toEqual(missing);
    expect(
      problem(await dan.post('/api/send-msg', { chatRoomId: id, msgBody: { replyMsgId: hidden?.messageId, replyText: '?' } })),
    ).toEqual(missing);
  });

  it('opens again for the leaver who creates it', async () => {
    const { id } = await create(ada, 'Single', [cyd]);
    await said(cyd, id, 'old');
    await ada.post(`/api/rooms/${id}/leave`);
    const again = await create(ada, 'Single', [cyd]);
    expect(again).toMatchObject({ id, latestMessagePreviewText: { type: 'New' }, unreadCount: 0 });
    expect(await timelineOf(ada, id)).toEqual([]);
    expect(problem(await ada.post(`/api/rooms/${id}/invite/${bob.id}`))).toEqual(invalid);
  });

  it('is not brought back by the retry of an old message', async () => {
    const { id } = await create(bob, 'Single', [dan]);
    const key = { 'idempotency-key': 'old-one' };
    const first = await say(bob, id, 'hi', key);
    await dan.post(`/api/rooms/${id}/leave`);
    expect((await say(bob, id, 'hi', key)).text).toBe(first.text);
    expect(problem(await dan.get(`/api/rooms/${id}`))).toEqual(missing);
  });
});
