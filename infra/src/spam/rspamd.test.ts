/** Exchanges as rspamd 3.4 had them (tests/engines/checkers.test.ts asks the real one). */
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { CheckerUnavailable } from '@tidings/contracts/ports/mail-checks';
import { afterEach, expect, it } from 'vitest';
import { rspamd } from './rspamd.ts';

const CLIENT = {
  address: '203.0.113.7',
  helo: 'mx.town.example',
  mailFrom: 'zoë@town.example',
  recipients: ['a@tidings.test', 'b@tidings.test'],
  id: 'mail-1',
};
const open: { close(): void }[] = [];
afterEach(() => {
  for (const one of open.splice(0)) one.close();
});
const serving = async (status: number, answer: string | null) => {
  const got: { headers?: IncomingHttpHeaders; path?: string | undefined; body?: string } = {};
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request
      .on('data', (chunk: Buffer) => chunks.push(chunk))
      .on('end', () => {
        Object.assign(got, { headers: request.headers, path: request.url, body: Buffer.concat(chunks).toString() });
        if (answer !== null) response.writeHead(status, { 'content-type': 'application/json' }).end(answer);
      });
  });
  open.push({
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`; // a TCP server has a port
  return { got, check: (ms = 5_000) => rspamd({ url, password: 'q1' }).check(Buffer.from('raw'), CLIENT, AbortSignal.timeout(ms)) };
};

const HELLO =
  '{"is_skipped":false,"score":2.400000,"required_score":15.0,"action":"no action","symbols":{"ARC_NA":{"name":"ARC_NA","score":0.0,"metric_score":0.0,"description":"ARC signature absent"},"MIME_GOOD":{"name":"MIME_GOOD","score":-0.100000,"metric_score":-0.100000,"description":"Known content-type","options":["text/plain"]},"HFILTER_HOSTNAME_UNKNOWN":{"name":"HFILTER_HOSTNAME_UNKNOWN","score":2.500000,"metric_score":2.500000,"description":"Unknown client hostname (PTR or FCrDNS verification failed)"}},"messages":{},"message-id":"1@b.example","time_real":0.1}';
const GTUBE =
  '{"is_skipped":true,"score":15.0,"required_score":15.0,"action":"reject","symbols":{"GTUBE":{"name":"GTUBE","score":0.0,"metric_score":0.0}},"messages":{"smtp_message":"Gtube pattern"},"message-id":"undef","time_real":0.150983}';

it('says what it knows of the mail, and reads the judgement', async () => {
  const { got, check } = await serving(200, HELLO);
  expect(await check()).toEqual({ type: 'judged', spam: false, score: 2.4, reasons: [] });
  expect([got.path, got.body]).toEqual(['/checkv2', 'raw']);
  expect(got.headers).toMatchObject({
    ip: '203.0.113.7',
    helo: 'mx.town.example',
    rcpt: 'a@tidings.test, b@tidings.test',
    'queue-id': 'mail-1',
    password: 'q1',
  });
  expect(Buffer.from(String(got.headers?.['from']), 'latin1').toString()).toBe('zoë@town.example');
  expect(await (await serving(200, GTUBE)).check()).toEqual({ type: 'judged', spam: true, score: 15, reasons: ['rspamd: reject'] });
});

it.each([
  ['no action', { type: 'judged', spam: false }],
  ['add header', { type: 'judged', spam: false, reasons: ['possible spam', 'HFILTER_HOSTNAME_UNKNOWN (2.5)'] }],
  ['rewrite subject', { type: 'judged', spam: false, reasons: ['likely spam', 'HFILTER_HOSTNAME_UNKNOWN (2.5)'] }],
  ['greylist', { type: 'later' }],
  ['soft reject', { type: 'later' }],
  ['quarantine', { type: 'judged', spam: true }],
  ['reject', { type: 'judged', spam: true }],
  ['discard', { type: 'judged', spam: true }],
])('takes %j for what may still be done', async (action, finding) => {
  expect(await (await serving(200, HELLO.replace('no action', action))).check()).toMatchObject(finding);
});

it.each([
  [500, '{"error":"internal"}'],
  [403, '{"error":"Unauthorized"}'],
  [200, 'not json'],
  [200, '{"score":1}'],
  [200, '{"score":1,"action":"applaud"}'],
])('waits for better times when it answers %d %s', async (status, answer) => {
  await expect((await serving(status, answer)).check()).rejects.toBeInstanceOf(CheckerUnavailable);
});

it('gives up on one that is silent or not there', async () => {
  await expect((await serving(200, null)).check(100)).rejects.toThrow('no answer in time');
  const nobody = rspamd({ url: 'http://127.0.0.1:1', password: null });
  await expect(nobody.check(Buffer.from('x'), CLIENT, AbortSignal.timeout(5_000))).rejects.toThrow('rspamd does not answer');
});
