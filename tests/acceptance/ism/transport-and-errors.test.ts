/** Chat-contract §1.1 as a client meets it: who is let in, what an error looks like, and rate limits. Hostile input is in bad-input.test.ts. */
import type { ChatRoom, Message, Page, UserWithRelationship } from '@tidings/contracts/http/chat-objects';
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type Answer, type Client, createRoom, INVALID, type Ism, ok, problem, request, startIsm, UNAUTHORIZED, UUID } from './ism.ts';

const ORIGIN = 'https://app.example';
let ism: Ism<'Ada' | 'Bob'>;
let [ada, bob] = [] as unknown as readonly [Client, Client]; // set before any test
beforeAll(async () => {
  ism = await startIsm({ CORS_ORIGIN: ORIGIN, RATE_LIMITS: 'messages=5/3,failures=1000/1000' }, 'Ada', 'Bob');
  [ada, bob] = [ism.as.Ada, ism.as.Bob];
});
afterAll(() => ism.close());

/** The endpoints of ISM's README that need a token; then those that read nothing but an id. */
const ENDPOINTS = [
  ['GET', '/api/sse'],
  ['POST', '/api/send-msg'],
  ['POST', '/api/rooms/create-room'],
  ['GET', '/api/rooms'],
  ['GET', '/api/rooms/search'],
  ['POST', '/api/rooms/ID/upload-img'],
  ['GET', '/api/users/search'],
  ['GET', '/api/users/friends'],
  ['GET', '/api/users/friends/requests'],
  ['GET', '/api/notifications?timestamp=2026-01-01T00:00:00Z'],
] as const;
const WITH_ID = [
  ['GET', '/api/rooms/ID', 'roomId'],
  ['GET', '/api/rooms/ID/detailed', 'roomId'],
  ['GET', '/api/rooms/ID/users', 'roomId'],
  ['POST', '/api/rooms/ID/leave', 'roomId'],
  ['POST', '/api/rooms/ID/invite/ID', 'roomId'],
  ['GET', '/api/rooms/ID/timeline', 'roomId'],
  ['POST', '/api/rooms/ID/mark-read', 'roomId'],
  ['GET', '/api/rooms/ID/read-states', 'roomId'],
  ['GET', '/api/users/ID', 'userId'],
  ['POST', '/api/users/friends/add/ID', 'userId'],
  ['POST', '/api/users/friends/accept-request/ID', 'userId'],
  ['DELETE', '/api/users/friends/reject-request/ID', 'userId'],
  ['DELETE', '/api/users/friends/ID', 'userId'],
  ['POST', '/api/users/ignore/ID', 'userId'],
  ['DELETE', '/api/users/ignore/ID', 'userId'],
] as const;

const bearer = (token: string): Record<string, string> => ({ authorization: `Bearer ${token}` });
const ask = (path: string, asked: RequestInit = {}): Promise<Answer> => request(ism.program, path, asked);

