import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { fetchImage } from './fetch-image.ts';
import { imageTypeOf } from './image-type.ts';
import { createRemoteImages } from './remote-images.ts';

const PNG = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==', 'base64');
const here = { allowPrivate: true, allowHttp: true, timeoutMs: 2_000, maxBytes: 1_000 };

const closing: (() => void)[] = [];
afterEach(() => closing.splice(0).forEach((close) => close()));
const serve = async (listener: RequestListener): Promise<string> => {
  const server = createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closing.push(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`; // it listens on TCP
};

describe('the type of a picture', () => {
  it.each([
    ['png', PNG, 'image/png'],
    ['jpeg', Buffer.from([0xff, 0xd8, 0xff, 0xe0]), 'image/jpeg'],
    ['gif', Buffer.from('GIF89a;'), 'image/gif'],
    ['webp', Buffer.from('RIFF....WEBPVP8 '), 'image/webp'],
    ['avif', Buffer.from('....ftypavif'), 'image/avif'],
    ['svg', Buffer.from('<svg xmlns="http://www.w3.org/2000/svg"/>'), null],
    ['ico', Buffer.from([0, 0, 1, 0, 1, 0]), null],
    ['wmf', Buffer.from([0xd7, 0xcd, 0xc6, 0x9a]), null],
    ['emf', Buffer.from([1, 0, 0, 0, 0x58, 0, 0, 0]), null],
    ['html', Buffer.from('<html>GIF89a'), null],
    ['nothing', Buffer.alloc(0), null],
  ])('%s', (_, bytes, type) => expect(imageTypeOf(bytes)).toBe(type));
});

describe('fetching', () => {
  it('gives the bytes under the type that they are, whatever they are called, and follows redirects', async () => {
    const url = await serve((request, response) => {
      if (request.url === '/') response.writeHead(302, { location: '/there' }).end();
      else response.writeHead(200, { 'content-type': 'text/html' }).end(PNG);
    });
    expect(await fetchImage(url, here)).toEqual({ type: 'image/png', bytes: PNG });
  });

  it.each<readonly [string, RequestListener, string]>([
    ['what is no picture', (_, response) => void response.end('<svg/>'), 'no picture'],
    ['what is too large and says so', (_, response) => response.writeHead(200, { 'content-length': 2_000 }).flushHeaders(), 'larger'],
    ['what is too large and does not', (_, response) => void response.end(Buffer.concat([PNG, Buffer.alloc(2_000)])), 'larger'],
    ['what is not there', (_, response) => void response.writeHead(404).end(), 'answered 404'],
    ['a circle', (_, response) => void response.writeHead(301, { location: '/' }).end(), 'redirects'],
    [
      'a redirect to elsewhere than the web',
      (_, response) => void response.writeHead(301, { location: 'file:///etc/passwd' }).end(),
      'none that is called',
    ],
  ])('refuses %s', async (_, listener, reason) => {
    await expect(fetchImage(await serve(listener), here)).rejects.toThrow(reason);
  });

  it('never calls an address of our own network, by name, by number or behind a redirect', async () => {
    const asked: string[] = [];
    const inside = await serve((request, response) => {
      asked.push(request.url ?? '');
      response.end(PNG);
    });
    const guarded = { ...here, allowPrivate: false };
    const port = new URL(inside).port;
    for (const host of ['127.0.0.1', 'localhost', '[::1]', '169.254.169.254', '2130706433', '[::ffff:127.0.0.1]', '0.0.0.0'])
      await expect(fetchImage(`http://${host}:${port}/`, guarded)).rejects.toThrow('none that is called');
    expect(asked).toEqual([]);
  });

  it('gives up in time', async () => {
    const url = await serve((_, response) => void response.writeHead(200).write(PNG));
    await expect(fetchImage(url, { ...here, timeoutMs: 200 })).rejects.toThrow('within 200 ms');
  });
});

it('asks once for what many look at, and again for what was refused', async () => {
  let asked = 0;
  const url = await serve((request, response) => {
    asked += 1;
    response.writeHead(request.url === '/' || asked > 2 ? 200 : 503).end(PNG);
  });
  const images = createRemoteImages({ ...here, keptBytes: 10_000, keptMs: 60_000, atOnce: 5 });
  await Promise.all([images.get(url), images.get(url), images.get(url)]);
  await images.get(url);
  expect(asked).toBe(1);
  await expect(images.get(`${url}/late`)).rejects.toThrow('503');
  expect((await images.get(`${url}/late`)).type).toBe('image/png');
});
