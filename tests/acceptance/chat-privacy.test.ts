/**
 * Chance lets people meet, leave, quarrel and listen, with streams closed and resumed anywhere. Afterwards the log says who could see what:
 * nobody was told or can fetch more, and what one is not in looks to the byte like what is not there.
 */
import type { ChatRoom, Message, RoomMember, UserWithRelationship } from '@tidings/contracts/http/chat-objects';
import { openPostgresLog } from '@tidings/infra/event-log/postgres/postgres-log';
import { inProcessSignals } from '@tidings/infra/signals/in-process';
import { randomUUID } from 'node:crypto';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Heard, Listening } from '../../services/sse/src/testing/listening.ts';
import { ChatModel, type RoomModel } from './chat-model.ts';
import { type Answer, type Client, type Ism, say, startIsm } from './ism/ism.ts';
import { Dice } from './town.ts';

const NAMES = ['Ann', 'Ben', 'Cat', 'Dot', 'Eli', 'Fay', 'Gus', 'Hal'] as const;
const ACTS_EACH = 120;
const SEED = 7;
const START = '0000000000000000';

let ism: Ism<(typeof NAMES)[number]>;
let model: ChatModel;
/** All that anybody's streams told them, whenever. */
const heard = new Map<Client, Heard[]>();
/** What passed: without ids, never told again. */
const passed = new Map<Client, Heard['event'][]>();
/** Each heard from the very beginning, afterwards. */
const retold = new Map<Client, readonly Heard[]>();
let people: readonly Client[] = [];
/** With those who were in them once. */
const rooms: { readonly id: string; readonly isSingle: boolean; readonly guests: Set<string> }[] = [];
/** What anybody wrote: the message, and which of its wordings it is. */
const written = new Map<string, { readonly messageId: string; readonly nth: number }>();
/** Messages by their authors, and how many wordings they have had. */
const messages = new Map<Client, { readonly room: string; readonly messageId: string; wordings: number }[]>();

beforeAll(async () => {
  ism = await startIsm({}, ...NAMES);
  people = NAMES.map((name) => ism.as[name]);
  for (const one of people) {
    heard.set(one, []);
    passed.set(one, []);
  }
  await Promise.all(people.map((me, n) => live(me, new Dice(SEED + n))));
  await comeBack(ism.as.Ann, ism.as.Ben);
  model = await readModel();
  for (const one of people) retold.set(one, await hearAll(one));
});
afterAll(() => ism.close());

/** One person's acts, with a stream at their ear most of the time. */
const live = async (me: Client, dice: Dice): Promise<void> => {
  let ear = await Listening.open(ism.program.httpUrl, me.token);
  const stopListening = (): void => {
    heard.get(me)?.push(...ear.heard);
    passed.get(me)?.push(...ear.passing);
    ear.close();
  };
  for (let n = 0; n < ACTS_EACH; n += 1) {
    const answer = await act(me, dice);
    expect([200, 400, 403, 404], answer.text).toContain(answer.status);
    if (dice.below(6) > 0) continue;
    stopListening();
    // Ids are places in one order for all: somebody else's must open no more than one's own.
    const known = dice.below(2) === 0 ? (heard.get(me) ?? []) : [...heard.values()].flat();
    ear = await Listening.open(ism.program.httpUrl, me.token, dice.below(4) === 0 || known.length === 0 ? START : dice.one(known).id);
  }
  stopListening();
};

