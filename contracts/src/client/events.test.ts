import type { ServerResponse } from 'node:http';
import { describe, expect, it } from 'vitest';
import { liveEvents, type ReceivedEvent } from './events.ts';
import { parseEvents, type ServerSentEvent } from './sse-parser.ts';
import { serve } from './testing/serve.ts';
import { TestEventSource } from './testing/event-source.ts';

const parsed = async (...chunks: readonly string[]): Promise<readonly ServerSentEvent[]> => {
  const events: ServerSentEvent[] = [];
  const bytes = (async function* () {
    for (const chunk of chunks) yield Buffer.from(chunk);
  })();
  for await (const event of parseEvents(bytes)) events.push(event);
  return events;
};

describe('parsing', () => {
  it.each([
    ['one event', ['id: 1\ndata: a\n\n'], [{ id: '1', data: 'a' }]],
    [
      'any line end',
      ['id:1\r\ndata:a\r\n\r\nid:2\rdata:b\r\r'],
      [
        { id: '1', data: 'a' },
        { id: '2', data: 'b' },
      ],
    ],
    ['many data lines', ['data: a\ndata\ndata:  b\n\n'], [{ id: null, data: 'a\n\n b' }]],
    [
      'an id alone',
      ['retry: 5\n: hello\nid: 7\n\ndata: a\n\n'],
      [
        { id: '7', data: null },
        { id: '7', data: 'a' },
      ],
    ],
    ['a byte order mark', ['\ufeffdata: a\n\n'], [{ id: null, data: 'a' }]],
    ['comments and unknown fields', [':\n\nfoo: bar\n\ndata: a\n\n'], [{ id: null, data: 'a' }]],
    ['an event cut off', ['data: a\n\ndata: b\n'], [{ id: null, data: 'a' }]],
  ])('takes %s', async (_, chunks, events) => {
    expect(await parsed(...chunks)).toEqual(events);
  });

  it('gives the same whatever the chunks', async () => {
    const whole = 'id: 1\r\ndata: {"a":"ü👍"}\r\n\r\n: beat\r\n\r\ndata: b\n\n';
    const bytes = Buffer.from(whole);
    for (let at = 0; at <= bytes.length; at += 1) {
      const events: ServerSentEvent[] = [];
      const parts = (async function* () {
        yield bytes.subarray(0, at);
        yield bytes.subarray(at);
      })();
      for await (const event of parseEvents(parts)) events.push(event);
      expect(events, `cut at ${at}`).toEqual([
        { id: '1', data: '{"a":"ü👍"}' },
        { id: '1', data: 'b' },
      ]);
    }
  });
});

/** Each connection gets the next of `plays`; the last one is repeated. */
const stream = async (...plays: readonly ((response: ServerResponse) => void)[]) => {
  const lastIds: (string | undefined)[] = [];
  const baseUrl = await serve((request, response) => {
    lastIds.push(request.headers['last-event-id'] as string | undefined); // never repeated by our client
    (plays[lastIds.length - 1] ?? plays.at(-1))?.(response);
  });
  return { baseUrl, token: () => 'tok', lastIds };
};
const open = (response: ServerResponse): ServerResponse => response.writeHead(200, { 'content-type': 'text/event-stream' });
const leave = (roomId: string): string => JSON.stringify({ type: 'LeaveRoom', createdAt: '2026-11-20T00:00:00.000Z', roomId });
const ROOM = '6f1a0b52-4d9e-4b37-9a75-0b6d2f0f6c11';

