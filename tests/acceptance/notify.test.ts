/** Telling those who are not looking: custom notifications, push hand-off, signed webhooks and Web Push, at a real receiver. */
import { createHmac, randomUUID } from 'node:crypto';
import type pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { Listening } from '../../services/sse/src/testing/listening.ts';
import { startProgram, type Program } from '../kit/program.ts';
import { newPushBrowser } from '../kit/push-browser.ts';
import { startReceiver, type Received, type Receiver } from '../kit/receiver.ts';
import { onlookerPool } from '../kit/databases.ts';
import { ask, askJson, foundTown, type Person, type Town } from './town.ts';

let town: Town;
let program: Program;
let receiver: Receiver;
let database: pg.Pool;
let [admin, ann, ben, cas]: readonly Person[] = [];
const open: Listening[] = [];

beforeAll(async () => {
  town = await foundTown('Crier', 4);
  [admin, ann, ben, cas] = town.people;
  receiver = await startReceiver();
  program = await startProgram({
    env: {
      OIDC_ISSUER: town.issuer.url,
      NOTIFY_CLIENT_IDS: 'shop',
      WEBHOOK_ALLOW_PRIVATE: 'true',
      WEBHOOK_TIMEOUT_MS: '1000',
      WEBHOOK_RETRY_FIRST_MS: '50',
      WEBHOOK_RETRY_FOR_SECONDS: '12', // the last attempt comes after six, also where the machine is slow
      RATE_LIMITS: 'off',
      LOG_LEVEL: 'error',
    },
  });
  database = onlookerPool(program.databaseUrl);
  for (const person of town.people) await askJson(program, person, '/api/me');
});
afterEach(async () => {
  for (const listening of open.splice(0)) listening.close();
  for (const { id } of await askJson<readonly { id: string }[]>(program, someone(admin), '/api/admin/webhooks')) {
    await ask(program, someone(admin), `/api/admin/webhooks/${id}`, { method: 'DELETE' });
  }
  await vi.waitUntil(async () => (await connected()) === 0, { timeout: 5_000, interval: 20 });
});
afterAll(async () => {
  for (const listening of open) listening.close();
  await database.end();
  await program.stop();
  await receiver.close();
  await town.issuer.close();
});

const someone = (person: Person | undefined): Person => {
  if (person === undefined) throw new Error('nobody');
  return person;
};
const connected = async (...people: readonly Person[]): Promise<number> => {
  const { rows } = await database.query<{ count: string }>(
    'select count(*) from presence.session where cardinality($1::uuid[]) = 0 or user_id = any($1)',
    [people.map(({ id }) => id)],
  );
  return Number(rows[0]?.count);
};
/** Resolves when every node knows of it. */
const listen = async (person: Person, lastEventId?: string): Promise<Listening> => {
  const listening = await Listening.open(program.httpUrl, person.token, lastEventId);
  open.push(listening);
  await vi.waitFor(async () => expect(await connected(person)).toBe(1), { timeout: 5_000, interval: 10 });
  return listening;
};

interface Webhook {
  readonly id: string;
  readonly secret: string;
}
const register = (path: string, ...events: readonly string[]): Promise<Webhook> =>
  askJson(program, someone(admin), '/api/admin/webhooks', { body: { url: receiver.url(path), events } });
const newRoom = async (...people: readonly (Person | undefined)[]): Promise<string> =>
  (
    await askJson<{ id: string }>(program, someone(people[0]), '/api/rooms/create-room', {
      body: { roomType: 'Group', roomName: 'Square', invitedUsers: people.map((person) => someone(person).id) },
    })
  ).id;
const say = (person: Person | undefined, chatRoomId: string, text: string): Promise<{ readonly messageId: string }> =>
  askJson(program, someone(person), '/api/send-msg', { body: { chatRoomId, msgBody: { text } } });

interface Call {
  readonly id: string;
  readonly type: string;
  readonly createdAt: string;
  readonly data: {
    readonly to_user?: readonly string[];
    readonly audience?: { readonly type: string; readonly id: string };
    readonly notification: {
      readonly type: string;
      readonly message?: { readonly messageId: string; readonly msgBody: { readonly text: string } };
    };
  };
}
const callOf = ({ body }: Received): Call => JSON.parse(body.toString()) as Call;
const textsAt = (path: string): readonly (string | undefined)[] =>
  receiver.at(path).map((one) => callOf(one).data.notification.message?.msgBody.text);