const act = async (me: Client, dice: Dice): Promise<Answer> => {
  const other = dice.one(people.filter((one) => one !== me));
  const chance = dice.below(100);
  const near = dice.below(4) > 0 ? rooms.filter(({ guests }) => guests.has(me.id)) : rooms;
  const room = near.length === 0 ? undefined : dice.one(near.slice(-12));
  if (room === undefined || chance < 8) {
    const isSingle = dice.below(2) === 0;
    const invited = isSingle
      ? [other]
      : dice.some(
          1 + dice.below(3),
          people.filter((one) => one !== me),
        );
    const body = { roomType: isSingle ? 'Single' : 'Group', roomName: 'Secret', invitedUsers: [me.id, ...invited.map(({ id }) => id)] };
    const created = await me.post('/api/rooms/create-room', body);
    if (created.status === 200) rooms.push({ id: created.json<ChatRoom>().id, isSingle, guests: new Set(body.invitedUsers) });
    return created;
  }
  if (chance < 48) return write(me, room.id);
  if (chance < 58) return rewrite(me, dice);
  if (chance < 62) return me.post(`/api/rooms/${room.id}/typing`, { typing: chance < 61 });
  if (chance < 66) return me.post(`/api/rooms/${room.id}/mark-read`);
  if (chance < (room.isSingle ? 82 : 72)) return me.post(`/api/rooms/${room.id}/leave`);
  if (chance < 82) {
    room.guests.add(other.id);
    return me.post(`/api/rooms/${room.id}/invite/${other.id}`);
  }
  if (chance < 89) return me.post(`/api/users/friends/add/${other.id}`);
  if (chance < 92) return me.post(`/api/users/friends/accept-request/${other.id}`);
  if (chance < 95) return me.post(`/api/users/ignore/${other.id}`);
  return me.remove(`/api/users/ignore/${other.id}`);
};

const write = async (me: Client, room: string): Promise<Answer> => {
  const text = `secret ${randomUUID()}`;
  const sent = await me.post('/api/send-msg', { chatRoomId: room, msgBody: { text } });
  if (sent.status === 200) {
    const { messageId } = sent.json<Message>();
    written.set(text, { messageId, nth: 0 });
    messages.set(me, [...(messages.get(me) ?? []), { room, messageId, wordings: 1 }]);
  }
  return sent;
};

/** One of one's own, from the last ones on: others may have left, or blocked one, since. */
const rewrite = async (me: Client, dice: Dice): Promise<Answer> => {
  const own = messages.get(me)?.slice(-6) ?? [];
  if (own.length === 0) return me.get('/api/rooms');
  const of = dice.one(own);
  const text = `secret ${randomUUID()}`;
  const edited = await me.patch(`/api/rooms/${of.room}/messages/${of.messageId}`, { text });
  if (edited.status === 200) {
    written.set(text, { messageId: of.messageId, nth: of.wordings });
    of.wordings += 1;
  }
  return edited;
};

/** What chance may not bring about: one leaves their private room, and the other's word brings them back to it. */
const comeBack = async (leaver: Client, other: Client): Promise<void> => {
  await leaver.remove(`/api/users/ignore/${other.id}`);
  await other.remove(`/api/users/ignore/${leaver.id}`);
  const body = { roomType: 'Single', invitedUsers: [leaver.id, other.id] };
  await leaver.post('/api/rooms/create-room', body); // or they have one
  await other.post('/api/rooms/create-room', body);
  const room = (await other.get(`/api/rooms/search?withUser=${leaver.id}`)).json<string>();
  await say(other, room, 'secret of the past');
  expect((await leaver.post(`/api/rooms/${room}/leave`)).status).toBe(200);
  await say(other, room, 'secret of today');
};

const readModel = async (): Promise<ChatModel> => {
  const signals = inProcessSignals();
  const log = await openPostgresLog({ url: ism.program.databaseUrl, logger: pino({ level: 'silent' }), signals });
  try {
    return await ChatModel.read(log);
  } finally {
    await log.close();
    await signals.close();
  }
};

/** Everything from the beginning up to a word of their own, which comes behind all that the model knows. */
const hearAll = async (me: Client): Promise<readonly Heard[]> => {
  const [other] = people.filter(
    (one) => one !== me && model.blocks.get(one.id)?.has(me.id) !== true && model.blocks.get(me.id)?.has(one.id) !== true,
  );
  const { id } = (await me.post('/api/rooms/create-room', { roomType: 'Group', invitedUsers: [me.id, other?.id] })).json<ChatRoom>();
  const { messageId } = await say(me, id, 'that is all');
  const ear = await Listening.open(ism.program.httpUrl, me.token, START);
  await ear.until((stream) => stream.heard.some(({ event }) => (event['message'] as Message | undefined)?.messageId === messageId), 30_000);
  ear.close();
  return ear.heard;
};

