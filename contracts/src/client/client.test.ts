import type { IncomingMessage, ServerResponse } from 'node:http';
import { describe, expect, expectTypeOf, it } from 'vitest';
import type { Message } from '../http/chat-objects.ts';
import { routes } from '../http/index.ts';
import { createClient, ProblemError, type Client } from './client.ts';
import { serve } from './testing/serve.ts';

interface Seen {
  readonly request: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}
/** A client against a server that gives these answers, the last one again and again, and what that server saw. */
const against = async (
  ...answers: readonly ((response: ServerResponse) => void)[]
): Promise<{ client: Client; seen: Seen[]; url: string }> => {
  const seen: Seen[] = [];
  const url = await serve((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      seen.push({ request: `${request.method} ${request.url}`, headers: request.headers, body });
      (answers[seen.length - 1] ?? answers.at(-1))?.(response);
    });
  });
  return { client: createClient({ baseUrl: `${url}/`, token: async () => 'tok' }), seen, url };
};
const json =
  (body: unknown, status = 200) =>
  (response: ServerResponse) =>
    void response.writeHead(status, { 'content-type': 'application/json', 'retry-after': '3' }).end(JSON.stringify(body));
const ROOM = '6f1a0b52-4d9e-4b37-9a75-0b6d2f0f6c11';