describe('custom notifications', () => {
  const notify = (token: string, body: object): Promise<Response> =>
    fetch(new URL('/api/notify', program.httpUrl), {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ type: 'SystemMessage', ...body }),
    });
  let shop: string;
  beforeAll(async () => {
    shop = await town.issuer.token({ sub: randomUUID(), azp: 'shop' });
  });

  it('reach their user once per id, in order, and are kept for who resumes', async () => {
    const listening = await listen(someone(ann));
    const toUser = someone(ann).id;
    const before = listening.lastId;
    const answers = [];
    for (const [id, message] of [
      ['a', { n: 1 }],
      ['a', { n: 1 }],
      ['b', 'two'],
      ['a', { n: 1 }],
    ] as const)
      answers.push(await notify(shop, { toUser, id, message, createdAt: '2026-01-01T00:00:00Z' }));
    answers.push(await notify(someone(admin).token, { toUser, message: null }));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
    const [first, again] = (await Promise.all(answers.slice(0, 2).map((answer) => answer.json()))) as readonly object[];
    expect(again).toEqual(first);
    await listening.until(({ heard }) => heard.length === 3);
    expect(listening.heard.map(({ event }) => [event.type, event['message']])).toEqual([
      ['SystemMessage', { n: 1 }],
      ['SystemMessage', 'two'],
      ['SystemMessage', null],
    ]);
    listening.close();
    const resumed = await Listening.open(program.httpUrl, someone(ann).token, before);
    open.push(resumed);
    await resumed.until(({ heard }) => heard.length === 3);
    expect(resumed.heard).toEqual(listening.heard);
  });

  it('come from applications that are allowed to, say what is wrong with them, and go to users there are', async () => {
    const toUser = someone(ann).id;
    const refused = await Promise.all([
      notify(someone(ann).token, { toUser, message: 1 }),
      notify(shop, { toUser: randomUUID(), message: 1 }),
      notify(shop, { toUser, id: 'a', message: 'another' }),
      notify(shop, { toUser, message: 'x'.repeat(16 * 1024) }),
      notify(shop, { toUser }),
      notify(shop, { toUser: 'ann', message: 1 }),
      notify(shop, { type: 'ChatMessage', toUser, message: 1 }),
    ]);
    expect(refused.map(({ status }) => status)).toEqual([403, 404, 409, 400, 400, 400, 400]);
    const problems = (await Promise.all(refused.slice(3).map((answer) => answer.json()))) as readonly { errors: { path: string }[] }[];
    expect(problems.map(({ errors }) => errors.map(({ path }) => path))).toEqual([['message'], ['message'], ['toUser'], ['type']]);
  });
});