const roomOf = (id: unknown): RoomModel | undefined => model.rooms.get(String(id)) ?? model.closed.get(String(id));
const entryName = ({ chatRoomId, seq }: Message): string => `${chatRoomId} ${seq}`;
/** Entries that someone was told as they happened, by room and place. */
const toldTo = (user: string): ReadonlySet<string> =>
  new Set(
    [...model.rooms.values(), ...model.closed.values()].flatMap((room) =>
      room.entries.flatMap(({ told, senderId, messageId }, n) =>
        told.has(user) && (messageId !== null || senderId !== user) ? [`${room.id} ${n + 1}`] : [],
      ),
    ),
  );

describe('the live stream', () => {
  it('told nobody what happened where they were not', () => {
    for (const me of people) {
      const mine = toldTo(me.id);
      const events = [...(heard.get(me) ?? []), ...(retold.get(me) ?? [])].map(({ event }) => event);
      expect(events.length).toBeGreaterThan(100);
      for (const event of events) {
        const message = event['message'] as Message | undefined;
        const from = (event['fromUser'] as { id: string } | undefined)?.id;
        // Rooms made since, to hear the end, are not in the model.
        const about = message?.chatRoomId ?? (event['room'] as ChatRoom | undefined)?.id ?? event['roomId'];
        if (about !== undefined && roomOf(about) === undefined) continue;
        switch (event.type) {
          case 'ChatMessage':
          case 'RoomChangeEvent':
            expect(mine, `${me.name} heard ${JSON.stringify(event)}`).toContain(entryName(message as Message));
            if (message?.hidden === true) expect(JSON.stringify(event)).not.toContain('secret');
            break;
          case 'FriendRequestReceived':
            expect(model.asked).toContain(`${from} ${me.id}`);
            break;
          case 'FriendRequestAccepted':
            expect(model.accepted).toContain(`${from} ${me.id}`);
            break;
          case 'UserReadChat':
            expect(roomOf(about)?.marks.get(`${String(event['userId'])} ${String(event['upToSeq'])}`), JSON.stringify(event)).toContain(
              me.id,
            );
            break;
          case 'NewRoom':
          case 'LeaveRoom':
          case 'MemberRoleChanged':
          case 'MessageEdited':
            expect(roomOf(about)?.ever, `${me.name} heard ${JSON.stringify(event)}`).toContain(me.id);
            break;
          default:
            expect(['MailboxChanged'], 'an event that this test does not know').toContain(event.type);
        }
      }
    }
  });

  it('told nobody words that were written while they were away or blocked who wrote them, whatever stood there before', () => {
    let words = 0;
    let kept = 0;
    for (const me of people) {
      for (const { event } of [...(heard.get(me) ?? []), ...(retold.get(me) ?? [])]) {
        for (const [text] of JSON.stringify(event).matchAll(/secret [0-9a-f-]{36}/g)) {
          const { messageId, nth } = written.get(text) ?? { messageId: '', nth: 0 };
          expect(model.wordings.get(messageId)?.[nth]?.readers, `${me.name} heard ${JSON.stringify(event)}`).toContain(me.id);
          words += 1;
        }
      }
    }
    for (const { messageId, nth } of written.values()) {
      const [first, wording] = [model.wordings.get(messageId)?.[0]?.readers, model.wordings.get(messageId)?.[nth]?.readers];
      if ([...(first ?? [])].some((reader) => wording?.has(reader) !== true)) kept += 1;
    }
    expect(words).toBeGreaterThan(500);
    expect(kept, 'wordings that some may not read who read an earlier one').toBeGreaterThan(3);
  });

  it('told nobody who types where they never were, nor who is there that was never their friend', () => {
    let whispers = 0;
    for (const me of people) {
      for (const event of passed.get(me) ?? []) {
        const who = String(event['userId']);
        switch (event.type) {
          case 'Typing':
            expect(who).not.toBe(me.id);
            expect(roomOf(event['roomId'])?.ever, JSON.stringify(event)).toContain(me.id);
            break;
          case 'PresenceChanged':
            expect([...model.accepted].some((pair) => pair === `${who} ${me.id}` || pair === `${me.id} ${who}`)).toBe(true);
            break;
          default:
            expect.fail(`an event that this test does not know: ${event.type}`);
        }
        whispers += 1;
      }
    }
    expect(whispers).toBeGreaterThan(0);
  });

  it('told from the beginning all there was to tell, once, in one order', () => {
    for (const me of people) {
      const entries = (retold.get(me) ?? []).flatMap(({ event }) => {
        const message = event['message'] as Message | undefined;
        return message === undefined || roomOf(message.chatRoomId) === undefined ? [] : [entryName(message)];
      });
      expect(new Set(entries).size, 'once').toBe(entries.length);
      expect(new Set(entries)).toEqual(toldTo(me.id));
      const ids = (retold.get(me) ?? []).flatMap(({ id }) => (id === '' ? [] : [id]));
      expect(ids).toEqual([...new Set(ids)].toSorted());
    }
  });
});

