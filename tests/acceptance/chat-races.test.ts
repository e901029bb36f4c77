/**
 * Acts that meet: at two nodes over one log, all at once, many times over. Whoever comes first, nobody is told of a fault of ours, and what
 * is left is one of the orders in which it could have happened (chat-contract §2, W1, W2, W13).
 */
import type { ChatRoom, Message, RoomMember, User, UserWithRelationship } from '@tidings/contracts/http/chat-objects';
import type { Problem } from '@tidings/contracts/http/problem';
import { type RoomId, streamId, type UserId } from '@tidings/contracts/ids';
import { relationship, relationshipKey } from '@tidings/domain/relationship/index';
import { privateRoomId, room, roomKey } from '@tidings/domain/room/index';
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Answer, type ChatStack, type Client, startChat } from './chat-stack.ts';

const ROUNDS = 12;
const NAMES = Array.from({ length: 2 * ROUNDS }, (_, n) => `racer${n}`);
let chat: ChatStack<string>;
beforeAll(async () => {
  chat = await startChat(...NAMES);
});
afterAll(() => chat.close());

interface Racer {
  readonly id: UserId;
  readonly here: Client;
  readonly there: Client;
}
const racer = (n: number): Racer => {
  const name = NAMES[n % NAMES.length] ?? '';
  const [here, there] = [chat.as[name], chat.asElsewhere[name]];
  if (here === undefined || there === undefined) throw new Error(`nobody is called ${name}`);
  return { id: here.id, here, there };
};
/** A test of its own for each pair that has not met in this kind of race. */
const pairs = (meeting: number): readonly (readonly [Racer, Racer])[] =>
  Array.from({ length: ROUNDS }, (_, n) => [racer(n), racer(n + 1 + meeting)] as const);
/** Every act at the same time, in an order that changes with the round. */
const race = (round: number, ...acts: readonly (() => Promise<Answer>)[]): Promise<readonly Answer[]> => {
  const turned = acts.map((_, n) => (n + round) % acts.length);
  const begun = new Map(turned.map((n) => [n, acts[n]?.()] as const));
  return Promise.all(acts.map((_, n) => begun.get(n) as Promise<Answer>)); // every index was begun
};
const codes = (answers: readonly Answer[]): readonly (number | string)[] =>
  answers.map((answer) => (answer.status === 200 ? 200 : `${answer.status} ${answer.json<Problem>().errorCode}`)).toSorted();
const typesIn = async (category: string, key: string): Promise<readonly string[]> =>
  (await chat.platform.events.readStream(streamId(category, key))).map(({ type }) => type);

const relation = async (by: Racer, other: Racer) =>
  (await by.here.get(`/api/users/${other.id}`)).json<UserWithRelationship>().relationshipType;
const friends = async (of: Racer) => (await of.here.get('/api/users/friends')).json<readonly User[]>().map(({ id }) => id);
const counted = async (of: Racer, by: Racer) => (await by.here.get(`/api/users/${of.id}`)).json<UserWithRelationship>().user.friendsCount;
const add = (by: Client, to: Racer) => by.post(`/api/users/friends/add/${to.id}`);
const group = async (by: Racer, ...others: readonly Racer[]): Promise<RoomId> => {
  const body = { roomType: 'Group', invitedUsers: [by.id, ...others.map(({ id }) => id)] };
  const { id } = (await by.here.post('/api/rooms/create-room', body)).json<ChatRoom>();
  await race(0, ...others.map((one) => () => one.there.get(`/api/rooms/${id}`))); // the other node knows of it too
  return id;
};
const leave = (by: Client, id: RoomId) => by.post(`/api/rooms/${id}/leave`);
const say = (by: Client, id: RoomId, text: string) => by.post('/api/send-msg', { chatRoomId: id, msgBody: { text } });
const timelineOf = async (by: Racer, id: RoomId) => (await by.here.get(`/api/rooms/${id}/timeline?limit=100`)).json<readonly Message[]>();
const membersOf = async (by: Racer, id: RoomId) =>
  (await by.here.get(`/api/rooms/${id}/users`)).json<readonly RoomMember[]>().map((member) => member.id);
const listed = async (by: Racer, id: RoomId) => (await by.here.get('/api/rooms')).json<readonly ChatRoom[]>().some((one) => one.id === id);

/** Both are shown the same, and counts follow from it. */
const expectFriends = async (one: Racer, other: Racer, areFriends: boolean): Promise<void> => {
  expect([await relation(one, other), await relation(other, one)]).toEqual(areFriends ? ['FRIEND', 'FRIEND'] : [null, null]);
  for (const [mine, theirs] of [
    [one, other],
    [other, one],
  ] as const) {
    const all = await friends(mine);
    expect(all.includes(theirs.id)).toBe(areFriends);
    expect(await counted(mine, theirs)).toBe(all.length);
  }
};

