/** Users, friends and blocks over HTTP (chat-contract §1.5, §6). */
import { ProblemError } from '@tidings/contracts/client/client';
import type { Page, User } from '@tidings/contracts/http/chat-objects';
import { randomUUID } from 'node:crypto';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { forbidden, invalid, missing } from './answers.ts';
import { startChat, type ChatStack, type Client } from './chat-stack.ts';

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

/** What a call was refused with. */
const problem = (call: Promise<unknown>) =>
  call.then(
    (answer) => expect.unreachable(`answered ${JSON.stringify(answer)}`),
    (error: unknown) => {
      if (!(error instanceof ProblemError)) throw error;
      return { status: error.status, code: error.code };
    },
  );

const about = (id: string) => ({ params: { userId: id } });
const seen = (by: Client, other: Client) => by.api.getUser(about(other.id));
const relation = async (by: Client, other: Client) => (await seen(by, other)).relationshipType;
const names = (users: readonly User[]) => users.map(({ displayName }) => displayName);
const friendsOf = async (by: Client) => names(itemsOf(await by.api.listFriends()));
const add = (by: Client, to: Client) => by.api.requestFriendship(about(to.id));
const accept = (by: Client, from: Client) => by.api.acceptFriendship(about(from.id));
const reject = (by: Client, from: Client) => by.api.rejectFriendship(about(from.id));
const end = (by: Client, other: Client) => by.api.endFriendship(about(other.id));
const befriend = async (one: Client, other: Client) => {
  await add(one, other);
  await accept(other, one);
};
const ignore = (by: Client, other: Client) => by.api.blockUser(about(other.id));
const unignore = (by: Client, other: Client) => by.api.unblockUser(about(other.id));
const create = (by: Client, roomType: 'Single' | 'Group', others: readonly Client[]) =>
  by.api.createRoom({ body: { roomType, invitedUsers: [by, ...others].map(({ id }) => id) } });
const say = (by: Client, chatRoomId: string, text: string) => by.api.sendMessage({ body: { chatRoomId, msgBody: { text } } });
/** Some lists answer with an array, or with a page when asked for one. */
const itemsOf = <A>(list: readonly A[] | { readonly content: readonly A[] }): readonly A[] => ('content' in list ? list.content : list);
const pageOf = <A>(list: readonly A[] | Page<A>): Page<A> => ('content' in list ? list : expect.unreachable('asked for a page'));

describe('users', () => {
  it('see each other, but not themselves', async () => {
    expect(await seen(ada, bob)).toEqual({
      user: { id: bob.id, displayName: 'Bob', streetCredits: 0, profilePicture: null, description: null, friendsCount: 0, role: 'USER' },
      relationshipType: null,
    });
    expect(await problem(seen(ada, ada))).toEqual(missing);
    expect(await problem(ada.api.getUser(about(randomUUID())))).toEqual(missing);
  });

  it('are found by a part of their name', async () => {
    await add(ada, cyd);
    expect(await ada.api.searchUsers({ query: { username: 'y' } })).toMatchObject({
      content: [{ user: { displayName: 'Cyd' }, relationshipType: 'INVITE_SENT' }],
      nextCursor: null,
      cursor: null,
    });
    const { content } = await ada.api.searchUsers({ query: { username: '' } });
    expect(names(content.map(({ user }) => user))).toEqual(['Bob', 'Cyd']);
    expect(await problem(ada.api.searchUsers({ query: { cursor: 'e30' } }))).toEqual(invalid);
  });
});

