/** Chat through the whole program: its processes, its tokens, its live stream, a power cut in the middle. */
import type { ChatRoom, Message, Page, UserWithRelationship } from '@tidings/contracts/http/chat-objects';
import { createParser } from 'eventsource-parser';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { startProgram, type Program } from '../kit/program.ts';

let dataDir: string;
let program: Program;
beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'tidings-chat-'));
  program = await startProgram({ dataDir });
});
afterAll(async () => {
  await program.stop();
  await rm(dataDir, { recursive: true, force: true, maxRetries: 20, retryDelay: 100 });
});

const call = async (user: string, method: string, path: string, body?: object, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(`${program.httpUrl}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${await program.token(user)}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
const ask = async <A>(...request: Parameters<typeof call>): Promise<A> => {
  const response = await call(...request);
  expect(response.status).toBe(200);
  return (await response.json()) as A; // the contract of the route, which the tests of the API check
};
const idOf = async (user: string, asker: string): Promise<string> => {
  const found = await ask<Page<UserWithRelationship>>(asker, 'GET', `/api/users/search?username=${user}`);
  return found.content[0]?.user.id ?? '';
};
const ownId = (token: string): string =>
  (JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as { sub: string }).sub;

describe('chat in the running program', () => {
  it('carries a message from one to the other, live and by REST, in the same bytes', async () => {
    await call('bob', 'GET', '/api/rooms'); // the first token makes the user
    const bob = await idOf('bob', 'alice');
    const alice = await idOf('alice', 'bob');
    const room = await ask<ChatRoom>('alice', 'POST', '/api/rooms/create-room', { roomType: 'Single', invitedUsers: [alice, bob] });
    expect(ownId(await program.token('alice'))).toBe(alice);

    const hearing = new AbortController();
    const stream = await fetch(`${program.httpUrl}/api/sse`, {
      headers: { authorization: `Bearer ${await program.token('bob')}` },
      signal: hearing.signal,
    });
    const heard: string[] = [];
    const parser = createParser({ onEvent: ({ data }) => heard.push(data) });
    const listening = (async () => {
      for await (const chunk of stream.body?.pipeThrough(new TextDecoderStream()) ?? []) parser.feed(chunk);
    })().catch(() => undefined); // ends by our abort
    const sent = await call('alice', 'POST', '/api/send-msg', { chatRoomId: room.id, msgType: 'Text', msgBody: { text: 'grüß dich 😀' } });
    const bytes = await sent.text();
    await vi.waitFor(() => expect(heard.some((data) => data.includes(`"message":${bytes}`))).toBe(true), { timeout: 5_000, interval: 5 });
    hearing.abort();
    await listening;
    const shown = await call('bob', 'GET', `/api/rooms/${room.id}/timeline`);
    expect(await shown.text()).toBe(`[${bytes}]`);
    expect(await ask<readonly ChatRoom[]>('bob', 'GET', '/api/rooms')).toMatchObject([{ id: room.id, unread: true, unreadCount: 1 }]);
  });

  it('keeps everything acknowledged over a power cut, and knows a retry from before it', async () => {
    const [alice, carol] = [await idOf('alice', 'bob'), ownId(await program.token('carol'))];
    await call('carol', 'GET', '/api/rooms');
    const room = await ask<ChatRoom>('alice', 'POST', '/api/rooms/create-room', {
      roomType: 'Group',
      roomName: 'Storm',
      invitedUsers: [alice, carol],
    });
    const send = (n: number) =>
      call('alice', 'POST', '/api/send-msg', { chatRoomId: room.id, msgBody: { text: `${n}` } }, { 'idempotency-key': `storm-${n}` });
    const before = await Promise.all(Array.from({ length: 20 }, async (_, n) => (await send(n)).text()));
    await program.kill9();
    program = await startProgram({ dataDir });

    const timeline = await ask<readonly Message[]>('carol', 'GET', `/api/rooms/${room.id}/timeline`);
    expect(timeline.map((message) => JSON.stringify(message)).sort()).toEqual([...before].sort());
    expect(await (await send(7)).text()).toBe(before[7]);
    expect(await ask<readonly Message[]>('carol', 'GET', `/api/rooms/${room.id}/timeline`)).toHaveLength(20);
  });
});
