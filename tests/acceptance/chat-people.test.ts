/** Users, friends and blocks over HTTP (chat-contract §1.5, §6). */
import type { ChatRoom, Page, User, UserWithRelationship } from '@tidings/contracts/http/chat-objects';
import type { Problem } from '@tidings/contracts/http/problem';
import { randomUUID } from 'node:crypto';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { startChat, type Answer, type ChatStack, type Client } from './chat-stack.ts';

let chat: ChatStack<'Ada' | 'Bob' | 'Cyd'> | undefined;
let ada: Client;
let bob: Client;
let cyd: Client;
/** A world of its own for each test: they are about who stands how to whom. */
beforeEach(async () => {
  await chat?.close();
  chat = await startChat('Ada', 'Bob', 'Cyd');
  ({ Ada: ada, Bob: bob, Cyd: cyd } = chat.as);
});
afterAll(() => chat?.close());

const problem = (answer: Answer) => ({ status: answer.status, code: answer.json<Problem>().errorCode });
const forbidden = { status: 403, code: 'INSUFFICIENT_PERMISSIONS' };
const missing = { status: 404, code: 'CONTENT_NOT_FOUND' };
const invalid = { status: 400, code: 'VALIDATION_ERROR' };

const empty = (answer: Answer) => expect([answer.status, answer.text]).toEqual([200, '']);
const seen = async (by: Client, other: Client) => (await by.get(`/api/users/${other.id}`)).json<UserWithRelationship>();
const relation = async (by: Client, other: Client) => (await seen(by, other)).relationshipType;
const friendsOf = async (by: Client) => (await by.get('/api/users/friends')).json<readonly User[]>().map(({ displayName }) => displayName);
const add = (by: Client, to: Client) => by.post(`/api/users/friends/add/${to.id}`);
const befriend = async (one: Client, other: Client) => {
  empty(await add(one, other));
  empty(await other.post(`/api/users/friends/accept-request/${one.id}`));
};
const ignore = (by: Client, other: Client) => by.post(`/api/users/ignore/${other.id}`);
const unignore = (by: Client, other: Client) => by.remove(`/api/users/ignore/${other.id}`);

describe('users', () => {
  it('see each other, but not themselves', async () => {
    expect(await seen(ada, bob)).toEqual({
      user: { id: bob.id, displayName: 'Bob', streetCredits: 0, profilePicture: null, description: null, friendsCount: 0, role: 'USER' },
      relationshipType: null,
    });
    expect(problem(await ada.get(`/api/users/${ada.id}`))).toEqual(missing);
    expect(problem(await ada.get(`/api/users/${randomUUID()}`))).toEqual(missing);
  });

  it('are found by a part of their name', async () => {
    await add(ada, cyd);
    const page = (await ada.get('/api/users/search?username=y')).json<Page<UserWithRelationship>>();
    expect(page).toMatchObject({
      content: [{ user: { displayName: 'Cyd' }, relationshipType: 'INVITE_SENT' }],
      nextCursor: null,
      cursor: null,
    });
    const all = (await ada.get('/api/users/search?username=')).json<Page<UserWithRelationship>>();
    expect(all.content.map(({ user }) => user.displayName)).toEqual(['Bob', 'Cyd']);
    expect(problem(await ada.get('/api/users/search?cursor=e30'))).toEqual(invalid);
  });
});

describe('friendship', () => {
  it('is asked for, accepted, counted and ended', async () => {
    empty(await add(ada, bob));
    expect([await relation(ada, bob), await relation(bob, ada)]).toEqual(['INVITE_SENT', 'INVITE_RECEIVED']);
    expect((await bob.get('/api/users/friends/requests')).json<readonly User[]>().map(({ id }) => id)).toEqual([ada.id]);
    expect((await ada.get('/api/users/friends/requests')).json()).toEqual([]);
    empty(await add(ada, bob)); // asking twice changes nothing

    empty(await bob.post(`/api/users/friends/accept-request/${ada.id}`));
    expect([await relation(ada, bob), await friendsOf(ada), await friendsOf(bob)]).toEqual(['FRIEND', ['Bob'], ['Ada']]);
    expect((await seen(cyd, ada)).user.friendsCount).toBe(1);

    empty(await ada.remove(`/api/users/friends/${bob.id}`));
    expect([await relation(ada, bob), await friendsOf(bob)]).toEqual([null, []]);
    expect((await seen(cyd, ada)).user.friendsCount).toBe(0);
  });

  it('comes of crossed requests, also of requests at the same time', async () => {
    await Promise.all([add(ada, bob), add(bob, ada)]);
    expect([await relation(ada, bob), await relation(bob, ada)]).toEqual(['FRIEND', 'FRIEND']);
  });

  it('can be turned down', async () => {
    await add(ada, bob);
    empty(await bob.remove(`/api/users/friends/reject-request/${ada.id}`));
    expect(await relation(ada, bob)).toBeNull();
  });

  it('is refused as the contract says', async () => {
    expect(problem(await add(ada, ada))).toEqual(invalid);
    expect(problem(await ada.post(`/api/users/friends/add/${randomUUID()}`))).toEqual(missing);
    expect(problem(await ada.post(`/api/users/friends/accept-request/${bob.id}`))).toEqual(missing);
    expect(problem(await ada.remove(`/api/users/friends/reject-request/${bob.id}`))).toEqual(missing);
    expect(problem(await ada.remove(`/api/users/friends/${bob.id}`))).toEqual(missing);
    await add(ada, bob);
    expect(problem(await ada.post(`/api/users/friends/accept-request/${bob.id}`))).toEqual(invalid); // my own request
    expect(problem(await ada.remove(`/api/users/friends/${bob.id}`))).toEqual(invalid);
  });

  it('lists pages when asked', async () => {
    await befriend(ada, bob);
    await befriend(ada, cyd);
    const first = (await ada.get('/api/users/friends?limit=1')).json<Page<User>>();
    expect(first.content.map(({ displayName }) => displayName)).toEqual(['Bob']);
    const second = (await ada.get(`/api/users/friends?limit=1&cursor=${first.cursor}`)).json<Page<User>>();
    expect([second.content.map(({ displayName }) => displayName), second.cursor]).toEqual([['Cyd'], null]);
    const named = (await ada.get('/api/users/friends?username=CY')).json<readonly User[]>();
    expect(named.map(({ displayName }) => displayName)).toEqual(['Cyd']);
  });
});

