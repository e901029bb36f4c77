import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FileForm } from '@tidings/contracts/http/form';
import type { Problem } from '@tidings/contracts/http/problem';
import { defineRoute } from '@tidings/contracts/http/route';
import * as t from 'io-ts';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createHttpApp } from './app.ts';
import { handleForm } from './form.ts';
import { knownPeople, person } from './testing/known-people.ts';
import { memoryPlatform } from './testing/memory-platform.ts';

const LIMIT = 1000;
const route = defineRoute({
  id: 'uploadThing',
  method: 'POST',
  path: '/api/things/{thing}',
  tag: 'Things',
  summary: 'Takes a file.',
  params: t.type({ thing: t.string }),
  body: new FileForm('thing', LIMIT, 413),
  response: t.type({ size: t.number, name: t.union([t.string, t.null]), text: t.string, retried: t.boolean }),
});
const ismRoute = { ...route, id: 'uploadOther', path: '/api/others/{thing}', body: new FileForm('thing', LIMIT, 400) };

const app = createHttpApp(memoryPlatform(), { identity: knownPeople(person('ada')), checkResponses: true });
let folder: string;
const outside = process.env['TMPDIR'];
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tidings-form-test-'));
  process.env['TMPDIR'] = folder;
  for (const one of [route, ismRoute]) {
    handleForm(
      app,
      memoryPlatform(),
      one,
      async ({ body, retried }) => {
        return { size: body.size, name: body.name, text: await readFile(body.path, 'utf8'), retried };
      },
      { idempotent: true },
    );
  }
  await app.ready();
});
afterAll(async () => {
  await app.close();
  if (outside === undefined) delete process.env['TMPDIR'];
  else process.env['TMPDIR'] = outside;
  await rm(folder, { recursive: true });
});

const form = (...fields: readonly (readonly [name: string, value: string | Blob, fileName?: string])[]): FormData => {
  const filled = new FormData();
  for (const [name, value, fileName] of fields) {
    if (typeof value === 'string') filled.append(name, value);
    else filled.append(name, value, fileName);
  }
  return filled;
};
const file = (content: string): Blob => new Blob([content]);
const send = (payload: FormData | string | object, headers: Record<string, string> = {}, url = '/api/things/1') =>
  app.inject({ method: 'POST', url, payload, headers: { authorization: 'Bearer ada', ...headers } });
const leftOvers = (): Promise<readonly string[]> => readdir(folder);
/** For a machine with much else to do. */
const patience = { timeout: 10_000 };
const nothingIsLeft = (): Promise<void> => vi.waitFor(async () => expect(await leftOvers()).toEqual([]), patience);

describe('a form with a file', () => {
  it('gives the handler the file, its name and size, and leaves nothing behind', async () => {
    const answer = await send(form(['note', 'small'], ['thing', file('Grüße 🧮'), 'año/naïve 🧮.txt']));
    expect([answer.statusCode, answer.json()]).toEqual([200, { size: 12, name: expect.any(String), text: 'Grüße 🧮', retried: false }]);
    expect(answer.json<{ name: string }>().name).toBe('naïve 🧮.txt');
    await nothingIsLeft();
  });

  it('counts once under one key with the same bytes and name, and refuses the key for others', async () => {
    const key = { 'idempotency-key': 'one' };
    const first = await send(form(['thing', file('same'), 'a.txt']), key);
    expect((await send(form(['thing', file('same'), 'a.txt']), key)).json()).toEqual({ ...first.json<object>(), retried: true });
    expect((await send(form(['thing', file('other'), 'a.txt']), key)).statusCode).toBe(422);
  });

  it('takes a file of just the limit', async () => {
    expect((await send(form(['thing', file('x'.repeat(LIMIT))]))).json()).toMatchObject({ size: LIMIT });
  });

  it.each([
    ['413', '/api/things/1', 413],
    ['ISM’s 400', '/api/others/1', 400],
  ])('says %s to a larger one, with a length announced or without', async (_, url, status) => {
    for (const size of [LIMIT + 1, LIMIT + 200_000]) {
      const answer = await send(form(['thing', file('x'.repeat(size))]), {}, url);
      expect([answer.statusCode, answer.json<Problem>().errors]).toEqual([
        status,
        [{ path: 'thing', message: expect.stringContaining('must be at most') }],
      ]);
    }
  });

  it.each([
    ['without the file', form(['other', 'x']), 'is required'],
    ['with the file in another field', form(['image', file('x'), 'x.png']), 'is required'],
    ['with text in the field', form(['thing', 'not a file']), 'is required'],
    ['with an empty file', form(['thing', file('')]), 'must not be empty'],
    ['with two files', form(['thing', file('a')], ['thing', file('b')]), 'must be the only file'],
  ])('refuses one %s', async (_, body, message) => {
    const answer = await send(body);
    expect([answer.statusCode, answer.json<Problem>().errors]).toEqual([
      400,
      [{ path: 'thing', message: expect.stringContaining(message) }],
    ]);
  });

  it.each([
    ['is broken off', '--edge\r\nContent-Disposition: form-data; name="thing"; filename="a"\r\n\r\nhalf'],
    ['is none', 'hello'],
    ['is empty', ''],
  ])('refuses one that %s', async (_, body) => {
    const answer = await send(body, { 'content-type': 'multipart/form-data; boundary=edge' });
    expect([answer.statusCode, answer.json<Problem>().errors?.[0]?.path]).toEqual([400, 'thing']);
    const bare = await send(body, { 'content-type': 'multipart/form-data' });
    expect(bare.statusCode).toBe(400);
  });

  it('is asked for where something else comes', async () => {
    for (const answer of [await send({ thing: 'x' }), await send('x', { 'content-type': 'text/plain' })]) {
      expect([answer.statusCode, answer.json<Problem>().detail]).toEqual([415, 'The body must be multipart/form-data.']);
    }
    expect((await send('')).statusCode).toBe(415);
  });

  it('leaves nothing of a sender who gives up', async () => {
    const { port } = new URL(await app.listen({ host: '127.0.0.1', port: 0 }));
    const head =
      'POST /api/things/1 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ada\r\nContent-Type: multipart/form-data; boundary=edge\r\n';
    const half = '--edge\r\nContent-Disposition: form-data; name="thing"; filename="a"\r\n\r\nhalf of it';
    // Again and again, since the moment differs: the file may just be about to be opened.
    for (let round = 0; round < 20; round += 1) {
      const socket = connect(Number(port), '127.0.0.1', () => socket.write(`${head}Content-Length: 900\r\n\r\n${half}`));
      await vi.waitFor(async () => expect(await leftOvers()).toHaveLength(1), { ...patience, interval: 1 });
      socket.destroy();
      await nothingIsLeft();
    }
  });

  it('is not read for who is nobody', async () => {
    expect((await send(form(['thing', file('x')]), { authorization: 'Bearer mallory' })).statusCode).toBe(401);
  });
});