describe('what can be fetched', () => {
  it('of rooms one is in is what one may see of them', async () => {
    let returned = 0;
    for (const me of people) {
      const listed = (await me.get('/api/rooms')).json<readonly ChatRoom[]>().map(({ id }) => id as string);
      const mine = [...model.rooms.values()].filter(({ members }) => members.has(me.id));
      expect(new Set(listed.filter((id) => roomOf(id) !== undefined))).toEqual(new Set(mine.map(({ id }) => id)));
      for (const room of mine) {
        const from = room.type === 'Group' ? 0 : (room.members.get(me.id) ?? 0);
        const visible = room.entries.map((_, n) => n + 1).filter((seq) => seq > from);
        const pages: Message[] = [];
        for (let query = ''; ;) {
          const page = (await me.get(`/api/rooms/${room.id}/timeline?limit=100${query}`)).json<readonly Message[]>();
          pages.push(...page);
          if (page.length < 100) break;
          query = `&before=${page.at(-1)?.messageId}`;
        }
        expect(pages.map(({ seq }) => seq)).toEqual(visible.toReversed());
        const members = (await me.get(`/api/rooms/${room.id}/users`)).json<readonly RoomMember[]>().map(({ id }) => id as string);
        if (room.type === 'Group') expect(new Set(members)).toEqual(new Set(room.members.keys()));
        const hidden = room.entries.slice(0, from).findLast(({ messageId }) => messageId !== null)?.messageId;
        returned += hidden == null ? 0 : 1;
        for (const path of hidden == null ? [] : [`timeline?before=${hidden}`, `timeline?after=${hidden}`]) {
          const answer = await me.get(`/api/rooms/${room.id}/${path}`);
          const nothing = await me.get(`/api/rooms/${room.id}/${path.replace(hidden ?? '', randomUUID())}`);
          expect(plain(answer)).toBe(plain(nothing));
        }
      }
    }
    expect(returned, 'some came back to a private room that has a past').toBeGreaterThan(0);
  });

  it('of rooms one is not in is what one can fetch of rooms that there are not, to the byte', async () => {
    let doors = 0;
    for (const me of people) {
      const foreign = [...model.rooms.values(), ...model.closed.values()].filter(({ members }) => !members.has(me.id));
      const nowhere = await knockAt(me, randomUUID(), randomUUID());
      for (const room of foreign.slice(-12)) {
        const message = room.entries.findLast(({ messageId }) => messageId !== null)?.messageId ?? randomUUID();
        const answers = await knockAt(me, room.id, message);
        expect(answers).toEqual(nowhere);
        doors += answers.length;
      }
    }
    expect(doors).toBeGreaterThan(200);
  });

  it('by searching is what one may see, but for words of those one blocks', async () => {
    let total = 0;
    for (const me of people) {
      const visible = [...model.rooms.values()].flatMap((room) => {
        const joinedAt = room.members.get(me.id);
        if (joinedAt === undefined) return [];
        const from = room.type === 'Group' ? 0 : joinedAt;
        return room.entries
          .slice(from)
          .flatMap(({ messageId, senderId }) => (messageId === null || model.blocks.get(me.id)?.has(senderId) === true ? [] : [messageId]));
      });
      const found: string[] = [];
      for (let cursor: string | null = ''; cursor !== null;) {
        const page: FoundPage = (await me.get(`/api/messages/search?q=secret&limit=50&cursor=${cursor}`)).json<FoundPage>();
        found.push(...page.content.map(({ message }) => message.messageId));
        ({ cursor } = page);
      }
      expect(found.toSorted()).toEqual(visible.toSorted());
      total += found.length;
    }
    expect(total).toBeGreaterThan(100);
  });

  it('of people is how they stand to oneself', async () => {
    for (const me of people) {
      for (const other of people.filter((one) => one !== me)) {
        const { relationshipType, user } = (await me.get(`/api/users/${other.id}`)).json<UserWithRelationship>();
        const stands = model.blocks.get(me.id)?.has(other.id)
          ? 'CLIENT_BLOCKED'
          : model.blocks.get(other.id)?.has(me.id)
            ? 'CLIENT_GOT_BLOCKED'
            : model.friends.get(me.id)?.has(other.id)
              ? 'FRIEND'
              : model.requests.get(other.id)?.has(me.id)
                ? 'INVITE_SENT'
                : model.requests.get(me.id)?.has(other.id)
                  ? 'INVITE_RECEIVED'
                  : null;
        expect([relationshipType, user.friendsCount]).toEqual([stands, model.friends.get(other.id)?.size ?? 0]);
      }
    }
  });
});

