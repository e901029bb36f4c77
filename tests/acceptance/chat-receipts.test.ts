/** What reached whom, who has read it, and who is named in what they have not read (chat-contract §6). */
import type { ChatRoom, Message } from '@tidings/contracts/http/chat-objects';
import type { Problem } from '@tidings/contracts/http/problem';
import type { Receipts } from '@tidings/contracts/http/receipts';
import { streamId } from '@tidings/contracts/ids';
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { forbidden, missing, problem } from './answers.ts';
import { startChat, type ChatStack, type Client } from './chat-stack.ts';

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

const create = async (by: Client, roomType: 'Single' | 'Group', others: readonly Client[]): Promise<string> => {
  const invitedUsers = [by.id, ...others.map((other) => other.id)];
  const answer = await by.post('/api/rooms/create-room', { roomType, invitedUsers });
  expect(answer.status).toBe(200);
  return answer.json<ChatRoom>().id;
};
const say = async (by: Client, chatRoomId: string, text: string, mentions: readonly Client[] = []): Promise<Message> => {
  const answer = await by.post('/api/send-msg', { chatRoomId, msgBody: { text }, mentions: mentions.map(({ id }) => id) });
  expect(answer.status).toBe(200);
  return answer.json<Message>();
};
const deliver = (by: Client, room: string, upTo: unknown) => by.post(`/api/rooms/${room}/mark-delivered`, { upTo });
const read = (by: Client, room: string, upTo: string) => by.post(`/api/rooms/${room}/mark-read`, { upTo });
const receipts = (by: Client, room: string, message: string) => by.get(`/api/rooms/${room}/messages/${message}/receipts`);
const who = async (by: Client, room: string, message: string) => {
  const { deliveredTo, readBy } = (await receipts(by, room, message)).json<Receipts>();
  return { delivered: deliveredTo.map(({ userId }) => userId), read: readBy.map(({ userId }) => userId) };
};
const sorted = (...people: readonly Client[]) => people.map(({ id }) => id).toSorted();
const counts = async (by: Client, room: string) => {
  const { unreadCount, mentionCount } = (await by.get(`/api/rooms/${room}`)).json<ChatRoom>();
  return [unreadCount, mentionCount];
};

describe('receipts of a message', () => {
  it('tell whom it reached and who has read it; reading is having, writing is reading', async () => {
    const room = await create(ada, 'Group', [bob, cyd, dan]);
    const [first, second] = [await say(ada, room, 'first'), await say(ada, room, 'second')];
    expect(await who(ada, room, first.messageId)).toEqual({ delivered: [], read: [] });
    expect((await deliver(bob, room, first.messageId)).status).toBe(200);
    expect(await who(ada, room, first.messageId)).toEqual({ delivered: [bob.id], read: [] });
    expect(await who(bob, room, second.messageId)).toEqual({ delivered: [], read: [] });
    await read(cyd, room, second.messageId);
    await say(dan, room, 'third');
    const both = await who(ada, room, first.messageId);
    expect(both.delivered.toSorted()).toEqual(sorted(bob, cyd, dan));
    expect(both.read.toSorted()).toEqual(sorted(cyd, dan));
    expect((await who(ada, room, second.messageId)).delivered.toSorted()).toEqual(sorted(cyd, dan));
  });

  it('never move back, and nothing is written of what was known', async () => {
    const room = await create(ada, 'Group', [bob]);
    const [first, second] = [await say(ada, room, 'first'), await say(ada, room, 'second')];
    for (const { messageId } of [second, first, second]) expect((await deliver(bob, room, messageId)).status).toBe(200);
    await read(bob, room, second.messageId);
    await deliver(bob, room, second.messageId);
    const third = await say(ada, room, 'third');
    await read(bob, room, third.messageId);
    await deliver(bob, room, third.messageId);
    const events = await chat.platform.events.readStream(streamId('read', `${room}.${bob.id}`));
    expect(events.map(({ type, data }) => [type, 'upToSeq' in data ? data.upToSeq : null])).toEqual([
      ['RoomDelivered', 2],
      ['RoomRead', 2],
      ['RoomRead', 3],
    ]);
    const answer = (await receipts(ada, room, second.messageId)).json<Receipts>();
    expect(answer.deliveredTo).toEqual([{ userId: bob.id, at: events[0]?.recordedAt }]);
    expect(answer.readBy).toEqual([{ userId: bob.id, at: events[1]?.recordedAt }]);
  });

  it('are of members who are there, and for them', async () => {
    const room = await create(ada, 'Group', [bob, cyd]);
    const { messageId } = await say(ada, room, 'hello');
    await read(bob, room, messageId);
    await bob.post(`/api/rooms/${room}/leave`);
    expect(await who(ada, room, messageId)).toEqual({ delivered: [], read: [] });
    for (const unknown of [room, randomUUID()]) {
      expect(problem(await receipts(dan, unknown, messageId))).toEqual(forbidden);
      expect(problem(await deliver(dan, unknown, messageId))).toEqual(forbidden);
    }
    expect(problem(await receipts(ada, room, randomUUID()))).toEqual(missing);
    expect(problem(await deliver(cyd, room, randomUUID()))).toEqual(missing);
    const elsewhere = await say(cyd, await create(cyd, 'Group', [ada]), 'elsewhere');
    expect(problem(await receipts(cyd, room, elsewhere.messageId))).toEqual(missing);
    expect(problem(await deliver(cyd, room, elsewhere.messageId))).toEqual(missing);
    for (const upTo of [undefined, null, 'latest']) {
      const refused = await deliver(cyd, room, upTo);
      expect(refused.json<Problem>().errors?.map(({ path }) => path)).toEqual(['upTo']);
    }
  });

  it('in a private room do not tell that the other one left', async () => {
    const room = await create(ada, 'Single', [dan]);
    const { messageId } = await say(ada, room, 'hello');
    await read(dan, room, messageId);
    const before = (await receipts(ada, room, messageId)).text;
    await dan.post(`/api/rooms/${room}/leave`);
    expect((await receipts(ada, room, messageId)).text).toBe(before);
    await say(ada, room, 'come back');
    expect(problem(await receipts(dan, room, messageId))).toEqual(missing);
    expect(problem(await deliver(dan, room, messageId))).toEqual(missing);
  });
});

