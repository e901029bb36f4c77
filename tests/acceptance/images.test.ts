/** Pictures that mails show from elsewhere, in a program that fetches them (mail-contract §2). */
import type { Email } from '@tidings/contracts/http/mail-objects';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { invalid, joinMailTown, missing, type SharedMailTown } from './mail-kit.ts';

const PNG = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==', 'base64');
const asked: { readonly path: string; readonly headers: object }[] = [];
const elsewhere = createServer((request, response) => {
  asked.push({ path: request.url ?? '', headers: request.headers });
  response.end(request.url?.startsWith('/evil') === true ? '<svg xmlns="http://www.w3.org/2000/svg"/>' : PNG);
});

let town: SharedMailTown<'ada' | 'bob'>;
let url: string;
beforeAll(async () => {
  await new Promise<void>((resolve) => elsewhere.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(elsewhere.address() as AddressInfo).port}`; // it listens on TCP
  town = await joinMailTown(['ada', 'bob']);
});
afterAll(() => {
  elsewhere.closeAllConnections();
  elsewhere.close();
});

it('are fetched for who reads the mail, by links that need no token, and nothing of the reader goes along', async () => {
  const mailboxId = await town.openShared('pictures', { ada: 'admin' });
  const html = `<p>Look</p><img src="${url}/cat.png?who=1&amp;x=2"><img src="${url}/evil.svg">`;
  const email = await town.send('ada', { to: 'pictures@tidings.test', subject: 'Cat', html });
  const [body] = Object.values((await town.as.ada.ask<Email>('GET', `/api/emails/${email.id}`)).bodyValues).filter(({ value }) =>
    value.includes('<p>'),
  );
  expect(body).toMatchObject({ remoteImages: 0 });
  const links = [...(body?.value ?? '').matchAll(/ src="([^"]+)"/g)].map(([, link]) => (link ?? '').replaceAll('&amp;', '&'));
  expect(links).toHaveLength(2);
  const load = (link: string) => fetch(`${town.program.httpUrl}${link}`);

  const [cat = '', evil = ''] = links;
  const shown = await load(cat);
  expect([shown.status, shown.headers.get('content-type'), Buffer.from(await shown.arrayBuffer())]).toEqual([200, 'image/png', PNG]);
  expect(shown.headers.get('cache-control')).toContain('max-age=2592000');
  expect(asked).toMatchObject([{ path: '/cat.png?who=1&x=2', headers: { 'user-agent': 'Tidings' } }]);
  expect(Object.keys(asked[0]?.headers ?? {})).not.toEqual(expect.arrayContaining(['cookie', 'referer', 'authorization']));
  await load(cat);
  expect(asked).toHaveLength(1); // remembered

  const refused = await load(evil);
  expect([refused.status, refused.headers.get('content-type')]).toEqual([200, 'image/gif']);
  expect(refused.headers.get('tidings-image-refused')).toContain('no picture');

  expect((await load(cat.replace('cat.png', 'dog.png'))).status).toBe(401);
  expect((await load(cat.replace(/until=\d+/, 'until=1'))).status).toBe(401);
  expect((await load(`/api/images?${new URLSearchParams({ url, mailboxId }).toString()}`)).status).toBe(401);

  const query = (of: string) => `/api/images?${new URLSearchParams({ url: of, mailboxId }).toString()}`;
  expect(await town.as.ada.status('GET', query(`${url}/mine.png`))).toBe(200);
  expect(await town.as.bob.refused('GET', query(`${url}/mine.png`))).toEqual(missing);
  expect(await town.as.ada.refused('GET', query('file:///etc/passwd'))).toEqual(invalid('url'));
});