describe('a private room', () => {
  it('created fifty times at once by both, at both nodes, is one room', async () => {
    const [one, two] = [racer(0), racer(1)];
    const body = { roomType: 'Single', invitedUsers: [one.id, two.id] };
    const creators = [one.here, two.there, two.here, one.there];
    const answers = await Promise.all(
      Array.from({ length: 50 }, (_, n) => (creators[n % 4] as Client).post('/api/rooms/create-room', body)),
    );
    expect(codes(answers)).toEqual([200, ...Array.from({ length: 49 }, () => '400 VALIDATION_ERROR')]);
    const id = privateRoomId(one.id, two.id);
    expect(await typesIn(room.category, roomKey(id))).toEqual(['RoomCreated']);
    for (const [mine, theirs] of [
      [one, two],
      [two, one],
    ] as const) {
      expect((await mine.here.get(`/api/rooms/search?withUser=${theirs.id}`)).json()).toBe(id);
      expect(await listed(mine, id)).toBe(true);
    }
  });

  it('created at once under one key is one room with one answer', async () => {
    const [one, two] = [racer(2), racer(3)];
    const body = { roomType: 'Single', invitedUsers: [one.id, two.id] };
    const key = { 'idempotency-key': randomUUID() };
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, n) => (n % 2 ? one.here : one.there).post('/api/rooms/create-room', body, key)),
    );
    expect(new Set(answers.map(({ status, text }) => `${status} ${text}`)).size).toBe(1);
    expect(answers[0]?.status).toBe(200);
  });

  it('left and written into at once has both in it, or a leaver who did not see it', async () => {
    for (const [round, [one, two]] of pairs(2).entries()) {
      const body = { roomType: 'Single', invitedUsers: [one.id, two.id] };
      const { id } = (await one.here.post('/api/rooms/create-room', body)).json<ChatRoom>();
      const [sent, left] = await race(
        round,
        () => say(one.here, id, 'hello?'),
        () => leave(two.there, id),
      );
      expect([sent?.status, left?.status]).toEqual([200, 200]);
      expect(await timelineOf(one, id)).toHaveLength(1);
      if (await listed(two, id)) expect(await timelineOf(two, id)).toEqual(await timelineOf(one, id));
      else expect((await two.here.get(`/api/rooms/${id}/timeline`)).status).toBe(403);
    }
  });
});

describe('friendship', () => {
  it('asked for by both at once is one friendship', async () => {
    for (const [round, [one, two]] of pairs(0).entries()) {
      const answers = await race(
        round,
        () => add(one.here, two),
        () => add(two.there, one),
        () => add(one.there, two),
        () => add(two.here, one),
      );
      expect(codes(answers)).toEqual([200, 200, 200, 200]);
      await expectFriends(one, two, true);
      expect(await typesIn(relationship.category, relationshipKey(one.id, two.id))).toEqual(['FriendshipRequested', 'FriendshipAccepted']);
    }
  });

  it('accepted and turned down at once is one of the two', async () => {
    for (const [round, [one, two]] of pairs(3).entries()) {
      await add(one.here, two);
      const [accepted, rejected] = await race(
        round,
        () => two.here.post(`/api/users/friends/accept-request/${one.id}`),
        () => two.there.remove(`/api/users/friends/reject-request/${one.id}`),
      );
      const became = accepted?.status === 200;
      expect([accepted?.status, rejected?.status]).toEqual(became ? [200, 400] : [404, 200]);
      await expectFriends(one, two, became);
    }
  });

  it('accepted and ended, asked for again and again, leaves both with the same', async () => {
    for (const [round, [one, two]] of pairs(4).entries()) {
      await add(one.here, two);
      const answers = await race(
        round,
        () => two.here.post(`/api/users/friends/accept-request/${one.id}`),
        () => one.there.remove(`/api/users/friends/${two.id}`),
        () => add(two.there, one),
        () => two.there.remove(`/api/users/friends/${one.id}`),
      );
      for (const answer of answers) expect([200, 400, 404]).toContain(answer.status);
      const stands = await relation(one, two);
      expect(await relation(two, one)).toBe(
        { FRIEND: 'FRIEND', INVITE_SENT: 'INVITE_RECEIVED', INVITE_RECEIVED: 'INVITE_SENT' }[String(stands)] ?? null,
      );
      expect(await counted(one, two)).toBe((await friends(one)).length);
    }
  });

  it('accepted as the other blocks is blocked in the end', async () => {
    for (const [round, [one, two]] of pairs(5).entries()) {
      await add(one.here, two);
      const [accepted, blocked] = await race(
        round,
        () => two.here.post(`/api/users/friends/accept-request/${one.id}`),
        () => one.there.post(`/api/users/ignore/${two.id}`),
      );
      expect([200, 400]).toContain(accepted?.status);
      expect(blocked?.status).toBe(200);
      expect([await relation(one, two), await relation(two, one)]).toEqual(['CLIENT_BLOCKED', 'CLIENT_GOT_BLOCKED']);
      expect((await friends(two)).includes(one.id)).toBe(false);
      expect(await counted(two, one)).toBe((await friends(two)).length);
    }
  });
});