interface FoundPage {
  readonly content: readonly { readonly message: Message }[];
  readonly cursor: string | null;
}

/** Every door to a room, with an answer that may not depend on which room it is. */
const knockAt = async (me: Client, room: string, message: string): Promise<readonly string[]> => {
  const path = `/api/rooms/${room}`;
  const other = people.find((one) => one !== me) as Client; // there are eight
  const answers = await Promise.all([
    me.get(path),
    me.get(`${path}/detailed`),
    me.get(`${path}/users`),
    me.get(`${path}/timeline`),
    me.get(`${path}/timeline?before=${message}`),
    me.get(`${path}/read-states`),
    me.post(`${path}/mark-read`),
    me.post(`${path}/mark-read`, { upTo: message }),
    me.post(`${path}/leave`),
    me.post(`${path}/invite/${me.id}`),
    me.post(`${path}/invite/${randomUUID()}`),
    me.post('/api/send-msg', { chatRoomId: room, msgBody: { text: 'hello?' } }),
    me.post('/api/send-msg', { chatRoomId: room, msgBody: { replyMsgId: message, replyText: 'hello?' } }),
    me.get(`${path}/messages/${message}`),
    me.get(`${path}/messages/${message}/reactions`),
    me.get(`${path}/pins`),
    me.post(`${path}/typing`, { typing: true }),
    me.post(`${path}/messages/${message}/report`, { reason: 'curious' }),
    me.remove(`${path}/messages/${message}`),
    me.remove(`${path}/users/${other.id}`),
    me.get(`${path}/image`),
    me.get(`/api/messages/search?q=secret&roomId=${room}`),
  ]);
  for (const answer of answers) expect(answer.status, answer.text).toBeGreaterThanOrEqual(400);
  return answers.map(plain);
};

/** An answer but for its time and trace. */
const plain = ({ status, text, headers }: Answer): string => {
  const { timestamp, traceId, ...body } = text.startsWith('{') ? (JSON.parse(text) as Record<string, unknown>) : { text };
  const shown = [...headers].filter(([name]) => !/^(date|trace-id|ratelimit-(remaining|reset)|tidings-position)$/.test(name));
  return JSON.stringify([status, body, typeof timestamp, typeof traceId, shown]);
};
