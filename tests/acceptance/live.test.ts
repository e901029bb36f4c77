/** The live stream of the running program: same bytes as POST and timeline, mail beside chat; over a power cut exact resume, no message lost, and no mail sent twice. */
import type { Draft, Sending } from '@tidings/contracts/http/drafts';
import type { Me } from '@tidings/contracts/http/mail-objects';
import type { ChatRoom, Message, Page, UserWithRelationship } from '@tidings/contracts/http/chat-objects';
import { createParser } from 'eventsource-parser';
import { randomUUID } from 'node:crypto';
import { rm, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeJwt } from 'jose';
import { createTransport } from 'nodemailer';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { Listening } from '../../services/sse/src/testing/listening.ts';
import { onlookerPool } from '../kit/databases.ts';
import { startProgram, type Program } from '../kit/program.ts';

let dataDir: string;
let program: Program;
let room: string;
let tokens: Readonly<Record<'alice' | 'bob' | 'carol', string>>;

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'tidings-live-'));
  await start();
  const created = await post('alice', '/api/rooms/create-room', {
    roomType: 'Group',
    roomName: 'Team',
    invitedUsers: [idOf('alice'), idOf('bob')],
  });
  room = (JSON.parse(created) as { id: string }).id;
});
afterAll(async () => {
  await program.stop();
  await rm(dataDir, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
});

/** Tokens are for the address of their issuer, and a free port is another one each time. */
const start = async (): Promise<void> => {
  program = await startProgram({ dataDir });
  tokens = { alice: await program.token('alice'), bob: await program.token('bob'), carol: await program.token('carol') };
};

type Name = keyof typeof tokens;
const idOf = (name: Name): string => String(decodeJwt(tokens[name]).sub);

const post = async (as: Name, path: string, body?: object, key: string = randomUUID()): Promise<string> => {
  const response = await fetch(new URL(path, program.httpUrl), {
    method: 'POST',
    headers: {
      authorization: `Bearer ${tokens[as]}`,
      'idempotency-key': key,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${path} answered ${response.status}: ${text}`);
  return text;
};
const get = async (as: Name, path: string): Promise<string> => {
  const response = await fetch(new URL(path, program.httpUrl), { headers: { authorization: `Bearer ${tokens[as]}` } });
  expect(response.status).toBe(200);
  return response.text();
};
const ask = async <A>(as: Name, path: string): Promise<A> => JSON.parse(await get(as, path)) as A; // the contract of the route, which the tests of the API check
const say = (as: Name, text: string): Promise<string> =>
  post(as, '/api/send-msg', { chatRoomId: room, msgType: 'Text', msgBody: { text } });
const listen = (as: Name, lastEventId?: string): Promise<Listening> => Listening.open(program.httpUrl, tokens[as], lastEventId);
const messages = (listening: Listening): readonly string[] =>
  listening.heard.filter(({ event }) => event.type === 'ChatMessage').map(({ event }) => JSON.stringify(event['message']));

describe('the live stream', () => {
  it('gives a message the bytes of its POST and of the timeline, to every device of every member, and to nobody else', async () => {
    const [alice, bob, carol] = [await listen('alice'), await listen('bob'), await listen('carol')];
    const posted = [await say('alice', 'one'), await say('bob', 'two'), await say('alice', 'three')];
    for (const listening of [alice, bob]) {
      await listening.until(() => messages(listening).length === 3);
      expect(messages(listening)).toEqual(posted);
    }
    expect(await get('bob', `/api/rooms/${room}/timeline`)).toBe(`[${posted.toReversed().join(',')}]`);
    await post('bob', `/api/rooms/${room}/mark-read`);
    await alice.until(({ types }) => types.includes('UserReadChat'));
    await post('alice', `/api/users/friends/add/${idOf('carol')}`);
    await carol.until(({ heard }) => heard.length > 0);
    expect(carol.types).toEqual(['FriendRequestReceived']);
    for (const listening of [alice, bob, carol]) listening.close();
  });

  it('tells the room to who is invited, the change to who was there, and the leave to the leaver', async () => {
    const [bob, carol] = [await listen('bob'), await listen('carol')];
    await post('alice', `/api/rooms/${room}/invite/${idOf('carol')}`);
    await say('alice', 'welcome');
    await post('carol', `/api/rooms/${room}/leave`);
    await say('alice', 'gone');
    await bob.until(({ heard }) => heard.length === 4);
    await carol.until(({ types }) => types.includes('LeaveRoom'));
    expect(bob.types).toEqual(['RoomChangeEvent', 'ChatMessage', 'RoomChangeEvent', 'ChatMessage']);
    expect(carol.types).toEqual(['NewRoom', 'ChatMessage', 'LeaveRoom']);
    const resumed = await listen('carol', '0000000000000000');
    await resumed.until(({ types }) => types.includes('LeaveRoom'));
    expect(messages(resumed)).toHaveLength(1);
    for (const listening of [bob, carol, resumed]) listening.close();
  });

  it('announces a mail that came in by SMTP to the members of its mailbox', async () => {
    const [alice, bob] = [await listen('alice'), await listen('bob')];
    const transport = createTransport({ host: '127.0.0.1', port: program.smtpPort, secure: false, ignoreTLS: true });
    await transport.sendMail({ from: 'Eve <eve@example.org>', to: 'alice@tidings.test', subject: 'Lunch?', text: 'At noon.' });
    transport.close();
    await alice.until(({ types }) => types.includes('ThreadChanged'), 20_000);
    expect(alice.heard.map(({ event }) => event)).toMatchObject([
      { type: 'EmailReceived', subject: 'Lunch?', preview: 'At noon.', from: [{ name: 'Eve', email: 'eve@example.org' }] },
      { type: 'ThreadChanged', change: { type: 'filed', place: 'inbox' } },
    ]);
    await say('alice', 'after the mail');
    await bob.until(() => messages(bob).length === 1);
    expect(bob.types).toEqual(['ChatMessage']);
    for (const listening of [alice, bob]) listening.close();
  });

  it('carries a message of two as it was answered, byte for byte', async () => {
    const { content } = await ask<Page<UserWithRelationship>>('alice', '/api/users/search?username=bob');
    expect(content.map(({ user }) => user.id)).toEqual([idOf('bob')]);
    const invitedUsers = [idOf('alice'), idOf('bob')];
    const { id } = JSON.parse(await post('alice', '/api/rooms/create-room', { roomType: 'Single', invitedUsers })) as ChatRoom;

    const hearing = new AbortController();
    const stream = await fetch(`${program.httpUrl}/api/sse`, {
      headers: { authorization: `Bearer ${tokens.bob}` },
      signal: hearing.signal,
    });
    const heard: string[] = [];
    const parser = createParser({ onEvent: ({ data }) => heard.push(data) });
    const listening = (async () => {
      for await (const chunk of stream.body?.pipeThrough(new TextDecoderStream()) ?? []) parser.feed(chunk);
    })().catch(() => undefined); // ends by our abort
    const bytes = await post('alice', '/api/send-msg', { chatRoomId: id, msgType: 'Text', msgBody: { text: 'grüß dich 😀' } });
    await vi.waitFor(() => expect(heard.some((data) => data.includes(`"message":${bytes}`))).toBe(true), { timeout: 5_000, interval: 5 });
    hearing.abort();
    await listening;
    expect(await get('bob', `/api/rooms/${id}/timeline`)).toBe(`[${bytes}]`);
    const rooms = await ask<readonly ChatRoom[]>('bob', '/api/rooms');
    expect(rooms).toHaveLength(2);
    expect(rooms.find((one) => one.id === id)).toMatchObject({ unread: true, unreadCount: 1 });
  });
});

describe('a power cut', () => {
  let heard: readonly string[];
  let lastId: string;
  let said: readonly string[];
  let storm: string;
  let answered: readonly string[];
  let mails: readonly string[];
  let log: ReturnType<typeof onlookerPool>;
  const storming = (n: number): Promise<string> =>
    post('alice', '/api/send-msg', { chatRoomId: storm, msgBody: { text: `${n}` } }, `storm-${n}`);

  /** Mails of these that went on to egress, each as often as it did. */
  const queued = async (emailIds: readonly string[]): Promise<readonly string[]> => {
    const { rows } = await log.query<{ id: string }>(
      "select data::jsonb ->> 'emailId' as id from log.event where type = 'EmailQueued' and data::jsonb ->> 'emailId' = any($1)",
      [emailIds],
    );
    return rows.map(({ id }) => id);
  };
  const sendLater = async (mailbox: string, n: number): Promise<string> => {
    const draft = { to: [{ email: `z${n}@elsewhere.test` }], subject: `${n}`, text: 'x' };
    const { id } = JSON.parse(await post('alice', `/api/mailboxes/${mailbox}/drafts`, draft)) as Draft;
    const sendAt = new Date(Date.now() + 1_000 + n * 40).toISOString();
    return (JSON.parse(await post('alice', `/api/drafts/${id}/send`, { sendAt })) as typeof Sending._A).emailId;
  };

  beforeAll(async () => {
    log = onlookerPool(program.databaseUrl);
    const invitedUsers = [idOf('alice'), idOf('carol')];
    const created = await post('alice', '/api/rooms/create-room', { roomType: 'Group', roomName: 'Storm', invitedUsers });
    storm = (JSON.parse(created) as ChatRoom).id;
    const before = await listen('bob');
    const first = await say('alice', 'before');
    await before.until(({ heard: events }) => events.length === 1);
    ({ lastId } = before);
    said = [first, await say('alice', 'unheard')];
    answered = await Promise.all(Array.from({ length: 20 }, (_, n) => storming(n)));
    const own = (await ask<Me>('alice', '/api/me')).mailboxes[0]?.id ?? '';
    mails = await Promise.all(Array.from({ length: 12 }, (_, n) => sendLater(own, n)));
    await vi.waitUntil(async () => (await queued(mails)).length > 2, { timeout: 30_000, interval: 10 });
    await program.kill9();
    await before.until(({ ended }) => ended);
    heard = messages(before).slice(0, 1);
    await log.end();
    await start();
    log = onlookerPool(program.databaseUrl);
  });
  afterAll(() => log.end());

  it('is no gap in what a stream tells that goes on, what was said meanwhile included', async () => {
    const third = await say('alice', 'after');
    const again = await listen('bob', lastId);
    const fourth = await say('alice', 'live');
    await again.until(({ heard: events }) => events.length === 3);
    expect([...heard, ...messages(again)]).toEqual([...said, third, fourth]);
    again.close();
  });

  it('loses nothing that was answered, nor that it was', async () => {
    const timeline = (): Promise<readonly Message[]> => ask('carol', `/api/rooms/${storm}/timeline`);
    expect((await timeline()).map((message) => JSON.stringify(message)).toSorted()).toEqual(answered.toSorted());
    expect(await storming(7)).toBe(answered[7]);
    expect(await timeline()).toHaveLength(20);
  });

  it('does not keep mail that was accepted from being sent, nor sends any twice', async () => {
    const soon = { timeout: 60_000, interval: 25 };
    const status = async (id: string): Promise<number> => {
      const headers = { authorization: `Bearer ${tokens.alice}` };
      return (await fetch(new URL(`/api/emails/${id}`, program.httpUrl), { headers })).status;
    };
    for (const id of mails) await expect.poll(() => status(id), soon).toBe(200);
    await expect.poll(async () => (await queued(mails)).toSorted(), soon).toEqual(mails.toSorted());
  });
});