describe('a block', () => {
  it('replaces a friendship, and each side sees its own part', async () => {
    await befriend(ada, bob);
    const blocked = await ignore(ada, bob);
    expect([blocked.status, blocked.text]).toEqual([200, '{"state":"CLIENT_BLOCKED"}']);
    expect([await relation(ada, bob), await relation(bob, ada)]).toEqual(['CLIENT_BLOCKED', 'CLIENT_GOT_BLOCKED']);
    expect((await seen(cyd, ada)).user.friendsCount).toBe(0);
    expect((await ignore(ada, bob)).text).toBe(blocked.text);
    expect(problem(await add(ada, bob))).toEqual(invalid);
    expect(problem(await add(bob, ada))).toEqual(invalid);
  });

  it('is lifted by who made it', async () => {
    expect(problem(await unignore(ada, bob))).toEqual(missing);
    await ignore(ada, bob);
    expect(problem(await unignore(bob, ada))).toEqual(forbidden);
    await ignore(bob, ada);
    expect([await relation(ada, bob), await relation(bob, ada)]).toEqual(['CLIENT_BLOCKED', 'CLIENT_BLOCKED']);
    expect((await unignore(ada, bob)).text).toBe('{"state":"CLIENT_GOT_BLOCKED"}');
    expect((await unignore(bob, ada)).text).toBe('{"state":null}');
    await add(ada, bob);
    expect(problem(await unignore(ada, bob))).toEqual(invalid);
    expect(problem(await ignore(ada, ada))).toEqual(invalid);
    expect(problem(await ada.post(`/api/users/ignore/${randomUUID()}`))).toEqual(missing);
  });

  it('ends the private room for the blocker and silences both, but the other keeps it', async () => {
    const made = await ada.post('/api/rooms/create-room', { roomType: 'Single', invitedUsers: [ada.id, bob.id] });
    const { id } = made.json<ChatRoom>();
    const say = (by: Client, text: string) => by.post('/api/send-msg', { chatRoomId: id, msgBody: { text } });
    await say(bob, 'before');
    await ignore(ada, bob);

    expect((await ada.get('/api/rooms')).json()).toEqual([]);
    expect((await bob.get('/api/rooms')).json()).toMatchObject([{ id, roomName: 'Ada' }]);
    expect(problem(await say(bob, 'hello?'))).toEqual(forbidden);
    expect(problem(await say(ada, 'hello?'))).toEqual(forbidden);
    expect(problem(await ada.post('/api/rooms/create-room', { roomType: 'Single', invitedUsers: [ada.id, bob.id] }))).toEqual(invalid);

    await unignore(ada, bob);
    expect((await say(bob, 'after')).status).toBe(200);
    expect((await ada.get('/api/rooms')).json()).toMatchObject([{ id, unreadCount: 1 }]);
  });

  it('leaves the other out of new groups, and cannot be invited around', async () => {
    await ignore(bob, ada);
    const invitedUsers = [ada.id, bob.id, cyd.id];
    const group = (await ada.post('/api/rooms/create-room', { roomType: 'Group', invitedUsers })).json<ChatRoom>();
    expect((await ada.get(`/api/rooms/${group.id}/users`)).json()).toHaveLength(2);
    expect(problem(await ada.post(`/api/rooms/${group.id}/invite/${bob.id}`))).toEqual(forbidden);
    expect((await cyd.post(`/api/rooms/${group.id}/invite/${bob.id}`)).status).toBe(200); // not between these two
    expect((await ada.post('/api/send-msg', { chatRoomId: group.id, msgBody: { text: 'groups go on' } })).status).toBe(200);
  });
});