describe('a group', () => {
  it('left by its last two at once is closed once', async () => {
    for (const [round, [one, two]] of pairs(6).entries()) {
      const id = await group(one, two);
      expect(
        codes(
          await race(
            round,
            () => leave(one.here, id),
            () => leave(two.there, id),
          ),
        ),
      ).toEqual([200, 200]);
      const types = (await typesIn(room.category, roomKey(id))).filter((type) => type !== 'MemberRoleChanged'); // an owner hands on
      expect(types).toEqual(['RoomCreated', 'RoomLeft', 'RoomLeft', 'RoomClosed']);
      for (const racing of [one, two]) {
        expect(await listed(racing, id)).toBe(false);
        expect((await racing.here.get(`/api/rooms/${id}/timeline`)).status).toBe(403);
        expect((await leave(racing.there, id)).status).toBe(403);
      }
    }
  });

  it('that someone is invited to by all at once has them once', async () => {
    for (const [round, [one, two]] of pairs(7).entries()) {
      const newcomer = racer(round + 12);
      const id = await group(one, two);
      const path = `/api/rooms/${id}/invite/${newcomer.id}`;
      const answers = await race(round, ...[one.here, two.there, two.here, one.there].map((by) => () => by.post(path)));
      expect(codes(answers)).toEqual([200, ...Array.from({ length: 3 }, () => '400 VALIDATION_ERROR')]);
      expect((await membersOf(newcomer, id)).toSorted()).toEqual([one.id, two.id, newcomer.id].toSorted());
      expect(await timelineOf(newcomer, id)).toHaveLength(1);
    }
  });

  it('takes an invitation or not, as the invited blocks the inviter', async () => {
    for (const [round, [one, two]] of pairs(8).entries()) {
      const newcomer = racer(round + 14);
      if (newcomer.id === one.id || newcomer.id === two.id) continue;
      const id = await group(one, two);
      const [invited, blocked] = await race(
        round,
        () => one.here.post(`/api/rooms/${id}/invite/${newcomer.id}`),
        () => newcomer.there.post(`/api/users/ignore/${one.id}`),
      );
      expect([200, 403]).toContain(invited?.status);
      expect(blocked?.status).toBe(200);
      expect((await membersOf(one, id)).includes(newcomer.id)).toBe(invited?.status === 200);
      expect(await listed(newcomer, id)).toBe(invited?.status === 200);
      await newcomer.here.remove(`/api/users/ignore/${one.id}`);
    }
  });

  it('keeps what was said by who leaves, as far as it was accepted', async () => {
    for (const [round, [one, two]] of pairs(9).entries()) {
      const id = await group(one, two);
      const sayings = Array.from({ length: 8 }, (_, n) => () => say(n % 2 ? two.here : two.there, id, `${n}`));
      const answers = await race(round, ...sayings.slice(0, 4), () => leave(two.there, id), ...sayings.slice(4));
      const [left] = answers.slice(4, 5);
      const sent = answers.filter((answer) => answer !== left);
      expect(left?.status).toBe(200);
      for (const answer of sent) expect([200, 403]).toContain(answer.status);
      const shown = await timelineOf(one, id);
      const accepted = sent.filter(({ status }) => status === 200).map(({ text }) => text);
      const said = shown.filter(({ msgType }) => msgType === 'Text').map((message) => JSON.stringify(message));
      expect(said.toSorted()).toEqual(accepted.toSorted());
      expect(shown.map(({ seq }) => seq)).toEqual(shown.map((_, n) => shown.length - n));
      expect(shown.filter(({ msgType }) => msgType === 'RoomChange')).toHaveLength(1);
    }
  });

  it('that closes as someone speaks takes it or refuses it, and is closed', async () => {
    for (const [round, [one, two]] of pairs(10).entries()) {
      const id = await group(one, two);
      await leave(two.here, id);
      const answers = await race(
        round,
        () => say(one.there, id, 'last words'),
        () => leave(one.here, id),
      );
      expect([200, 403, 404]).toContain(answers[0]?.status);
      expect(answers[1]?.status).toBe(200);
      expect(await listed(one, id)).toBe(false);
      expect((await say(one.here, id, 'anyone?')).status).toBe(403);
    }
  });
});
