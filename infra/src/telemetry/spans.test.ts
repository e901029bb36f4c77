import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, vi } from 'vitest';
import { createLogger } from './logger.ts';
import { isTracing, recordSpan, startTracing } from './spans.ts';
import { newTrace, parseTraceparent, rootSpanId, traceparent, withTrace } from './trace-context.ts';

const soon = { timeout: 15_000, interval: 20 };

const TRACE = '0af7651916cd43dd8448eb211c80319c';

describe('traceparent', () => {
  // W3C Trace Context §3.2.3, examples of valid and invalid headers
  it.each([
    [`00-${TRACE}-b7ad6b7169203331-01`, { traceId: TRACE, parentSpanId: 'b7ad6b7169203331' }],
    [`cc-${TRACE}-b7ad6b7169203331-01-what-the-future-brings`, { traceId: TRACE, parentSpanId: 'b7ad6b7169203331' }],
    [`ff-${TRACE}-b7ad6b7169203331-01`, null],
    [`00-00000000000000000000000000000000-b7ad6b7169203331-01`, null],
    [`00-${TRACE}-0000000000000000-01`, null],
    [`00-${TRACE.toUpperCase()}-b7ad6b7169203331-01`, null],
    [undefined, null],
  ])('%s', (header, expected) => {
    expect(parseTraceparent(header)).toEqual(expected);
  });

  it('is read back as written', () => {
    const trace = newTrace();
    expect(parseTraceparent(traceparent(trace))).toEqual({ ...trace, parentSpanId: rootSpanId(trace.traceId) });
  });
});

describe('the logger', () => {
  it('adds the trace id and hides secrets', async () => {
    const lines: string[] = [];
    const logger = createLogger({ level: 'info', process: 'api', destination: { write: (line) => void lines.push(line) } });
    await withTrace({ traceId: TRACE }, async () => {
      await Promise.resolve();
      logger.info({ headers: { authorization: 'Bearer secret' } }, 'inside');
    });
    logger.info('outside');
    const [inside, outside] = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(inside).toMatchObject({ process: 'api', level: 'info', trace_id: TRACE, headers: { authorization: '[hidden]' } });
    expect(outside).not.toHaveProperty('trace_id');
  });
});

describe('spans', () => {
  it('reach a collector with the trace id of the log lines', async () => {
    const bodies: string[] = [];
    const collector = createServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        bodies.push(`${request.url} ${Buffer.concat(chunks).toString()}`);
        response.setHeader('content-type', 'application/json').end('{}');
      });
    });
    await new Promise<void>((resolve) => collector.listen(0, '127.0.0.1', resolve));
    const { port } = collector.address() as AddressInfo; // a TCP server's address is never text
    const stop = await startTracing(`http://127.0.0.1:${port}`, 'api');
    const at = Date.now();
    recordSpan({
      name: 'GET /api/rooms',
      kind: 'root',
      traceId: TRACE,
      startedAt: at - 5,
      endedAt: at,
      attributes: { 'http.status': 200 },
    });
    recordSpan({ name: 'append', kind: 'inner', traceId: TRACE, startedAt: at - 4, endedAt: at - 2, error: 'conflict' });
    await stop();
    await vi.waitFor(() => expect(bodies.length).toBeGreaterThan(0), soon);
    collector.close();
    expect(isTracing()).toBe(false);
    const sent = bodies.join('\n');
    expect(sent).toContain('/v1/traces');
    expect(sent).toContain('tidings-api');
    const spans = [...sent.matchAll(/"traceId":"(\w+)","spanId":"(\w+)"(?:,"parentSpanId":"(\w+)")?/g)].map((match) => match.slice(1));
    expect(spans).toHaveLength(2);
    expect(spans[0]).toEqual([TRACE, rootSpanId(TRACE), undefined]);
    expect(spans[1]).toEqual([TRACE, expect.any(String), rootSpanId(TRACE)]);
  });
});