describe('open to everyone', () => {
  it.each([
    ['/', /Tidings/],
    ['/health', /^Healthy$/],
  ])('%s', async (path, says) => {
    const answer = await ask(path);
    expect([answer.status, answer.headers.get('content-type')]).toEqual([200, expect.stringMatching(/^text\//)]);
    expect(answer.text).toMatch(says);
  });
});

describe.each([...ENDPOINTS, ...WITH_ID].map(([method, path]) => ({ method, path })))('$method $path', ({ method, path }) => {
  const there = path.replaceAll('ID', randomUUID());

  it('is for who has a token', async () => {
    const { token: other } = ism.as.Bob;
    const expired = await ism.issuer.token({ sub: ada.id }, -60);
    const attempts: readonly (readonly [Record<string, string>, readonly [number, string]])[] = [
      [{}, UNAUTHORIZED],
      [bearer('nonsense'), UNAUTHORIZED],
      [bearer(`${other}x`), UNAUTHORIZED],
      [bearer(expired), [401, 'TOKEN_EXPIRED']],
    ];
    for (const [headers, expected] of attempts) {
      const answer = await ask(there, { method, headers });
      expect(problem(answer)).toEqual(expected);
      expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer /);
    }
    expect((await ask(`${there}?access_token=${ada.token}`, { method })).status, 'in the header only').toBe(401);
    expect((await ask(there, { method, headers: { cookie: `access_token=${ada.token}` } })).status, 'nor as a cookie').toBe(401);
  });
});

describe.each(WITH_ID.map(([method, path, names]) => ({ method, path, names })))('$method $path', ({ method, path, names }) => {
  it.each(['1', 'not-a-uuid', `${randomUUID()}0`, '00000000-0000-0000-0000-00000000000g', '%00', "'"])(
    'names the id that is none: %s',
    async (id) => {
      const answer = await ask(path.replace('ID', encodeURIComponent(id)).replaceAll('ID', randomUUID()), {
        method,
        headers: bearer(ada.token),
      });
      expect(problem(answer)).toEqual(INVALID);
      expect(answer.json<{ errors: readonly { path: string }[] }>().errors.map(({ path: name }) => name)).toEqual([names]);
    },
  );
});

describe('/api/v1, where later versions of ISM have it', () => {
  it('has the same endpoints, and pages for lists', async () => {
    const { id } = await createRoom(ada, 'Group', [bob], 'Versioned');
    const sent = ok<Message>(await ada.post('/api/v1/send-msg', { chatRoomId: id, msgBody: { text: 'hello' } }));
    expect(ok(await bob.get(`/api/v1/rooms/${id}/timeline`))).toEqual([sent]);
    const [room] = ok<readonly ChatRoom[]>(await ada.get('/api/rooms?name=versioned'));
    for (const query of ['?name=versioned', '?name=versioned&cursor=', '?cursor=&name=versioned']) {
      expect(ok(await ada.get(`/api/v1/rooms${query}`)), query).toEqual({ content: [room], nextCursor: null, cursor: null });
    }
    for (const list of ['users/friends', 'users/friends/requests']) {
      expect(ok(await ada.get(`/api/v1/${list}`)), list).toEqual({ content: [], nextCursor: null, cursor: null });
      expect(ok(await ada.get(`/api/${list}`)), list).toEqual([]);
    }
    expect(ok<Page<object>>(await ada.get('/api/v1/rooms/share-targets?name=versioned')).content).toHaveLength(1);
  });

  it('refuses alike', async () => {
    expect(problem(await ask('/api/v1/rooms'))).toEqual(UNAUTHORIZED);
    const [there, here] = [await ada.get('/api/v1/rooms/1/users'), await ada.get('/api/rooms/1/users')];
    expect(problem(there)).toEqual(INVALID);
    expect(there.json<{ path: string }>().path).toBe(here.json<{ path: string }>().path);
    expect((await ada.get('/api/v1/nothing')).status).toBe(404);
    expect((await ada.get('/api/v1/send-msg')).status).toBe(405);
  });
});

describe('a page', () => {
  it('is of 20 unless another size is asked for, and of no more than there may be', async () => {
    const token = await ism.issuer.token({ sub: randomUUID(), name: 'Host of many' });
    const headers = { ...bearer(token), 'content-type': 'application/json' };
    const { id } = ok<{ user: { id: string } }>(await ask('/api/me', { headers })).user;
    const body = JSON.stringify({ roomType: 'Group', invitedUsers: [id, bob.id] });
    for (let n = 0; n < 21; n += 1) ok(await ask('/api/rooms/create-room', { method: 'POST', headers, body }));
    const page = async (query: string) => ok<Page<ChatRoom>>(await ask(`/api/rooms?${query}`, { headers }));
    expect((await page('cursor=')).content).toHaveLength(20);
    expect((await page('limit=3')).content).toHaveLength(3);
    expect((await page('limit=1000')).content).toHaveLength(21);
    for (const list of ['/api/rooms', '/api/users/friends', '/api/users/friends/requests', '/api/rooms/share-targets']) {
      expect((await ask(`${list}?limit=1000`, { headers })).status, list).toBe(200);
      for (const limit of ['0', '-1', 'ten', '1.5', '']) {
        expect(problem(await ask(`${list}?limit=${limit}`, { headers })), `${list} ${limit}`).toEqual(INVALID);
      }
    }
  });
});

describe('an error', () => {
  it('has the fields that ISM’s clients read, beside those of RFC 9457, and tells the template of its path', async () => {
    const id = randomUUID();
    const answer = await ada.get(`/api/rooms/${id}/users`);
    expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json\b/);
    expect(answer.json()).toMatchObject({
      ...{ timestamp: expect.stringMatching(/^\d{4}-.*Z$/), status: 403, error: 'Forbidden', message: expect.any(String) },
      ...{ path: '/api/rooms/{roomId}/users', errorCode: 'INSUFFICIENT_PERMISSIONS' },
      ...{ type: expect.any(String), title: 'Forbidden', detail: expect.any(String) },
    });
    expect(answer.text, 'nothing of what was asked for').not.toContain(id);
  });
});

describe('who comes with a first token', () => {
  it('is a user from then on, by their `sub`', async () => {
    const sub = randomUUID();
    const token = await ism.issuer.token({ sub, name: 'Newcomer' });
    expect((await ask('/api/rooms', { headers: bearer(token) })).text).toBe('[]');
    expect(ok<UserWithRelationship>(await ada.get(`/api/users/${sub}`)).user).toMatchObject({ id: sub, displayName: 'Newcomer' });
  });

  it('has a UUID of their own when the issuer’s `sub` is none', async () => {
    const token = await ism.issuer.token({ sub: 'auth0|4711', preferred_username: 'Plain sub' });
    const asked = { headers: bearer(token) };
    expect((await ask('/api/rooms', asked)).status).toBe(200);
    const found = ok<Page<UserWithRelationship>>(await ada.get('/api/users/search?username=plain%20sub'));
    expect(found.content.map(({ user }) => user.id)).toEqual([UUID]);
    const { id } = (found.content[0] as UserWithRelationship).user;
    expect((await ask(`/api/users/${id}`, asked)).status, 'themselves').toBe(404);
  });

  it('is one user, however many requests come first at once', async () => {
    const sub = randomUUID();
    const token = await ism.issuer.token({ sub, name: 'In a hurry' });
    const answers = await Promise.all(Array.from({ length: 20 }, () => ask('/api/rooms', { headers: bearer(token) })));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
    expect(ok<Page<UserWithRelationship>>(await ada.get('/api/users/search?username=in%20a%20hurry')).content).toHaveLength(1);
  });
});

describe('browsers', () => {
  const preflight = (origin: string): Promise<Answer> =>
    ask('/api/send-msg', {
      method: 'OPTIONS',
      headers: { origin, 'access-control-request-method': 'POST', 'access-control-request-headers': 'authorization' },
    });

  it('of the one origin may call, and read what they need', async () => {
    const { status, headers } = await preflight(ORIGIN);
    expect([status, headers.get('access-control-allow-origin'), headers.get('access-control-allow-credentials')]).toEqual([
      204,
      ORIGIN,
      'true',
    ]);
    for (const method of ['GET', 'POST', 'OPTIONS', 'DELETE', 'PUT', 'PATCH'])
      expect(headers.get('access-control-allow-methods')).toContain(method);
    for (const name of [
      'Authorization',
      'Accept',
      'Content-Type',
      'Content-Length',
      'Connection',
      'Origin',
      'Idempotency-Key',
      'Last-Event-ID',
    ]) {
      expect(headers.get('access-control-allow-headers')).toContain(name);
    }
    const answer = await ask('/api/rooms', { headers: { ...bearer(ada.token), origin: ORIGIN } });
    for (const name of ['Retry-After', 'RateLimit-Remaining', 'Tidings-Position']) {
      expect(answer.headers.get('access-control-expose-headers')).toContain(name);
    }
  });

  it('of it hear the live stream by a ticket, under either path', async () => {
    for (const path of ['/api/sse', '/api/v1/sse']) {
      const { ticket } = ok<{ ticket: string }>(await ada.post('/api/stream-ticket'));
      const leave = new AbortController();
      const { status, headers } = await fetch(new URL(`${path}?ticket=${encodeURIComponent(ticket)}`, ism.program.httpUrl), {
        headers: { origin: ORIGIN },
        signal: leave.signal,
      });
      leave.abort();
      expect([status, headers.get('content-type'), headers.get('access-control-allow-origin')]).toEqual([
        200,
        expect.stringMatching(/^text\/event-stream\b/),
        ORIGIN,
      ]);
    }
  });

  it('of another origin may not', async () => {
    const { headers } = await preflight('https://evil.example');
    expect(headers.get('access-control-allow-origin')).toBeNull();
  });
});

describe('rate limits', () => {
  it('refuse what is too much, and lose nothing that was accepted', async () => {
    const { id } = await createRoom(ada, 'Group', [bob], 'Rush');
    const say = (n: number) => ada.post('/api/send-msg', { chatRoomId: id, msgBody: { text: `${n}` } }, { 'idempotency-key': `rush-${n}` });
    const first = await Promise.all(Array.from({ length: 12 }, (_, n) => say(n)));
    const refused = first.filter(({ status }) => status === 429);
    expect(refused.length).toBeGreaterThan(4);
    for (const answer of refused) {
      expect(problem(answer)).toEqual([429, 'RATE_LIMITED']);
      expect(Number(answer.headers.get('retry-after'))).toBeGreaterThanOrEqual(1);
      expect(answer.headers.get('ratelimit-remaining')).toBe('0');
    }
    const taken = first.find(({ status }) => status === 200);
    expect(taken?.headers.get('ratelimit-limit')).toBe('3');
    expect(taken?.headers.get('ratelimit-policy')).toBe('5;w=1;burst=3');
    expect((await ada.get(`/api/rooms/${id}`)).headers.get('ratelimit-limit'), 'reading has a limit of its own').toBe('1500');
    expect((await bob.post('/api/send-msg', { chatRoomId: id, msgBody: { text: 'mine' } })).status, 'and so has everybody').toBe(200);

    for (const [n, answer] of first.entries()) {
      const again = await vi.waitFor(
        async () => {
          const tried = await say(n);
          expect(tried.status).toBe(200);
          return tried;
        },
        { timeout: 20_000, interval: 200 },
      );
      if (answer.status === 200) expect(again.text, 'accepted once, answered the same').toBe(answer.text);
    }
    const timeline = ok<readonly Message[]>(await bob.get(`/api/rooms/${id}/timeline?limit=100`));
    const texts = timeline.map(({ msgBody }) => ('text' in msgBody ? msgBody.text : ''));
    expect(texts.toSorted()).toEqual([...first.keys()].map(String).concat('mine').toSorted());
    expect(ok<ChatRoom>(await bob.get(`/api/rooms/${id}`)).roomName).toBe('Rush');
  });
});
