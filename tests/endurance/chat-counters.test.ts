/** Ten thousand acts by fifty people at two nodes, as fast as they go: afterwards every count that is shown is the one the log comes to. */
import type { ChatRoom, Message, RoomMember, User, UserWithRelationship } from '@tidings/contracts/http/chat-objects';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ChatModel } from '../acceptance/chat-model.ts';
import { type Answer, type ChatStack, type Client, startChat } from '../acceptance/chat-stack.ts';
import { Dice } from '../acceptance/town.ts';

const PEOPLE = 50;
const ACTS = 10_000;
const SEED = 20_261_120;
const NAMES = Array.from({ length: PEOPLE }, (_, n) => `counted${n}`);

let chat: ChatStack<string>;
beforeAll(async () => {
  chat = await startChat(...NAMES);
});
afterAll(() => chat.close());

interface KnownRoom {
  readonly id: string;
  readonly messages: string[];
  /** Were in it once. */
  readonly people: Set<string>;
}
interface Known {
  readonly rooms: KnownRoom[];
}

/** One act; chance may choose what is refused. */
const act = async (dice: Dice, me: Client, others: readonly Client[], known: Known): Promise<Answer> => {
  const other = dice.one(others);
  const near = known.rooms.slice(-60); // few enough that people meet
  const own = near.filter(({ people }) => people.has(me.id));
  const rooms = dice.below(8) > 0 ? own : near;
  const room = rooms.length === 0 ? undefined : dice.one(rooms);
  const chance = dice.below(100);
  if (room === undefined || chance < 4) {
    const isSingle = dice.below(3) === 0;
    const invited = isSingle ? [other] : dice.some(1 + dice.below(12), others);
    const body = { roomType: isSingle ? 'Single' : 'Group', invitedUsers: [me.id, ...invited.map(({ id }) => id)] };
    const created = await me.post('/api/rooms/create-room', body);
    if (created.status === 200) known.rooms.push({ id: created.json<ChatRoom>().id, messages: [], people: new Set(body.invitedUsers) });
    return created;
  }
  const path = `/api/rooms/${room.id}`;
  if (chance < 56) {
    const sent = await me.post('/api/send-msg', { chatRoomId: room.id, msgBody: { text: `${chance}` } });
    if (sent.status === 200) room.messages.push(sent.json<Message>().messageId);
    return sent;
  }
  if (chance < 70)
    return me.post(`${path}/mark-read`, room.messages.length > 0 && dice.below(2) === 0 ? { upTo: dice.one(room.messages) } : {});
  if (chance < 76) {
    room.people.add(other.id);
    return me.post(`${path}/invite/${other.id}`);
  }
  if (chance < 80) return me.post(`${path}/leave`);
  if (chance < 89) return me.post(`/api/users/friends/add/${other.id}`);
  if (chance < 93) return me.post(`/api/users/friends/accept-request/${other.id}`);
  if (chance < 95) return me.remove(`/api/users/friends/reject-request/${other.id}`);
  if (chance < 97) return me.remove(`/api/users/friends/${other.id}`);
  if (chance < 98) return me.post(`/api/users/ignore/${other.id}`);
  return me.remove(`/api/users/ignore/${other.id}`);
};

it('shows the counts that the log comes to', async ({ annotate }) => {
  const known: Known = { rooms: [] };
  const people = NAMES.map((name, n) => (n % 2 === 0 ? chat.as : chat.asElsewhere)[name] as Client); // one for each name
  const answered = new Map<number, number>();
  const began = performance.now();
  await Promise.all(
    people.map(async (me, n) => {
      const dice = new Dice(SEED + n);
      const others = people.filter((one) => one !== me);
      for (let turn = 0; turn < ACTS / PEOPLE; turn += 1) {
        const { status, text } = await act(dice, me, others, known);
        answered.set(status, (answered.get(status) ?? 0) + 1);
        expect([200, 400, 403, 404], text).toContain(status);
      }
    }),
  );
  const seconds = (performance.now() - began) / 1000;
  const model = await ChatModel.read(chat.platform.log);
  await annotate(
    `counters: ${ACTS} acts in ${seconds.toFixed(1)} s (${Math.round(ACTS / seconds)}/s), ${model.events} events, ${model.rooms.size} rooms, answers ${JSON.stringify(Object.fromEntries(answered))}`,
  );
  expect(answered.get(200)).toBeGreaterThan(ACTS / 2);

  const names = new Map(people.map((one) => [one.id as string, one]));
  for (const [id, room] of model.rooms) {
    const path = `/api/rooms/${id}`;
    const [someone] = room.members.keys();
    if (someone === undefined) continue; // a private room that both have left
    const by = names.get(someone) as Client; // everyone in a room is one of them
    // In a private room, nobody is told that the other one has left.
    const shown = new Set((await by.get(`${path}/users`)).json<readonly RoomMember[]>().map((member) => member.id as string));
    if (room.type === 'Group') expect(shown, id).toEqual(new Set(room.members.keys()));
    const readers = (await by.get(`${path}/read-states`)).json<readonly RoomMember[]>().map((member) => member.id as string);
    const upToDate = [...shown].filter((user) => (room.read.get(user) ?? 0) >= room.entries.length);
    expect(new Set(readers), id).toEqual(new Set(upToDate));
    const [latest] = (await by.get(`${path}/timeline?limit=1`)).json<readonly Message[]>();
    const visible = room.type === 'Group' || room.entries.length > (room.members.get(someone) ?? 0);
    expect(latest?.seq ?? 0, id).toBe(visible ? room.entries.length : 0);
  }

  for (const [n, me] of people.entries()) {
    const mine = new Map([...model.rooms].filter(([, room]) => room.members.has(me.id)));
    const shown = (await me.get('/api/rooms')).json<readonly ChatRoom[]>();
    expect(new Set(shown.map(({ id }) => id as string))).toEqual(new Set(mine.keys()));
    for (const { id, unread, unreadCount } of shown) {
      const room = mine.get(id);
      const read = room?.read.get(me.id);
      const seen = Math.max(read ?? 0, room?.members.get(me.id) ?? 0);
      const expected = Math.max(0, (room?.entries.length ?? 0) - seen);
      expect({ id, unread, unreadCount }).toEqual({ id, unread: read === undefined || expected > 0, unreadCount: expected });
    }
    const friends = (await me.get('/api/users/friends')).json<readonly User[]>().map(({ id }) => id as string);
    expect(new Set(friends)).toEqual(model.friends.get(me.id) ?? new Set());
    const requests = (await me.get('/api/users/friends/requests')).json<readonly User[]>().map(({ id }) => id as string);
    expect(new Set(requests)).toEqual(model.requests.get(me.id) ?? new Set());
    const observer = people[(n + 1) % PEOPLE] as Client;
    const { user } = (await observer.get(`/api/users/${me.id}`)).json<UserWithRelationship>();
    expect(user.friendsCount).toBe(friends.length);
  }
});