describe('the live stream', () => {
  it('resumes behind the last id, also one that came without an event, through every kind of failure', async () => {
    const { lastIds, ...options } = await stream(
      (response) => void response.writeHead(503, { 'retry-after': '1' }).end(),
      (response) => void open(response).end('id: 10\n\n'),
      (response) => {
        open(response).write(`id: 11\ndata: ${leave(ROOM)}\n\nid: 12\nda`);
        setImmediate(() => response.destroy());
      },
      (response) => void open(response).write('id: 12\ndata: {"type":"FromTheFuture"}\n\n'),
    );
    const got: ReceivedEvent[] = [];
    for await (const event of liveEvents(options)) if (got.push(event) === 2) break;
    expect(got.map(({ id, event }) => [id, event?.type ?? null])).toEqual([
      ['11', 'LeaveRoom'],
      ['12', null],
    ]);
    expect(lastIds).toEqual([undefined, undefined, '10', '11']);
  });

  it('ends when it is told to', async () => {
    const { lastIds, ...options } = await stream((response) => void open(response).write(': connected\n\n'));
    const stop = new AbortController();
    const got: ReceivedEvent[] = [];
    for await (const event of liveEvents({ ...options, lastEventId: '5', signal: stop.signal, onOpen: () => stop.abort() }))
      got.push(event);
    expect([got, lastIds]).toEqual([[], ['5']]);
  });

  it('tells of Resync like of everything else, and goes on behind it', async () => {
    const resync = JSON.stringify({ type: 'Resync', createdAt: '2026-11-20T00:00:00.000Z', reason: 'no-longer-kept' });
    const { lastIds, ...options } = await stream(
      (response) => void open(response).end(`id: 90\ndata: ${resync}\n\n`),
      (response) => void open(response).write(`id: 91\ndata: ${leave(ROOM)}\n\n`),
    );
    const types: (string | undefined)[] = [];
    for await (const { event } of liveEvents({ ...options, lastEventId: '5' })) if (types.push(event?.type) === 2) break;
    expect([types, lastIds]).toEqual([
      ['Resync', 'LeaveRoom'],
      ['5', '90'],
    ]);
  });

  it('tells what passes under the id before it', async () => {
    const typing = JSON.stringify({ type: 'Typing', createdAt: '2026-11-20T00:00:00.000Z', roomId: ROOM, userId: ROOM, typing: true });
    const options = await stream((response) => void open(response).write(`id: 3\n\ndata: ${typing}\n\n`));
    for await (const { id, event } of liveEvents(options)) {
      expect([id, event]).toEqual(['3', JSON.parse(typing)]);
      break;
    }
  });

  it('takes a newer token when its own is refused', async () => {
    const { lastIds, ...options } = await stream(
      (response) => void response.writeHead(401).end(),
      (response) => void open(response).write(`id: 1\ndata: ${leave(ROOM)}\n\n`),
    );
    const token = (refused?: string): string => (refused === 'old' ? 'new' : 'old');
    for await (const { id } of liveEvents({ ...options, token })) {
      expect(id).toBe('1');
      break;
    }
    expect(lastIds).toHaveLength(2);
  });

  it('throws when the server refuses', async () => {
    const { lastIds, ...options } = await stream((response) => void response.writeHead(401).end());
    await expect(liveEvents(options).next()).rejects.toMatchObject({ name: 'ProblemError', status: 401 });
    expect(lastIds).toHaveLength(1);
  });
});

describe('the live stream through an EventSource', () => {
  it('begins at a cursor, has a ticket for each connection and resumes behind the last id', async () => {
    const opened: string[] = [];
    const plays: readonly ((response: ServerResponse) => void)[] = [
      (response) => void open(response).end('id: 8\n\n'),
      (response) => void response.writeHead(503).end(),
      (response) => void open(response).end(`id: 8\n\nid: 9\ndata: ${leave(ROOM)}\n\n`),
      (response) => void open(response).write(`id: 10\ndata: ${leave(ROOM)}\n\ndata: {"type":"FromTheFuture"}\n\n`),
    ];
    let tickets = 0;
    const baseUrl = await serve(({ url = '', headers }, response) => {
      const json = (body: object): void => void response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body));
      if (url === '/api/snapshot') return json({ cursor: '7' });
      if (url === '/api/stream-ticket') return json({ ticket: `t${(tickets += 1)}`, expiresAt: '' });
      opened.push(`${url} ${headers.authorization ?? ''}`);
      return plays[opened.length - 1]?.(response);
    });
    const got: ReceivedEvent[] = [];
    for await (const event of liveEvents({ baseUrl, token: () => 'tok', EventSource: TestEventSource })) if (got.push(event) === 3) break;
    expect(got.map(({ id, event }) => [id, event?.type ?? null])).toEqual([
      ['9', 'LeaveRoom'],
      ['10', 'LeaveRoom'],
      ['10', null],
    ]);
    expect(opened).toEqual([1, 2, 3, 4].map((n) => `/api/sse?ticket=t${n}&lastEventId=${n === 4 ? 9 : 7} `));
  });

  it('ends when it is told to', async () => {
    const baseUrl = await serve((request, response) => {
      if (request.url === '/api/stream-ticket') response.end('{"ticket":"t"}');
      else open(response).write(': connected\n\n');
    });
    const stop = new AbortController();
    const got: ReceivedEvent[] = [];
    const options = { baseUrl, token: () => 'tok', EventSource: TestEventSource, lastEventId: '5', signal: stop.signal };
    for await (const event of liveEvents({ ...options, onOpen: () => setImmediate(() => stop.abort()) })) got.push(event);
    expect(got).toEqual([]);
  });
});
