import { FileForm } from '@tidings/contracts/http/form';
import { defineRoute } from '@tidings/contracts/http/route';
import * as t from 'io-ts';
import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createHttpApp } from './app.ts';
import { handleForm } from './form.ts';
import { handle } from './handle.ts';
import { knownPeople, person } from './testing/known-people.ts';
import { memoryPlatform } from './testing/memory-platform.ts';

const said = { method: 'POST', tag: 'Things', summary: 'Takes a thing.', params: t.type({}) } as const;
const note = defineRoute({ ...said, id: 'takeNote', path: '/api/notes', body: t.type({ text: t.string }), response: t.string });
const file = defineRoute({ ...said, id: 'takeFile', path: '/api/files', body: new FileForm('thing', 1000, 413), response: t.number });

const patience = { body: 300, file: 60_000, largest: 60_000, fileRate: 25 };
const platform = memoryPlatform();
const app = createHttpApp(platform, { identity: knownPeople(person('ada')), checkResponses: true, patience });
let port: number;
beforeAll(async () => {
  handle(app, platform, note, async ({ body }) => body.text);
  handleForm(app, platform, file, async ({ body }) => body.size);
  port = Number(new URL(await app.listen({ host: '127.0.0.1', port: 0 })).port);
});
afterAll(() => app.close());

/** Sends `body` a byte at a time, `everyMs`, up to `most` bytes. @returns the status, and how long it took */
const trickle = async (path: string, type: string, body: string, { everyMs = 5, most = body.length } = {}) => {
  const began = performance.now();
  const socket: Socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined); // cut off as it sends
  const head = `POST ${path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer ada\r\nContent-Type: ${type}`;
  socket.write(`${head}\r\nContent-Length: ${body.length}\r\n\r\n`);
  let sent = 0;
  const timer = setInterval(() => {
    if (sent < most) socket.write(body.charAt(sent));
    sent += 1;
  }, everyMs);
  let answer = '';
  socket.setEncoding('utf8').on('data', (text: string) => (answer += text));
  await new Promise((resolve) => socket.once('close', resolve));
  clearInterval(timer);
  return { status: Number(answer.split(' ', 2)[1]), tookMs: performance.now() - began };
};
const json = ['application/json', JSON.stringify({ text: 'x'.repeat(200) })] as const;
const form = [
  'multipart/form-data; boundary=edge',
  `--edge\r\nContent-Disposition: form-data; name="thing"; filename="a"\r\n\r\n${'x'.repeat(200)}\r\n--edge--\r\n`,
] as const;

it('a body that comes slowly is cut off', async () => {
  expect(await trickle('/api/notes', ...json)).toMatchObject({ status: 408 });
});

it('a file may take its time while it keeps coming', async () => {
  const { status, tookMs } = await trickle('/api/files', ...form);
  expect(status).toBe(200);
  expect(tookMs).toBeGreaterThan(2 * patience.body);
});

it('a file that stops coming is cut off', async () => {
  expect(await trickle('/api/files', ...form, { most: 100 })).toMatchObject({ status: 408 });
});

it('who is nobody, or sends to nowhere, gets no more time for calling it a file', async () => {
  const { tookMs } = await trickle('/api/nowhere', ...form);
  expect(tookMs).toBeLessThan(form[1].length * 5);
});
