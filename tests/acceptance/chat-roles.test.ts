/** Rooms as their members see them: ranks, names, the latest message as it reads now, and rooms that begin with a message (chat-contract §6). */
import type { ChatRoom, Message, RoomDetailed, RoomMember, UserWithRelationship } from '@tidings/contracts/http/chat-objects';
import type { Problem } from '@tidings/contracts/http/problem';
import type { CommandId } from '@tidings/contracts/ids';
import { user, userKey } from '@tidings/domain/user/index';
import * as E from 'fp-ts/lib/Either.js';
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { problem } from './answers.ts';
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

const create = (by: Client, roomType: 'Single' | 'Group', others: readonly Client[], more: object = {}, headers?: Record<string, string>) =>
  by.post('/api/rooms/create-room', { roomType, invitedUsers: [by.id, ...others.map(({ id }) => id)], ...more }, headers);
const group = async (by: Client, ...others: readonly Client[]): Promise<string> => (await create(by, 'Group', others)).json<ChatRoom>().id;
const roomOf = async (by: Client, room: string) => (await by.get(`/api/rooms/${room}`)).json<ChatRoom>();
const say = async (by: Client, chatRoomId: string, text: string): Promise<Message> =>
  (await by.post('/api/send-msg', { chatRoomId, msgBody: { text } })).json<Message>();
const messages = async (by: Client, room: string) => (await by.get(`/api/rooms/${room}/timeline`)).json<readonly Message[]>();
const keyed = () => ({ 'idempotency-key': randomUUID() });
const rename = (by: Client, room: string, roomName: string | null, headers?: Record<string, string>) =>
  by.patch(`/api/rooms/${room}`, { roomName }, headers);
const setRole = (by: Client, room: string, who: Client, role: string, headers?: Record<string, string>) =>
  by.put(`/api/rooms/${room}/users/${who.id}/role`, { role }, headers);
const ranks = async (by: Client, room: string): Promise<Record<string, string>> =>
  Object.fromEntries((await by.get(`/api/rooms/${room}/users`)).json<readonly RoomMember[]>().map(({ id, role }) => [id, role]));

describe('members', () => {
  it('of a group have the ranks that they were given, or inherited, and lose them as they go', async () => {
    const room = await group(ada, bob, cyd);
    expect(await ranks(bob, room)).toEqual({ [ada.id]: 'owner', [bob.id]: 'member', [cyd.id]: 'member' });
    await setRole(ada, room, bob, 'admin');
    const detailed = (await cyd.get(`/api/rooms/${room}/detailed`)).json<RoomDetailed>();
    expect(detailed.users.find(({ id }) => id === bob.id)).toMatchObject({ role: 'admin' });
    await ada.post(`/api/rooms/${room}/leave`);
    expect(await ranks(cyd, room)).toEqual({ [bob.id]: 'owner', [cyd.id]: 'member' });
    await bob.post(`/api/rooms/${room}/invite/${ada.id}`);
    expect(await ranks(cyd, room)).toEqual({ [ada.id]: 'member', [bob.id]: 'owner', [cyd.id]: 'member' });
    await setRole(bob, room, cyd, 'admin');
    await bob.remove(`/api/rooms/${room}/users/${cyd.id}`);
    await bob.post(`/api/rooms/${room}/invite/${cyd.id}`);
    expect((await ranks(ada, room))[cyd.id]).toBe('member');
  });

  it('of a private room have none', async () => {
    const { id } = (await create(ada, 'Single', [cyd])).json<ChatRoom>();
    expect(await ranks(ada, id)).toEqual({ [ada.id]: 'member', [cyd.id]: 'member' });
  });
});

describe('a room', () => {
  it('is called what it was called last, however late an earlier request is sent again', async () => {
    const room = await group(ada, bob);
    await setRole(ada, room, bob, 'admin');
    const [once, rank] = [keyed(), keyed()];
    expect((await rename(ada, room, 'Band', once)).status).toBe(200);
    expect((await rename(bob, room, 'Choir')).status).toBe(200);
    expect((await rename(ada, room, 'Band', once)).status).toBe(200);
    expect([(await roomOf(ada, room)).roomName, (await roomOf(bob, room)).roomName]).toEqual(['Choir', 'Choir']);
    expect(problem(await rename(ada, room, 'Trio', once))).toEqual({ status: 422, code: 'IDEMPOTENCY_KEY_REUSED' });
    await setRole(ada, room, bob, 'member', rank);
    await setRole(ada, room, bob, 'owner');
    expect((await setRole(ada, room, bob, 'member', rank)).status).toBe(200);
    expect((await ranks(ada, room))[bob.id]).toBe('owner');
    expect((await rename(bob, room, null)).status).toBe(200);
    expect((await roomOf(ada, room)).roomName).toBeNull();
  });

  it('is found by its new name and not by its old one', async () => {
    const room = await group(ada, bob);
    await rename(ada, room, 'Lighthouse keepers');
    await rename(ada, room, 'Mountaineers');
    const found = async (name: string) => (await bob.get(`/api/rooms?name=${name}`)).json<readonly ChatRoom[]>().map(({ id }) => id);
    expect([await found('lighthouse'), await found('mountain')]).toEqual([[], [room]]);
  });

  it('shows its latest message as it reads now, at the time it was sent', async () => {
    const room = await group(ada, bob);
    const [first, last] = [await say(ada, room, 'first'), await say(bob, room, 'last')];
    const path = ({ messageId }: Message) => `/api/rooms/${room}/messages/${messageId}`;
    const preview = async () => {
      const { latestMessagePreviewText, latestMessage } = await roomOf(ada, room);
      expect(latestMessage).toBe(last.createdAt);
      return 'text' in latestMessagePreviewText ? latestMessagePreviewText.text : null;
    };
    await ada.patch(path(first), { text: 'better' });
    expect(await preview()).toBe('last');
    await bob.patch(path(last), { text: 'last, and better' });
    expect(await preview()).toBe('last, and better');
    await ada.remove(path(first));
    expect(await preview()).toBe('last, and better');
    await ada.remove(path(last));
    expect(await preview()).toBe('');
  });
});

