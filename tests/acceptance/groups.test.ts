/** Ranks of a group and what they are for, and reports to moderators, over HTTP (chat-contract §6). */
import type { ChatRoom, Message } from '@tidings/contracts/http/chat-objects';
import type { Problem } from '@tidings/contracts/http/problem';
import { streamId } from '@tidings/contracts/ids';
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { conflict, forbidden, invalid, missing, ok, problem, seen } from './answers.ts';
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
  const answer = await by.post('/api/rooms/create-room', { roomType, roomName: null, invitedUsers });
  expect(answer.status).toBe(200);
  return answer.json<ChatRoom>().id;
};
const say = async (by: Client, chatRoomId: string): Promise<Message> =>
  (await by.post('/api/send-msg', { chatRoomId, msgBody: { text: 'hello' } })).json<Message>();
const rename = (by: Client, room: string, roomName: unknown) => by.patch(`/api/rooms/${room}`, { roomName });
const remove = (by: Client, room: string, who: Client) => by.remove(`/api/rooms/${room}/users/${who.id}`);
const setRole = (by: Client, room: string, who: Client, role: unknown) => by.put(`/api/rooms/${room}/users/${who.id}/role`, { role });
const report = (by: Client, room: string, message: string, reason: unknown = 'Advertising', headers?: Record<string, string>) =>
  by.post(`/api/rooms/${room}/messages/${message}/report`, { reason }, headers);

const eventsOf = async (room: string) =>
  (await chat.platform.events.readStream(streamId('room', room))).map(({ type, data }) => ({ type, data }));

describe('a group', () => {
  it('is named by its owner and admins', async () => {
    const room = await create(ada, 'Group', [bob, cyd]);
    expect(seen(await rename(ada, room, 'Band'))).toEqual(ok);
    expect(problem(await rename(bob, room, 'Choir'))).toEqual(forbidden);
    expect(seen(await setRole(ada, room, bob, 'admin'))).toEqual(ok);
    expect(seen(await rename(bob, room, null))).toEqual(ok);
    expect(seen(await rename(bob, room, null))).toEqual(ok);
    expect((await eventsOf(room)).slice(1)).toEqual([
      { type: 'RoomRenamed', data: { roomId: room, name: 'Band', by: ada.id } },
      { type: 'MemberRoleChanged', data: { roomId: room, userId: bob.id, role: 'admin', by: ada.id } },
      { type: 'RoomRenamed', data: { roomId: room, name: null, by: bob.id } },
    ]);
    for (const name of ['', 'x'.repeat(101), 7, undefined]) {
      const refused = await rename(ada, room, name);
      expect(problem(refused)).toEqual(invalid);
      expect(new Set(refused.json<Problem>().errors?.map(({ path }) => path))).toEqual(new Set(['roomName']));
    }
  });

  it('removes members, who are out from then on and may be invited again', async () => {
    const room = await create(ada, 'Group', [bob, cyd, dan]);
    await setRole(ada, room, bob, 'admin');
    expect(problem(await remove(cyd, room, dan))).toEqual(forbidden);
    expect(problem(await remove(bob, room, ada))).toEqual(forbidden);
    expect(problem(await remove(bob, room, bob))).toEqual(invalid);
    expect(seen(await remove(bob, room, cyd))).toEqual(ok);
    expect(seen(await remove(bob, room, cyd))).toEqual(ok);
    expect(problem(await cyd.get(`/api/rooms/${room}`))).toEqual(missing);
    expect(problem(await cyd.post('/api/send-msg', { chatRoomId: room, msgBody: { text: 'hello?' } }))).toEqual(forbidden);
    expect((await ada.get(`/api/rooms/${room}`)).json<ChatRoom>().latestMessagePreviewText).toMatchObject({ room_change_type: 'LEAVE' });
    expect((await eventsOf(room)).at(-1)).toEqual({
      type: 'RoomLeft',
      data: { roomId: room, roomType: 'Group', userId: cyd.id, by: bob.id },
    });
    expect(seen(await dan.post(`/api/rooms/${room}/invite/${cyd.id}`))).toEqual(ok);
    expect((await cyd.get(`/api/rooms/${room}`)).status).toBe(200);
    expect(seen(await remove(ada, room, bob))).toEqual(ok);
  });

  it('always has an owner', async () => {
    const room = await create(ada, 'Group', [bob, cyd]);
    expect(problem(await setRole(ada, room, ada, 'member'))).toEqual(conflict);
    expect(problem(await setRole(bob, room, cyd, 'admin'))).toEqual(forbidden);
    await setRole(ada, room, cyd, 'admin');
    expect((await ada.post(`/api/rooms/${room}/leave`)).status).toBe(200);
    expect(seen(await rename(cyd, room, "Cyd's"))).toEqual(ok);
    expect(seen(await setRole(cyd, room, bob, 'owner'))).toEqual(ok);
    expect(seen(await setRole(bob, room, cyd, 'member'))).toEqual(ok);
    expect((await eventsOf(room)).filter(({ type }) => type === 'MemberRoleChanged')).toMatchObject([
      { data: { userId: cyd.id, role: 'admin', by: ada.id } },
      { data: { userId: cyd.id, role: 'owner', by: ada.id } },
      { data: { userId: bob.id, role: 'owner', by: cyd.id } },
      { data: { userId: cyd.id, role: 'member', by: bob.id } },
    ]);
  });

  it('keeps exactly one owner when two of them step down at once', async () => {
    for (let round = 0; round < 5; round += 1) {
      const room = await create(ada, 'Group', [bob]);
      await setRole(ada, room, bob, 'owner');
      const answers = await Promise.all([setRole(ada, room, ada, 'member'), setRole(chat.asElsewhere.bob, room, bob, 'member')]);
      expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 409]);
    }
  });

  it('cannot be told from one that does not exist by those who are not in it, and a private room has no ranks', async () => {
    const room = await create(ada, 'Group', [bob]);
    for (const unknown of [room, randomUUID()]) {
      expect(problem(await rename(dan, unknown, 'Mine'))).toEqual(forbidden);
      expect(problem(await remove(dan, unknown, bob))).toEqual(forbidden);
      expect(problem(await setRole(dan, unknown, bob, 'admin'))).toEqual(forbidden);
      expect(problem(await report(dan, unknown, randomUUID()))).toEqual(forbidden);
    }
    expect(problem(await remove(ada, room, dan))).toEqual(missing);
    expect(problem(await setRole(ada, room, dan, 'admin'))).toEqual(missing);
    expect(problem(await setRole(ada, room, bob, 'king'))).toEqual(invalid);
    const pair = await create(ada, 'Single', [bob]);
    for (const answer of [rename(ada, pair, 'Us'), remove(ada, pair, bob), setRole(ada, pair, bob, 'admin')]) {
      expect(problem(await answer)).toEqual(invalid);
    }
  });
});

