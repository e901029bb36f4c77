import { text } from '@tidings/contracts/codec';
import { defineRoute } from '@tidings/contracts/http/route';
import type { RoomId, UserId } from '@tidings/contracts/ids';
import { room } from '@tidings/domain/room/index';
import type { FastifyInstance } from 'fastify';
import { derivedId } from '@tidings/contracts/ids';
import * as E from 'fp-ts/lib/Either.js';
import * as t from 'io-ts';
import { afterEach, describe, expect, it } from 'vitest';
import { createHttpApp } from './app.ts';
import type { Ctx } from './ctx.ts';
import { handle } from './handle.ts';
import { transactOnce } from './retry.ts';
import { knownPeople, person } from './testing/known-people.ts';
import { memoryPlatform } from './testing/memory-platform.ts';

const create = defineRoute({
  id: 'createThing',
  method: 'POST',
  path: '/api/things',
  tag: 'Things',
  summary: 'A thing.',
  body: t.intersection([t.type({ name: text(1, 100) }), t.partial({ clientMessageId: t.string })]),
  response: t.type({ operation: t.string, command: t.string, retried: t.boolean }),
});
const apps: FastifyInstance[] = [];
afterEach(async () => {
  await Promise.all(apps.splice(0).map((app) => app.close()));
});

/** Two applications on one log, as two nodes are. */
const twoNodes = () => {
  const platform = memoryPlatform();
  return [0, 1].map(() => {
    const app = createHttpApp(platform, { identity: knownPeople(person('alice'), person('bob')) });
    apps.push(app);
    handle(
      app,
      platform,
      create,
      async ({ operationId, context, retried }) => ({ operation: operationId, command: context.commandId, retried }),
      { idempotent: true },
    );
    return async (key: string | null, body: object, name = 'alice') => {
      const reply = await app.inject({
        method: 'POST',
        url: '/api/things',
        payload: body,
        headers: { authorization: `Bearer ${name}`, ...(key === null ? {} : { 'idempotency-key': key }) },
      });
      return { status: reply.statusCode, ...reply.json<Omit<Sent, 'status'>>() };
    };
  }) as [Send, Send]; // map over two
};
interface Sent {
  readonly status: number;
  readonly operation: string;
  readonly command: string;
  readonly retried: boolean;
  readonly code?: string;
}
type Send = (key: string | null, body: object, name?: string) => Promise<Sent>;

describe('Idempotency-Key', () => {
  it('names a repetition like the first, on any node', async () => {
    const [here, there] = twoNodes();
    const first = await here('k1', { name: 'x' });
    const again = await there('k1', { name: 'x' });
    expect(first).toMatchObject({ status: 200, retried: false });
    expect(again).toEqual({ ...first, retried: true });
  });

  it('is refused with other content, also when both come at once', async () => {
    const [here, there] = twoNodes();
    const [one, two] = await Promise.all([here('k1', { name: 'x' }), there('k1', { name: 'y' })]);
    expect([one.status, two.status].toSorted((a, b) => a - b)).toEqual([200, 422]);
    expect((await here('k1', { name: 'z' })).code).toBe('IDEMPOTENCY_KEY_REUSED');
  });

  it('belongs to one actor', async () => {
    const [here] = twoNodes();
    const alices = await here('k1', { name: 'x' });
    const bobs = await here('k1', { name: 'other' }, 'bob');
    expect(bobs).toMatchObject({ status: 200, retried: false });
    expect(bobs.operation).not.toBe(alices.operation);
  });

  it('may come as clientMessageId; without either every request is its own', async () => {
    const [here] = twoNodes();
    const first = await here(null, { name: 'x', clientMessageId: 'c1' });
    expect(await here(null, { clientMessageId: 'c1', name: 'x' })).toEqual({ ...first, retried: true });
    expect((await here(null, { name: 'x' })).operation).not.toBe((await here(null, { name: 'x' })).operation);
  });

  it.each(['', 'a b', 'ü', 'x'.repeat(256)])('must be 1-255 visible ASCII characters, not %j', async (clientMessageId) => {
    const [here] = twoNodes();
    expect((await here(null, { name: 'x', clientMessageId })).status).toBe(400);
  });
});

describe('transactOnce', () => {
  it('answers a retry as the first time, though the state has moved on, also when it was overtaken by it', async () => {
    const platform = memoryPlatform();
    const [ann, ben, cat] = ['ann', 'ben', 'cat'].map((name) => person(name).userId) as [UserId, UserId, UserId]; // map over three
    const roomId = derivedId<RoomId>('test-room');
    const ctx = (command: string, idempotencyKey: string | null = command): Pick<Ctx, 'context' | 'idempotencyKey'> => ({
      context: { commandId: derivedId(command) },
      idempotencyKey,
    });
    await platform.commands.transact(
      room,
      roomId,
      { type: 'CreateRoom', by: ann, groupId: roomId, roomType: 'Group', name: null, invited: [ann, ben], blocked: [] },
      ctx('create').context,
    );
    const invite = { type: 'InviteToRoom', roomId, by: ann, userId: cat, blocked: false } as const;
    expect(E.isRight(await transactOnce(platform, ctx('invite'), room, roomId, invite))).toBe(true);
    expect(E.isRight(await transactOnce(platform, ctx('invite'), room, roomId, invite))).toBe(true);
    for (const other of [ctx('another'), ctx('without', null)])
      expect(await transactOnce(platform, other, room, roomId, invite)).toEqual(E.left({ type: 'AlreadyMember', userId: cat }));
  });
});