describe('friendship', () => {
  it('is asked for, accepted, counted and ended', async () => {
    const asked = await ada.post(`/api/users/friends/add/${bob.id}`);
    expect([asked.status, asked.text]).toEqual([200, '']);
    expect([await relation(ada, bob), await relation(bob, ada)]).toEqual(['INVITE_SENT', 'INVITE_RECEIVED']);
    expect(itemsOf(await bob.api.listFriendRequests()).map(({ id }) => id)).toEqual([ada.id]);
    expect(await ada.api.listFriendRequests()).toEqual([]);
    await add(ada, bob); // asking twice changes nothing

    await accept(bob, ada);
    expect([await relation(ada, bob), await friendsOf(ada), await friendsOf(bob)]).toEqual(['FRIEND', ['Bob'], ['Ada']]);
    expect((await seen(cyd, ada)).user.friendsCount).toBe(1);

    await end(ada, bob);
    expect([await relation(ada, bob), await friendsOf(bob)]).toEqual([null, []]);
    expect((await seen(cyd, ada)).user.friendsCount).toBe(0);
  });

  it('comes of crossed requests, also of requests at the same time', async () => {
    await Promise.all([add(ada, bob), add(bob, ada)]);
    expect([await relation(ada, bob), await relation(bob, ada)]).toEqual(['FRIEND', 'FRIEND']);
  });

  it('can be turned down', async () => {
    await add(ada, bob);
    await reject(bob, ada);
    expect(await relation(ada, bob)).toBeNull();
  });

  it('is refused as the contract says', async () => {
    expect(await problem(add(ada, ada))).toEqual(invalid);
    expect(await problem(ada.api.requestFriendship(about(randomUUID())))).toEqual(missing);
    expect(await problem(accept(ada, bob))).toEqual(missing);
    expect(await problem(reject(ada, bob))).toEqual(missing);
    expect(await problem(end(ada, bob))).toEqual(missing);
    await add(ada, bob);
    expect(await problem(accept(ada, bob))).toEqual(invalid); // my own request
    expect(await problem(end(ada, bob))).toEqual(invalid);
  });

  it('lists pages when asked', async () => {
    await befriend(ada, bob);
    await befriend(ada, cyd);
    const first = pageOf(await ada.api.listFriends({ query: { limit: 1 } }));
    expect(names(first.content)).toEqual(['Bob']);
    const second = pageOf(await ada.api.listFriends({ query: { limit: 1, cursor: first.cursor ?? '' } }));
    expect([names(second.content), second.cursor]).toEqual([['Cyd'], null]);
    expect(names(itemsOf(await ada.api.listFriends({ query: { username: 'CY' } })))).toEqual(['Cyd']);
  });
});

describe('a block', () => {
  it('replaces a friendship, and each side sees its own part', async () => {
    await befriend(ada, bob);
    expect(await ignore(ada, bob)).toEqual({ state: 'CLIENT_BLOCKED' });
    expect([await relation(ada, bob), await relation(bob, ada)]).toEqual(['CLIENT_BLOCKED', 'CLIENT_GOT_BLOCKED']);
    expect((await seen(cyd, ada)).user.friendsCount).toBe(0);
    expect(await ignore(ada, bob)).toEqual({ state: 'CLIENT_BLOCKED' });
    expect(await problem(add(ada, bob))).toEqual(invalid);
    expect(await problem(add(bob, ada))).toEqual(invalid);
  });

  it('is lifted by who made it', async () => {
    expect(await problem(unignore(ada, bob))).toEqual(missing);
    await ignore(ada, bob);
    expect(await problem(unignore(bob, ada))).toEqual(forbidden);
    await ignore(bob, ada);
    expect([await relation(ada, bob), await relation(bob, ada)]).toEqual(['CLIENT_BLOCKED', 'CLIENT_BLOCKED']);
    expect(await unignore(ada, bob)).toEqual({ state: 'CLIENT_GOT_BLOCKED' });
    expect(await unignore(bob, ada)).toEqual({ state: null });
    await add(ada, bob);
    expect(await problem(unignore(ada, bob))).toEqual(invalid);
    expect(await problem(ignore(ada, ada))).toEqual(invalid);
    expect(await problem(ada.api.blockUser(about(randomUUID())))).toEqual(missing);
  });

  it('ends the private room for the blocker and silences both, but the other keeps it', async () => {
    const { id } = await create(ada, 'Single', [bob]);
    await say(bob, id, 'before');
    await ignore(ada, bob);

    expect(await ada.api.listRooms()).toEqual([]);
    expect(await bob.api.listRooms()).toMatchObject([{ id, roomName: 'Ada' }]);
    expect(await problem(say(bob, id, 'hello?'))).toEqual(forbidden);
    expect(await problem(say(ada, id, 'hello?'))).toEqual(forbidden);
    expect(await problem(create(ada, 'Single', [bob]))).toEqual(invalid);

    await unignore(ada, bob);
    await say(bob, id, 'after');
    expect(await ada.api.listRooms()).toMatchObject([{ id, unreadCount: 1 }]);
  });

  it('leaves the other out of new groups, and cannot be invited around', async () => {
    await ignore(bob, ada);
    const { id: roomId } = await create(ada, 'Group', [bob, cyd]);
    expect(await ada.api.listRoomUsers({ params: { roomId } })).toHaveLength(2);
    const invited = { params: { roomId, userId: bob.id } };
    expect(await problem(ada.api.inviteToRoom(invited))).toEqual(forbidden);
    await cyd.api.inviteToRoom(invited); // not between these two
    await say(ada, roomId, 'groups go on');
  });
});