describe('a report', () => {
  it('is of a message that the reporter sees and did not write, once', async () => {
    const room = await create(ada, 'Group', [bob]);
    const { messageId } = await say(ada, room);
    expect(seen(await report(bob, room, messageId))).toEqual(ok);
    expect(seen(await report(bob, room, messageId, 'Again'))).toEqual(ok);
    expect(problem(await report(ada, room, messageId))).toEqual(invalid);
    expect(problem(await report(bob, room, randomUUID()))).toEqual(missing);
    expect(problem(await report(dan, room, messageId))).toEqual(forbidden);
    await bob.post(`/api/rooms/${room}/invite/${dan.id}`);
    const [joined] = (await ada.get(`/api/rooms/${room}/timeline?limit=1`)).json<readonly Message[]>();
    expect(problem(await report(bob, room, joined?.messageId ?? ''))).toEqual(missing);
    const elsewhere = await create(ada, 'Group', [bob]);
    expect(problem(await report(bob, elsewhere, messageId))).toEqual(missing);
    for (const reason of ['', 'x'.repeat(1001), null]) expect(problem(await report(bob, room, messageId, reason))).toEqual(invalid);
  });

  it('takes an Idempotency-Key', async () => {
    const room = await create(ada, 'Group', [bob]);
    const { messageId } = await say(ada, room);
    const key = { 'idempotency-key': randomUUID() };
    expect(seen(await report(bob, room, messageId, 'Rude', key))).toEqual(ok);
    expect(seen(await report(bob, room, messageId, 'Rude', key))).toEqual(ok);
    expect(problem(await report(bob, room, messageId, 'Loud', key))).toEqual({ status: 422, code: 'IDEMPOTENCY_KEY_REUSED' });
  });
});