describe('webhooks', () => {
  it('are for administrators, and refuse what cannot be called', async () => {
    const body = { url: receiver.url('/x'), events: ['push.requested'] };
    expect((await ask(program, someone(ann), '/api/admin/webhooks', { body })).status).toBe(403);
    expect((await ask(program, someone(ann), '/api/admin/webhooks')).status).toBe(403);
    const faults = await Promise.all(
      [{ url: 'ftp://example.org/' }, { url: 'nowhere' }, { events: [] }, { events: ['Nothing'] }, { secret: 'short' }].map(
        async (wrong) => {
          const answer = await ask(program, someone(admin), '/api/admin/webhooks', { body: { ...body, ...wrong } });
          return [answer.status, ((await answer.json()) as { errors?: { path: string }[] }).errors?.[0]?.path];
        },
      ),
    );
    expect(faults).toEqual([
      [400, 'url'],
      [400, 'url'],
      [400, 'events'],
      [400, 'events'],
      [400, 'secret'],
    ]);
  });

  it('are told the live events they named, signed, each with an id', async () => {
    const { id, secret } = await register('/live', 'FriendRequestReceived', 'FriendRequestAccepted');
    await ask(program, someone(ann), `/api/users/friends/add/${someone(ben).id}`, { method: 'POST' });
    await ask(program, someone(ben), `/api/users/friends/accept-request/${someone(ann).id}`, { method: 'POST' });
    await receiver.until(() => receiver.at('/live').length === 2);
    for (const { headers, body } of receiver.at('/live')) {
      const timestamp = String(headers['tidings-timestamp']);
      const expected = createHmac('sha256', secret).update(`${timestamp}.`).update(body).digest('hex');
      expect(headers['tidings-signature']).toBe(`v1=${expected}`);
      expect(Math.abs(Date.now() / 1000 - Number(timestamp))).toBeLessThan(60);
      expect(headers).toMatchObject({ 'content-type': 'application/json', 'tidings-webhook-id': id });
    }
    const calls = receiver
      .at('/live')
      .map(callOf)
      .toSorted((a, b) => (a.createdAt < b.createdAt ? -1 : 1));
    expect(new Set(calls.map((call) => call.id)).size).toBe(2);
    expect(calls).toMatchObject([
      {
        type: 'FriendRequestReceived',
        data: { audience: { type: 'user', id: someone(ben).id }, notification: { fromUser: { id: someone(ann).id } } },
      },
      { type: 'FriendRequestAccepted', data: { audience: { type: 'user', id: someone(ann).id } } },
    ]);
    const listed = await askJson<readonly object[]>(program, someone(admin), '/api/admin/webhooks');
    expect(listed).toMatchObject([{ id, url: receiver.url('/live') }]);
    expect(JSON.stringify(listed)).not.toContain(secret);
  });

  it('get the hand-off for those alone who have no live stream open and did not do it themselves', async () => {
    await register('/push', 'push.requested');
    await listen(someone(ben));
    const room = await newRoom(ann, ben, cas);
    await say(ann, room, 'to cas');
    await say(cas, room, 'to ann');
    await receiver.until(() => receiver.at('/push').length === 3);
    const calls = receiver.at('/push').map(callOf);
    const told = calls.map(({ type, data }) => [type, data.notification.type, data.notification.message?.msgBody.text, data.to_user]);
    expect(told.toSorted()).toEqual(
      [
        ['push.requested', 'ChatMessage', 'to ann', [someone(ann).id]],
        ['push.requested', 'ChatMessage', 'to cas', [someone(cas).id]],
        ['push.requested', 'NewRoom', undefined, [someone(cas).id]],
      ].toSorted(),
    );
  });

  it('are not asked to reach someone about what they have blocked', async () => {
    await register('/blocked', 'push.requested');
    const room = await newRoom(ann, ben, cas);
    await ask(program, someone(cas), `/api/users/ignore/${someone(ann).id}`, { method: 'POST' });
    await say(ann, room, 'unwanted');
    await say(ben, room, 'wanted');
    await receiver.until(() => ['wanted', 'unwanted'].every((text) => textsAt('/blocked').includes(text)));
    const unwanted = receiver
      .at('/blocked')
      .map(callOf)
      .filter(({ data }) => data.notification.message?.msgBody.text === 'unwanted');
    expect(unwanted.map(({ data }) => data.to_user)).toEqual([[someone(ben).id]]);

    const { messageId: replyMsgId } = await say(ann, room, 'to be quoted');
    const reply = { chatRoomId: room, msgBody: { replyMsgId, replyText: 'as she says' } };
    await askJson(program, someone(ben), '/api/send-msg', { body: reply });
    const quoting = (): readonly Received[] => receiver.at('/blocked').filter(({ body }) => body.includes('as she says'));
    await receiver.until(() => quoting().length === 2);
    const [toAnn, toCas] = [ann, cas].map((person) => quoting().find((one) => callOf(one).data.to_user?.includes(someone(person).id)));
    expect(toAnn?.body.toString()).toContain('to be quoted');
    expect(toCas?.body.toString(), 'nor about what others quote of it').not.toContain('to be quoted');
    await ask(program, someone(cas), `/api/users/ignore/${someone(ann).id}`, { method: 'DELETE' });
  });

  it('are called again after a failure, with the same id, and a slow one delays no other', async () => {
    receiver.answer('/flaky', () => (receiver.at('/flaky').length < 3 ? 500 : 200));
    receiver.answer('/silent', null);
    await register('/silent', 'ChatMessage');
    await register('/flaky', 'ChatMessage');
    await register('/quick', 'ChatMessage');
    const room = await newRoom(ann, ben);
    const saidAt = Date.now();
    await say(ann, room, 'again');
    await receiver.until(() => receiver.at('/flaky').length === 3 && receiver.at('/silent').length >= 2);
    expect(new Set(receiver.at('/flaky').map((one) => callOf(one).id)).size).toBe(1);
    expect(new Set(receiver.at('/flaky').map(({ body }) => body.toString())).size).toBe(1);
    expect(
      receiver
        .at('/quick')
        .map(({ at }) => at - saidAt)
        .every((ms) => ms < 1_000),
    ).toBe(true);
    expect(receiver.at('/quick')).toHaveLength(1);
  });

  it('are told at a retry what each may read by then: later wording not who left or blocked before it; what was deleted is no push', async () => {
    for (const path of ['/late-push', '/late-live']) receiver.answer(path, 500);
    const { id: pushes } = await register('/late-push', 'push.requested');
    await register('/late-live', 'ChatMessage');
    const room = await newRoom(ann, ben, cas, admin);
    const [kept, taken] = [await say(ann, room, 'first words'), await say(ann, room, 'a slip')];
    const plain = await say(ann, room, 'never touched');
    const triedAt = (path: string): boolean => ['first words', 'a slip', 'never touched'].every((text) => textsAt(path).includes(text));
    await receiver.until(() => triedAt('/late-push') && triedAt('/late-live'));
    await ask(program, someone(cas), `/api/rooms/${room}/leave`, { method: 'POST' });
    await ask(program, someone(admin), `/api/users/ignore/${someone(ann).id}`, { method: 'POST' });
    await askJson(program, someone(ann), `/api/rooms/${room}/messages/${kept.messageId}`, {
      method: 'PATCH',
      body: { text: 'later words' },
    });
    await ask(program, someone(ann), `/api/rooms/${room}/messages/${taken.messageId}`, { method: 'DELETE' });

    const takenBy = new Map<string, Call[]>([
      ['/late-push', []],
      ['/late-live', []],
    ]);
    // A call may be on its way that was read before all this; it is not taken, and made again as things stand.
    const isStale = ({ data: { to_user, notification } }: Call): boolean =>
      ['first words', 'a slip'].includes(notification.message?.msgBody.text ?? '') || to_user?.includes(someone(admin).id) === true;
    for (const [path, calls] of takenBy) {
      receiver.answer(path, (one) => {
        const call = callOf(one);
        return isStale(call) ? 500 : calls.push(call) && 204;
      });
    }
    const takenAt = (path: string, isMessage: boolean): readonly Call[] =>
      takenBy.get(path)?.filter(({ data }) => (data.notification.message !== undefined) === isMessage) ?? [];
    const messagesAt = (path: string): readonly Call[] => takenAt(path, true);
    // Once each, or again where the answer was late.
    const idsAt = (path: string): ReadonlySet<string | undefined> =>
      new Set(messagesAt(path).map(({ data }) => data.notification.message?.messageId));
    await receiver.until(() => idsAt('/late-push').size === 2 && idsAt('/late-live').size === 3);
    const waiting = async (): Promise<unknown> =>
      (await database.query('select * from outbound.delivery where lane = $1', [`webhook:${pushes}`])).rows;
    await vi.waitFor(async () => expect(await waiting(), 'taken, or dropped').toEqual([]), { timeout: 10_000, interval: 20 });
    const told = (path: string) =>
      [...new Map(messagesAt(path).map((call) => [call.id, call])).values()].map(({ data: { to_user, notification } }) => [
        notification.message?.messageId,
        to_user,
        notification.message?.msgBody.text,
      ]);
    const pushed = told('/late-push').map(([id, users, text]) => [id, [users].flat().toSorted(), text]);
    expect(pushed).toHaveLength(2);
    expect(pushed).toContainEqual([kept.messageId, [someone(ben).id], 'later words']);
    expect(pushed, 'nor who blocked its author while it waited').toContainEqual([
      plain.messageId,
      [someone(ben).id, someone(cas).id].toSorted(),
      'never touched',
    ]);
    const rooms = takenAt('/late-push', false).flatMap(({ data }) => data.to_user ?? []);
    expect(new Set(rooms), 'nor are they told of a room').toEqual(new Set([someone(ben).id, someone(cas).id]));
    expect(Object.fromEntries(told('/late-live').map(([id, , text]) => [id, text]))).toEqual({
      [kept.messageId]: '',
      [taken.messageId]: '',
      [plain.messageId]: 'never touched',
    });
    const said = JSON.stringify([...takenBy.values()]);
    expect(said).not.toContain('first words');
    expect(said).not.toContain('a slip');
    await ask(program, someone(admin), `/api/users/ignore/${someone(ann).id}`, { method: 'DELETE' });
  });

  it('leave what they never take as dead letters, which can be tried again', async () => {
    receiver.answer('/broken', 500);
    const { id } = await register('/broken', 'ChatMessage');
    const room = await newRoom(ann, ben);
    await say(ann, room, 'lost?');
    interface Delivery {
      readonly id: string;
      readonly attempts: number;
    }
    const dead = (): Promise<readonly Delivery[]> => askJson(program, someone(admin), `/api/admin/webhooks/${id}/deliveries?state=dead`);
    const letters = await vi.waitFor(
      async () => {
        const found = await dead();
        expect(found).toHaveLength(1);
        return found;
      },
      { timeout: 30_000, interval: 100 },
    );
    expect(letters).toMatchObject([{ type: 'ChatMessage', state: 'dead', lastError: 'answered 500', nextAttemptAt: null }]);
    const tried = receiver.at('/broken').length;
    expect(letters[0]?.attempts).toBe(tried);
    expect(tried).toBeGreaterThan(3);

    receiver.answer('/broken', 200);
    const retry = (delivery: string | undefined) =>
      ask(program, someone(admin), `/api/admin/webhooks/${id}/deliveries/${delivery}/retry`, { method: 'POST' });
    expect((await retry(randomUUID())).status).toBe(404);
    expect((await retry(letters[0]?.id)).status).toBe(200);
    await receiver.until(() => receiver.at('/broken').length > tried);
    await vi.waitFor(async () => expect(await dead()).toEqual([]), { timeout: 5_000, interval: 50 });
  });
});

