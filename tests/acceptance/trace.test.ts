/** One trace from the door to the projection: in the logs of every process on the way, and at a collector when there is one. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ChatRoom } from '@tidings/contracts/http/chat-objects';
import type { Me } from '@tidings/contracts/http/mail-objects';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type Program, startProgram } from '../kit/program.ts';
import { sendAll } from './mail-in-sender.ts';
import { ask, askJson, foundTown, type Person, type Town } from './town.ts';

interface Line {
  readonly process: string;
  readonly msg: string;
  readonly trace_id?: string;
  readonly linkedTraceIds?: readonly string[];
  readonly [field: string]: unknown;
}
interface Span {
  readonly service: string;
  readonly name: string;
  readonly traceId: string;
  readonly parentSpanId?: string;
}

let town: Town;
let program: Program;
let collector: Server;
const spans: Span[] = [];

beforeAll(async () => {
  town = await foundTown('Tracker', 2);
  collector = await startCollector();
  const endpoint = `http://127.0.0.1:${(collector.address() as AddressInfo).port}`;
  program = await startProgram({
    env: { PROCESSES: 'several', OIDC_ISSUER: town.issuer.url, LOG_LEVEL: 'debug', OTEL_EXPORTER_OTLP_ENDPOINT: endpoint }, // spans name them
  });
  for (const person of town.people) await askJson<Me>(program, person, '/api/me');
});
afterAll(async () => {
  await program.stop();
  await town.issuer.close();
  collector.closeAllConnections();
  await new Promise((resolve) => collector.close(resolve));
});

/** As much of an OTLP/HTTP collector as keeps what it is sent (JSON encoding). */
const startCollector = async (): Promise<Server> => {
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      spans.push(...spansIn(Buffer.concat(chunks).toString()));
      response.writeHead(200, { 'content-type': 'application/json' }).end('{}');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
};

interface Export {
  readonly resourceSpans: readonly {
    readonly resource: { readonly attributes: readonly { readonly key: string; readonly value: { readonly stringValue?: string } }[] };
    readonly scopeSpans: readonly { readonly spans: readonly Omit<Span, 'service'>[] }[];
  }[];
}
const spansIn = (json: string): readonly Span[] =>
  (JSON.parse(json) as Export).resourceSpans.flatMap(({ resource, scopeSpans }) => {
    const service = resource.attributes.find(({ key }) => key === 'service.name')?.value.stringValue ?? '';
    return scopeSpans.flatMap((scope) => scope.spans.map((span) => ({ ...span, service })));
  });

/** All complete log lines so far. */
const lines = (): readonly Line[] =>
  program
    .output()
    .split('\n')
    .filter((line) => line.startsWith('{') && line.endsWith('}'))
    .map((line) => JSON.parse(line) as Line);

/** Where this trace was seen, as `process: message`, projections by name. */
const seenIn = (traceId: string): readonly string[] => [
  ...new Set(
    lines()
      .filter((line) => line.trace_id === traceId || line.linkedTraceIds?.includes(traceId))
      .map(
        ({ process, msg, projection }) =>
          `${process}: ${msg}${typeof projection === 'string' ? ` of ${projection.replace(/_v\d+_g\d+$/, '')}` : ''}`,
      ),
  ),
];

const eventually = (check: () => void): Promise<void> => vi.waitFor(check, { timeout: 10_000, interval: 50 });

describe('a trace', () => {
  it('goes from a POST to every projection of what it did', async () => {
    const [ada, ben] = town.people as readonly [Person, Person];
    const room = await askJson<ChatRoom>(program, ada, '/api/rooms/create-room', {
      body: { roomType: 'Single', invitedUsers: [ada.id, ben.id] },
    });
    const traceId = '0af7651916cd43dd8448eb211c80319c';
    const sent = await ask(program, ada, '/api/send-msg', {
      body: { chatRoomId: room.id, msgBody: { text: 'Follow me' } },
      headers: { traceparent: `00-${traceId}-b7ad6b7169203331-01` },
    });
    expect([sent.status, sent.headers.get('trace-id')]).toEqual([200, traceId]);
    await eventually(() => {
      const pages = ['timeline', 'rooms', 'feed'].map((name) => `projector: applied a page of ${name}`);
      expect(seenIn(traceId)).toEqual(expect.arrayContaining(['api: request', ...pages]));
    });
    await eventually(() => {
      const mine = spans.filter((span) => span.traceId === traceId).map(({ service, name }) => `${service}: ${name}`);
      expect(mine).toEqual(expect.arrayContaining(['tidings-api: POST /api/send-msg', 'tidings-api: append']));
      expect(mine.some((span) => span.startsWith('tidings-projector: project timeline'))).toBe(true);
      const root = spans.find((span) => span.traceId === traceId && span.name === 'POST /api/send-msg');
      expect(root?.parentSpanId).toBe('b7ad6b7169203331');
    });
  });

  it('goes from an SMTP session through filing to the thread', async () => {
    const owner = town.admin;
    const raw = Buffer.from('From: far@example.org\r\nSubject: Tracks\r\n\r\nHere I am.\r\n');
    const [sent] = await sendAll(program.smtpPort, owner.email, [{ name: 'tracks', raw }]);
    const accepted = lines().find(({ msg, emailId }) => msg === 'mail accepted' && emailId === sent?.emailId);
    const traceId = accepted?.trace_id ?? '';
    expect([accepted?.process, traceId]).toEqual(['smtp', expect.stringMatching(/^[0-9a-f]{32}$/)]);
    await eventually(() => {
      const pages = ['threads', 'emails', 'feed'].map((name) => `projector: applied a page of ${name}`);
      expect(seenIn(traceId)).toEqual(expect.arrayContaining(['smtp: mail accepted', ...pages]));
    });
    await eventually(() => {
      const mine = spans.filter((span) => span.traceId === traceId).map(({ service, name }) => `${service}: ${name}`);
      expect(mine).toEqual(expect.arrayContaining(['tidings-smtp: smtp mail', 'tidings-smtp: append', 'tidings-filing: append']));
    });
  });

  it('is named in a refusal, so that who complains can be helped', async () => {
    const traceId = '11111111111111111111111111111111';
    const refused = await ask(program, town.admin, '/api/send-msg', {
      body: { chatRoomId: 'nowhere' },
      headers: { traceparent: `00-${traceId}-2222222222222222-01` },
    });
    expect(await refused.json()).toMatchObject({ status: 400, traceId });
    await eventually(() => expect(seenIn(traceId)).toEqual(['api: request']));
  });

  it('begins anew where the caller’s is malformed', async () => {
    for (const traceparent of ['nonsense', `00-${'0'.repeat(32)}-b7ad6b7169203331-01`, `ff-${'1'.repeat(32)}-b7ad6b7169203331-01`]) {
      const answer = await ask(program, town.admin, '/api/me', { headers: { traceparent } });
      expect([answer.status, answer.headers.get('trace-id')]).toEqual([200, expect.stringMatching(/^(?!0{32}|1{32})[0-9a-f]{32}$/)]);
    }
  });
});
