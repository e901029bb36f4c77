import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { createCaller, type Caller, type CallerOptions } from './caller.ts';
import { AddressRefused, faultOfUrl, guardedLookup, isPublicAddress } from './guard.ts';
import { isSignedBy, newSecret, sign } from './signature.ts';

const LENIENT: CallerOptions = { allowPrivate: true, allowHttp: true, timeoutMs: 2_000 };
const open: { close(): void }[] = [];
afterEach(() => {
  for (const one of open.splice(0)) one.close();
});
const calling = (options: Partial<CallerOptions> = {}): Caller => {
  const caller = createCaller({ ...LENIENT, ...options });
  open.push(caller);
  return caller;
};
const serving = async (answer: (request: IncomingMessage, response: ServerResponse) => void): Promise<string> => {
  const server: Server = createServer(answer);
  open.push({
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://localhost:${(server.address() as AddressInfo).port}/hook`;
};
const post = (caller: Caller, url: string) => caller.post({ url, headers: { 'content-type': 'application/json' }, body: '{"ü":1}' });

describe('addresses', () => {
  it.each(['8.8.8.8', '2606:4700::1111', '::ffff:8.8.8.8'])('%s is public', (address) => {
    expect(isPublicAddress(address)).toBe(true);
  });
  it.each([
    '127.0.0.1',
    '10.1.2.3',
    '172.16.0.1',
    '192.168.1.1',
    '169.254.169.254',
    '100.64.0.1',
    '0.0.0.0',
    '224.0.0.1',
    '255.255.255.255',
    '192.0.2.1',
    '::',
    '::1',
    'fe80::1',
    'fc00::1',
    'ff02::1',
    '::ffff:127.0.0.1',
    '64:ff9b::7f00:1',
    '2002:7f00:1::',
    '2001:db8::1',
    'example.org',
  ])('%s is not', (address) => {
    expect(isPublicAddress(address)).toBe(false);
  });

  const strict = { allowPrivate: false, allowHttp: false };
  it.each([
    ['ftp://example.org/', 'must begin with https://'],
    ['http://example.org/', 'must begin with https://'],
    ['example.org', 'must be a URL'],
    ['https://me:pw@example.org/', 'must hold no user name and no password'],
    ['https://127.0.0.1/', 'must be at a public address'],
    ['https://2130706433/', 'must be at a public address'],
    ['https://0x7f.1/', 'must be at a public address'],
    ['https://[::1]/', 'must be at a public address'],
    ['https://[::ffff:10.0.0.1]/', 'must be at a public address'],
    ['https://localhost/', 'must be at a public address'],
    ['https://api.localhost./', 'must be at a public address'],
    ['https://example.org/hook?x=1', null],
    ['https://8.8.8.8:8443/', null],
  ])('%s: %s', (url, fault) => {
    expect(faultOfUrl(url, strict)).toBe(fault);
  });
  it('may be private and plain where that is allowed', () => {
    expect(faultOfUrl('http://127.0.0.1/', LENIENT)).toBeNull();
  });
});

describe('a call', () => {
  it('brings body and headers, and tells the status', async () => {
    const got: string[] = [];
    const url = await serving((request, response) => {
      request.on('data', (chunk: Buffer) => got.push(chunk.toString()));
      request.on('end', () => response.writeHead(503, { 'retry-after': '7' }).end('later'));
    });
    expect(await post(calling(), url)).toEqual({ status: 503, retryAfterMs: 7_000 });
    expect(got.join('')).toBe('{"ü":1}');
  });

  it('follows no redirect', async () => {
    let calls = 0;
    const url = await serving((_, response) => {
      calls += 1;
      response.writeHead(307, { location: '/elsewhere' }).end();
    });
    expect(await post(calling(), url)).toMatchObject({ status: 307 });
    expect(calls).toBe(1);
  });

  it('ends after its time, whether nothing comes or an answer without end', async () => {
    const silent = await serving(() => undefined);
    await expect(post(calling({ timeoutMs: 60 }), silent)).rejects.toThrow('no answer within 60 ms');
    const endless = await serving((_, response) => {
      const pour = (): void => void (response.writable && response.write(Buffer.alloc(16_384), () => setImmediate(pour)));
      response.writeHead(200);
      pour();
    });
    expect(await post(calling(), endless)).toMatchObject({ status: 200 });
  });

  it('goes to no name that resolves to a private address', async () => {
    let calls = 0;
    const url = await serving((_, response) => {
      calls += 1;
      response.end();
    });
    await expect(post(calling({ allowPrivate: false }), url)).rejects.toThrow('must be at a public address');
    expect(calls).toBe(0);
    // The text above gave it away; what decides for any other name is the look-up.
    const resolved = (allowPrivate: boolean, all: boolean) =>
      new Promise((resolve) => {
        guardedLookup({ ...LENIENT, allowPrivate })('localhost', { all, family: 4 }, (error, address) => resolve(error ?? address));
      });
    expect(await resolved(false, true)).toBeInstanceOf(AddressRefused);
    expect(await resolved(false, false)).toBeInstanceOf(AddressRefused);
    expect(await resolved(true, false)).toBe('127.0.0.1');
    expect(await resolved(true, true)).toEqual([{ address: '127.0.0.1', family: 4 }]);
  });
});

describe('a signature', () => {
  it('holds for secret, timestamp and body together', () => {
    const secret = newSecret();
    const signature = sign(secret, '1700000000', '{}');
    expect(signature).toMatch(/^v1=[0-9a-f]{64}$/);
    expect(isSignedBy(secret, '1700000000', '{}', signature)).toBe(true);
    expect(isSignedBy(newSecret(), '1700000000', '{}', signature)).toBe(false);
    expect(isSignedBy(secret, '1700000001', '{}', signature)).toBe(false);
    expect(isSignedBy(secret, '1700000000', '{} ', signature)).toBe(false);
    expect(isSignedBy(secret, '1700000000', '{}', 'v1=')).toBe(false);
  });
});