describe('Web Push', () => {
  it('tells the browsers of who is away, sealed for each, until their push service knows them no more', async () => {
    const browser = newPushBrowser();
    const path = '/browser';
    const { publicKey } = await askJson<{ publicKey: string }>(program, someone(cas), '/api/push-subscriptions/key');
    expect(Buffer.from(publicKey, 'base64url')).toHaveLength(65);
    const subscription = { endpoint: receiver.url(path), expirationTime: null, keys: browser.keys };
    const subscribe = () => ask(program, someone(cas), '/api/push-subscriptions', { body: subscription });
    const [first, again] = [await subscribe(), await subscribe()];
    expect([first.status, again.status]).toEqual([200, 200]);
    expect(await again.json()).toEqual(await first.json());
    expect((await ask(program, someone(cas), '/api/push-subscriptions', { body: { ...subscription, endpoint: 'http://[' } })).status).toBe(
      400,
    );

    const room = await newRoom(ann, cas);
    await say(ann, room, 'psst');
    await say(ann, room, 'long '.repeat(800));
    await receiver.until(() => receiver.at(path).length === 3);
    const opened = receiver.at(path).map(({ body }) => JSON.parse(browser.open(body)) as Call['data'] & { truncated?: true });
    expect(
      opened.map(({ notification, truncated }) => [notification.type, notification.message?.msgBody?.text, truncated]).toSorted(),
    ).toEqual(
      [
        ['ChatMessage', 'psst', undefined],
        ['ChatMessage', undefined, true],
        ['NewRoom', undefined, undefined],
      ].toSorted(),
    );
    expect(receiver.at(path)[0]?.headers).toMatchObject({ 'content-encoding': 'aes128gcm', ttl: '86400' });

    receiver.answer(path, 410);
    await say(ann, room, 'is anybody there');
    await receiver.until(() => receiver.at(path).length === 4);
    await vi.waitFor(
      async () => {
        const { rows } = await database.query(`select from outbound.delivery where lane like 'push:%'`);
        expect(rows).toEqual([]);
      },
      { timeout: 5_000, interval: 20 },
    );
    await register('/after', 'push.requested');
    await say(ann, room, 'nobody');
    await receiver.until(() => textsAt('/after').includes('nobody'));
    expect(receiver.at(path)).toHaveLength(4);
  });
});