describe('the client', () => {
  it('has every route there is under its id, but for the live stream', async () => {
    const { client } = await against(json({}));
    const ids = routes.filter(({ produces }) => produces !== 'event-stream').map(({ id }) => id);
    expect(Object.keys(client).toSorted()).toEqual(ids.toSorted());
  });

  it('has a method for each route, typed by its codecs', () => {
    expectTypeOf<Client['getTimeline']>().returns.resolves.toEqualTypeOf<readonly Message[]>();
    expectTypeOf<Client['leaveRoom']>().returns.resolves.toEqualTypeOf<void>();
    expectTypeOf<Client['welcome']>().returns.resolves.toEqualTypeOf<string>();
    expectTypeOf<Client['listRooms']>().parameter(0).toExtend<undefined | object>();
    // @ts-expect-error a path parameter is missing
    const incomplete: Parameters<Client['getTimeline']>[0] = {};
    expect(incomplete).toEqual({});
  });

  it('sends a file as a form', async () => {
    const upload = { imageUrl: `room-images/${ROOM}`, imageName: `room-images/${ROOM}.jpeg` };
    const { client, seen } = await against(json(upload));
    const body = new FormData();
    body.append('image', new Blob(['pixels']), 'room.png');
    expect(await client.uploadRoomImage({ params: { roomId: ROOM }, body, idempotencyKey: 'k' })).toEqual(upload);
    expect(seen[0]?.headers).toMatchObject({
      'idempotency-key': 'k',
      'content-type': expect.stringMatching(/^multipart\/form-data; boundary=/),
    });
    expect(seen[0]?.body).toMatch(/name="image"; filename="room\.png"[^]*\r\n\r\npixels\r\n/);
    // @ts-expect-error a form, not an object
    const wrong: Parameters<Client['uploadRoomImage']>[0] = { params: { roomId: ROOM }, body: { image: 'pixels' } };
    expect(wrong.body).toEqual({ image: 'pixels' });
  });

  it('sends path, query, body, token and key as the server reads them', async () => {
    const { client, seen } = await against(json([]));
    expect(await client.getTimeline({ params: { roomId: ROOM }, query: { limit: 5, before: ROOM }, position: '0000000000000007' })).toEqual(
      [],
    );
    await client.markRead({ params: { roomId: ROOM }, body: { upTo: ROOM }, idempotencyKey: 'k' });
    await client.leaveRoom({ params: { roomId: 'a/b' } });
    expect(seen.map(({ request }) => request)).toEqual([
      `GET /api/rooms/${ROOM}/timeline?limit=5&before=${ROOM}`,
      `POST /api/rooms/${ROOM}/mark-read`,
      'POST /api/rooms/a%2Fb/leave',
    ]);
    expect(seen[0]?.headers).toMatchObject({ authorization: 'Bearer tok', 'tidings-position': '0000000000000007' });
    expect(seen[1]).toMatchObject({
      headers: { 'idempotency-key': 'k', 'content-type': 'application/json' },
      body: JSON.stringify({ upTo: ROOM }),
    });
  });

  it('takes cursors as the server gives them', async () => {
    const page = { events: [], next: '0000000000000007.1', more: false, resync: null };
    const { client, seen } = await against(json(page));
    const { next } = await client.syncEvents({ query: { after: '0000000000000007', limit: 5 } });
    await client.syncEvents({ query: { after: next } });
    expect(seen.map(({ request }) => request)).toEqual([
      'GET /api/sync?after=0000000000000007&limit=5',
      'GET /api/sync?after=0000000000000007.1',
    ]);
  });

  it('gives error answers as ProblemError, whoever wrote them', async () => {
    const problem = {
      type: 'urn:x',
      title: 'Not Found',
      status: 404,
      detail: 'No.',
      code: 'CONTENT_NOT_FOUND',
      timestamp: '2026-11-20T00:00:00.000Z',
      error: 'Not Found',
      message: 'No.',
      path: null,
      errorCode: 'CONTENT_NOT_FOUND',
    };
    const ours = await against(json(problem, 404));
    const error = await ours.client.getRoom({ params: { roomId: ROOM } }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(ProblemError);
    expect(error).toMatchObject({ status: 404, code: 'CONTENT_NOT_FOUND', problem, retryAfterSeconds: 3 });
    const theirs = await against((response) => void response.writeHead(502).end('<html>'));
    await expect(theirs.client.listRooms()).rejects.toMatchObject({
      status: 502,
      code: 'HTTP_502',
      problem: null,
      retryAfterSeconds: null,
    });
  });

  it('follows a link without its token, and asks again when that leads nowhere', async () => {
    const asked: (string | undefined)[] = [];
    const place = await serve((request, response) => {
      asked.push(request.headers.authorization);
      if (asked.length === 1) response.writeHead(404, { 'content-type': 'application/xml' }).end('<Error><Code>NoSuchKey</Code></Error>');
      else response.end('bytes');
    });
    const { client, seen } = await against((response) => void response.writeHead(302, { location: `${place}/plain/1?signed` }).end());
    expect(await (await client.getMedia({ params: { mediaId: ROOM } })).text()).toBe('bytes');
    expect([seen.map(({ headers }) => headers.authorization), asked]).toEqual([
      ['Bearer tok', 'Bearer tok'],
      [undefined, undefined],
    ]);
  });

  it('refuses an answer of another shape instead of passing it on', async () => {
    const { client } = await against(json([{ id: 7 }]));
    await expect(client.listRooms()).rejects.toMatchObject({ name: 'ContractError' });
  });
});

const busy =
  (status: number, code: string, retryAfter: string | null = '0') =>
  (response: ServerResponse) =>
    void response
      .writeHead(status, { 'content-type': 'application/json', ...(retryAfter === null ? {} : { 'retry-after': retryAfter }) })
      .end(JSON.stringify({ ...PROBLEM, status, code, errorCode: code }));
const PROBLEM = {
  ...{ type: 'urn:x', title: 'T', detail: 'D', timestamp: '2026-11-20T00:00:00.000Z', error: 'T', message: 'D', path: null },
};
const cut = (response: ServerResponse): void => void response.destroy();
const done = (response: ServerResponse): void => void response.writeHead(200).end();
const CREATE = { body: { roomType: 'Group' as const, members: [ROOM] } };

describe('trying again', () => {
  it.each<[string, (response: ServerResponse) => void]>([
    ['too many requests', busy(429, 'RATE_LIMITED')],
    ['a busy server', busy(503, 'SERVICE_UNAVAILABLE')],
    ['what is not visible yet', busy(503, 'NOT_YET_VISIBLE')],
    ['a server that asks by date', busy(503, 'SERVICE_UNAVAILABLE', new Date(0).toUTCString())],
    ['a lost connection', cut],
  ])('meets %s with the same request under the same key', async (_, failure) => {
    const { client, seen } = await against(failure, failure, json({ id: ROOM }));
    expect(await client.createRoomFor(CREATE)).toEqual({ id: ROOM });
    expect(seen).toHaveLength(3);
    expect(new Set(seen.map(({ headers, body }) => `${String(headers['idempotency-key'])} ${body}`)).size).toBe(1);
    expect(seen[0]?.headers['idempotency-key']).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('gives each call a key of its own, but none where the body has one or none is needed', async () => {
    const { client, seen } = await against(json({ id: ROOM }), json({ id: ROOM }), busy(404, 'CONTENT_NOT_FOUND'), done);
    await client.createRoomFor(CREATE);
    await client.createRoomFor(CREATE);
    const own = { chatRoomId: ROOM, msgBody: { text: 'a' }, clientMessageId: 'mine' };
    await expect(client.sendMessage({ body: own })).rejects.toThrow('CONTENT_NOT_FOUND');
    await client.removeMember({ params: { roomId: ROOM, userId: ROOM } });
    const [one, two, three, four] = seen.map(({ headers }) => headers['idempotency-key']);
    expect(one).not.toBe(two);
    expect([three, four]).toEqual([undefined, undefined]);
  });

  it.each<[string, (response: ServerResponse) => void]>([
    ['was carried out and cannot be seen yet', busy(503, 'NOT_YET_VISIBLE')],
    ['may have been carried out', cut],
    ['the server does not say helps', busy(503, 'SERVICE_UNAVAILABLE', null)],
    ['would take too long', busy(429, 'RATE_LIMITED', '3600')],
  ])('is left to the caller where the call %s', async (_, failure) => {
    const { client, seen } = await against(failure);
    await expect(client.leaveRoom({ params: { roomId: ROOM } })).rejects.toThrow();
    expect(seen).toHaveLength(1);
  });

  it('ends with the caller', async () => {
    const { client, seen } = await against(busy(503, 'SERVICE_UNAVAILABLE', '2'));
    const stop = new AbortController();
    const call = client.createRoomFor({ ...CREATE, signal: stop.signal });
    await expect.poll(() => seen.length).toBe(1);
    stop.abort();
    await expect(call).rejects.toMatchObject({ name: 'AbortError' });
  });

  it('is not done for who does not want it', async () => {
    const { url, seen } = await against(busy(503, 'SERVICE_UNAVAILABLE'));
    const client = createClient({ baseUrl: url, token: () => 'tok', retryForMs: 0 });
    await expect(client.createRoomFor(CREATE)).rejects.toMatchObject({ code: 'SERVICE_UNAVAILABLE' });
    expect(seen).toHaveLength(1);
  });

  it('takes a newer token once, when there is one', async () => {
    const { url, seen } = await against(busy(401, 'TOKEN_EXPIRED', null), json([]), busy(401, 'UNAUTHORIZED', null));
    const asked: (string | undefined)[] = [];
    const token = (refused?: string): string => {
      asked.push(refused);
      return refused === 'old' ? 'new' : 'old';
    };
    const client = createClient({ baseUrl: url, token });
    expect(await client.listRooms()).toEqual([]);
    expect(seen.map(({ headers }) => headers.authorization)).toEqual(['Bearer old', 'Bearer new']);
    await expect(client.listRooms()).rejects.toMatchObject({ status: 401 });
    expect(asked).toEqual([undefined, 'old', undefined, 'old']);
    await expect(createClient({ baseUrl: url, token: () => 'only' }).listRooms()).rejects.toMatchObject({ code: 'UNAUTHORIZED' });
    expect(seen).toHaveLength(5);
  });
});