describe('unread mentions', () => {
  it('are the unread messages that name someone as they read now', async () => {
    const room = await create(ada, 'Group', [bob, cyd]);
    const first = await say(ada, room, 'bob!', [bob, bob]);
    const second = await say(ada, room, 'nobody');
    await say(cyd, room, 'bob and cyd', [bob, cyd]);
    expect([await counts(ada, room), await counts(bob, room), await counts(cyd, room)]).toEqual([
      [1, 0],
      [3, 2],
      [0, 0],
    ]);
    const path = (message: Message) => `/api/rooms/${room}/messages/${message.messageId}`;
    await ada.patch(path(second), { text: 'bob, too', mentions: [bob.id] });
    expect(await counts(bob, room)).toEqual([3, 3]);
    await ada.patch(path(second), { text: 'bob, still' });
    await ada.remove(path(first));
    expect(await counts(bob, room)).toEqual([3, 2]);
    await ada.patch(path(second), { text: 'nobody', mentions: [] });
    expect(await counts(bob, room)).toEqual([3, 1]);
    await read(bob, room, second.messageId);
    expect(await counts(bob, room)).toEqual([1, 1]);
    await bob.post(`/api/rooms/${room}/mark-read`);
    expect(await counts(bob, room)).toEqual([0, 0]);
    const all = (await bob.get('/api/rooms')).json<readonly ChatRoom[]>().find(({ id }) => id === room);
    expect(all).toMatchObject({ unreadCount: 0, mentionCount: 0 });
  });

  it('by someone blocked are none, and their words are not previewed', async () => {
    const room = await create(ada, 'Group', [bob, cyd]);
    await say(cyd, room, 'psst, bob', [bob]);
    expect(await counts(bob, room)).toEqual([1, 1]);
    await bob.post(`/api/users/ignore/${cyd.id}`);
    expect(await counts(bob, room)).toEqual([1, 0]);
    const preview = async (by: Client) => (await by.get(`/api/rooms/${room}`)).json<ChatRoom>().latestMessagePreviewText;
    expect(await preview(bob)).toMatchObject({ type: 'Text', text: '' });
    expect(await preview(ada)).toMatchObject({ type: 'Text', text: 'psst, bob' });
    await bob.remove(`/api/users/ignore/${cyd.id}`);
    expect(await counts(bob, room)).toEqual([1, 1]);
    expect(await preview(bob)).toEqual(await preview(ada));
  });
});
