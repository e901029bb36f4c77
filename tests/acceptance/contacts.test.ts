/** Contacts of a mailbox: learnt from real mail over SMTP, corrected over HTTP, in the running program (mail-contract §3). */
import type { Contact } from '@tidings/contracts/http/contacts';
import type { Mailbox, MailPage, Me } from '@tidings/contracts/http/mail-objects';
import { createTransport } from 'nodemailer';
import { beforeAll, expect, it } from 'vitest';
import type { ReachableProgram } from '../kit/program-holder.ts';
import { joinTown } from './shared-town.ts';
import { ask, askJson, type Person, type Town } from './town.ts';

let town: Town;
let program: ReachableProgram;
let admin: Person;
let viewer: Person;
let stranger: Person;
let path: string;
beforeAll(async () => {
  ({ program, ...town } = await joinTown('Contact', 3));
  [admin, viewer, stranger] = town.people as [Person, Person, Person];
  for (const person of town.people) await askJson<Me>(program, person, '/api/me');
  const members = [
    { userId: admin.id, role: 'admin' },
    { userId: viewer.id, role: 'viewer' },
  ];
  const body = { kind: 'shared', address: 'desk@tidings.test', name: 'Desk', members };
  path = `/api/mailboxes/${(await askJson<Mailbox>(program, admin, '/api/mailboxes', { body })).id}/contacts`;
});

const listed = async (by: Person, query = ''): Promise<MailPage<Contact>> => askJson(program, by, `${path}${query}`);
const emails = async (query = ''): Promise<readonly string[]> => (await listed(viewer, query)).content.map(({ email }) => email);
const status = async (by: Person, method: string, at: string, body?: object): Promise<number> =>
  (await ask(program, by, at, { method, ...(body === undefined ? {} : { body }) })).status;
const send = async (from: string): Promise<void> => {
  const transport = createTransport({ host: '127.0.0.1', port: program.smtpPort, tls: { rejectUnauthorized: false } });
  await transport.sendMail({ from, to: 'Desk <desk@tidings.test>', cc: 'Clerk <clerk@town.test>', subject: 'x', text: 'x' });
  transport.close();
};

it('are learnt from mail, named by people, removed and found', async () => {
  await send('Ann Other <Ann@Elsewhere.test>');
  await send('Ann Other <ann@elsewhere.test>');
  await expect.poll(async () => (await listed(viewer, '?q=ann')).content[0]?.times, { timeout: 20_000, interval: 50 }).toBe(2);
  expect(await emails()).toEqual(['ann@elsewhere.test', 'clerk@town.test']);
  const [ann] = (await listed(viewer, '?q=oth')).content;
  expect(ann).toMatchObject({ email: 'ann@elsewhere.test', name: 'Ann Other', saved: false, times: 2 });

  const at = `${path}/${ann?.id ?? ''}`;
  expect(await status(viewer, 'PUT', at, { name: 'Mine' })).toBe(403);
  expect(await askJson(program, admin, at, { method: 'PUT', body: { name: 'Annabel' } })).toMatchObject({ name: 'Annabel', saved: true });
  await send('Ann Again <ann@elsewhere.test>');
  await expect.poll(async () => (await listed(viewer, '?q=annabel')).content[0]?.times, { timeout: 20_000, interval: 50 }).toBe(3);
  expect(await askJson(program, viewer, at)).toMatchObject({ name: 'Annabel', times: 3 });

  expect(await status(admin, 'DELETE', at)).toBe(200);
  expect(await status(admin, 'DELETE', at)).toBe(404);
  expect(await emails()).toEqual(['clerk@town.test']);
  const back = await askJson<Contact>(program, admin, path, { body: { email: 'ANN@elsewhere.test', name: 'Ann' } });
  expect(back).toMatchObject({ id: ann?.id, email: 'ann@elsewhere.test', name: 'Ann', saved: true, times: 3 });
});

it('are written down by editors, page by page, and shown to members alone', async () => {
  for (const name of ['page-a', 'page-b', 'page-c']) await askJson(program, admin, path, { body: { email: `${name}@town.test` } });
  const walked: string[] = [];
  for (let cursor: string | null = ''; cursor !== null;) {
    const page: MailPage<Contact> = await listed(viewer, `?limit=2${cursor === '' ? '' : `&cursor=${encodeURIComponent(cursor)}`}`);
    walked.push(...page.content.map(({ email }) => email));
    cursor = page.cursor;
  }
  expect(walked).toEqual(await emails('?limit=100'));
  expect(walked).toEqual(walked.toSorted());
  expect(await status(admin, 'POST', path, { email: 'nobody' })).toBe(400);
  expect(await status(viewer, 'POST', path, { email: 'v@town.test' })).toBe(403);
  expect(await status(stranger, 'POST', path, { email: 's@town.test' })).toBe(404);
  expect(await status(stranger, 'GET', path)).toBe(404);
  expect(await status(viewer, 'GET', `${path}/${crypto.randomUUID()}`)).toBe(404);
});
