import type { IncomingMessage, ServerResponse } from 'node:http';
import { describe, expect, expectTypeOf, it } from 'vitest';
import type { Message } from '../http/chat-objects.ts';
import { createClient, ProblemError, type Client } from './client.ts';
import { serve } from './testing/serve.ts';

interface Seen {
  readonly request: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}
/** A client against a server that answers what it is told, and what that server saw. */
const against = async (answer: (response: ServerResponse) => void): Promise<{ client: Client; seen: Seen[] }> => {
  const seen: Seen[] = [];
  const url = await serve((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      seen.push({ request: `${request.method} ${request.url}`, headers: request.headers, body });
      answer(response);
    });
  });
  return { client: createClient({ baseUrl: `${url}/`, token: async () => 'tok' }), seen };
};
const json =
  (body: unknown, status = 200) =>
  (response: ServerResponse) =>
    void response.writeHead(status, { 'content-type': 'application/json', 'retry-after': '3' }).end(JSON.stringify(body));
const ROOM = '6f1a0b52-4d9e-4b37-9a75-0b6d2f0f6c11';

describe('the client', () => {
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

  it('refuses an answer of another shape instead of passing it on', async () => {
    const { client } = await against(json([{ id: 7 }]));
    await expect(client.listRooms()).rejects.toMatchObject({ name: 'ContractError' });
  });
});