describe('the picture of a person', () => {
  it('is shown wherever they are, and is that of a private room with them', async () => {
    const room = (await create(ada, 'Single', [dan])).json<ChatRoom>().id;
    const shared = await group(ada, dan);
    const { commands, freshness } = chat.platform;
    const profilePicture = '/api/media/00000000-0000-4000-8000-000000000000';
    const changed = await commands.transact(
      user,
      userKey(dan.id),
      { type: 'ChangeProfile', userId: dan.id, profilePicture },
      { commandId: randomUUID() as string as CommandId }, // any new UUID will do
    );
    if (E.isLeft(changed)) throw new Error(changed.left.type);
    await freshness.waitFor(changed.right.position, ['users'], 10_000);
    expect([(await roomOf(ada, room)).roomImageUrl, (await roomOf(dan, room)).roomImageUrl]).toEqual([profilePicture, null]);
    expect((await roomOf(ada, shared)).roomImageUrl).toBeNull();
    const members = (await ada.get(`/api/rooms/${shared}/users`)).json<readonly RoomMember[]>();
    expect(members.find(({ id }) => id === dan.id)).toMatchObject({ profilePicture });
    expect((await ada.get(`/api/users/${dan.id}`)).json<UserWithRelationship>().user).toMatchObject({ profilePicture });
  });
});

describe('a room that begins with a message', () => {
  it('has it as its first, once, whatever its kind', async () => {
    const key = keyed();
    const make = () => create(ada, 'Group', [bob], { firstMessage: { text: 'welcome' } }, key);
    const made = await make();
    const again = await make();
    expect(again.text).toBe(made.text);
    const room = made.json<ChatRoom>();
    expect(room).toMatchObject({ latestMessagePreviewText: { type: 'Text', text: 'welcome' }, unreadCount: 0, unread: false });
    expect(await messages(bob, room.id)).toMatchObject([{ senderId: ada.id, seq: 1, msgBody: { text: 'welcome' } }]);
    expect(await roomOf(bob, room.id)).toMatchObject({ unreadCount: 1, latestMessage: room.latestMessage });
    const media = { mediaUrl: 'https://files.example/1', mediaType: 'IMAGE' };
    const pictured = (await create(ada, 'Group', [bob], { firstMessage: media })).json<ChatRoom>();
    expect(pictured.latestMessagePreviewText).toMatchObject({ type: 'Media', media_type: 'IMAGE' });
    expect((await create(ada, 'Group', [bob], { firstMessage: null })).json<ChatRoom>().latestMessagePreviewText).toEqual({ type: 'New' });
  });

  it('is refused whole when the message or the room is', async () => {
    const before = (await bob.get('/api/rooms')).text;
    for (const firstMessage of [{ text: '' }, {}, { replyMsgId: randomUUID(), replyText: 'what?' }]) {
      const refused = await create(ada, 'Group', [bob], { firstMessage });
      expect(problem(refused)).toEqual({ status: 400, code: 'VALIDATION_ERROR' });
      expect(refused.json<Problem>().errors?.[0]?.path).toMatch(/^firstMessage/);
    }
    expect((await create(ada, 'Group', [], { firstMessage: { text: 'hello?' } })).status).toBe(400);
    expect((await bob.get('/api/rooms')).text).toBe(before);
    const { id } = (await create(bob, 'Single', [cyd], { firstMessage: { text: 'hello' } })).json<ChatRoom>();
    expect((await create(cyd, 'Single', [bob], { firstMessage: { text: 'hello' } })).status).toBe(400);
    expect(await messages(bob, id)).toHaveLength(1);
  });

  it('brings back the other one, when both had left', async () => {
    const { id } = (await create(ada, 'Single', [bob])).json<ChatRoom>();
    await say(ada, id, 'long ago');
    await ada.post(`/api/rooms/${id}/leave`);
    await bob.post(`/api/rooms/${id}/leave`);
    const again = await create(ada, 'Single', [bob], { firstMessage: { text: 'you again' } });
    expect(again.json<ChatRoom>()).toMatchObject({ id, latestMessagePreviewText: { text: 'you again' } });
    expect((await messages(bob, id)).map(({ msgBody }) => msgBody)).toEqual([{ text: 'you again' }]);
    expect(await roomOf(bob, id)).toMatchObject({ unreadCount: 1 });
  });
});
