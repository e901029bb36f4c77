/** What a mailbox refuses although it is there: senders it blocks, and all mail while it is full (mail-contract §3-§4). */
import type { Draft } from '@tidings/contracts/http/drafts';
import type { Mailbox, MailPage, Me } from '@tidings/contracts/http/mail-objects';
import type { Problem } from '@tidings/contracts/http/problem';
import type { BlockedSender, MailboxStorage } from '@tidings/contracts/http/storage';
import { createTransport } from 'nodemailer';
import { beforeAll, expect, it } from 'vitest';
import type { ReachableProgram } from '../kit/program-holder.ts';
import { joinTown } from './shared-town.ts';
import { ask, askJson, type Person } from './town.ts';

let program: ReachableProgram;
let admin: Person;
let owner: Person;
let viewer: Person;
let stranger: Person;
beforeAll(async () => {
  const town = await joinTown('Quota', 4);
  ({ program } = town);
  [admin, owner, viewer, stranger] = town.people as [Person, Person, Person, Person];
  for (const person of town.people) await askJson<Me>(program, person, '/api/me');
});

const open = async (name: string): Promise<string> => {
  const members = [
    { userId: owner.id, role: 'admin' },
    { userId: viewer.id, role: 'viewer' },
  ];
  const body = { kind: 'shared', address: `${name}@tidings.test`, name, members };
  return `/api/mailboxes/${(await askJson<Mailbox>(program, admin, '/api/mailboxes', { body })).id}`;
};
const status = async (by: Person, method: string, path: string, body?: object): Promise<number> =>
  (await ask(program, by, path, { method, ...(body === undefined ? {} : { body }) })).status;
const send = async (from: string, to: readonly string[], bytes = 10): Promise<string> => {
  const transport = createTransport({ host: '127.0.0.1', port: program.smtpPort, tls: { rejectUnauthorized: false } });
  try {
    const text = `${'x'.repeat(70)}\n`.repeat(Math.ceil(bytes / 71));
    return (await transport.sendMail({ envelope: { from, to: [...to] }, from: 'x@y.test', to: [...to], subject: 'x', text })).response;
  } catch (error) {
    return error instanceof Error ? error.message : '';
  } finally {
    transport.close();
  }
};
/** The door looks at a mailbox again after a second (docs/decisions/010). */
const patience = { timeout: 10_000, interval: 200 };

it('senders are refused by the mailboxes that block them, and by no other', async () => {
  const path = `${await open('calm')}/blocked-senders`;
  await open('open');
  expect(await send('Ann@Pest.test', ['calm@tidings.test'])).toMatch(/queued as/);
  const pest = `${path}/${encodeURIComponent('ANN@Pest.test')}`;
  expect(await status(viewer, 'PUT', pest)).toBe(403);
  expect(await status(stranger, 'PUT', pest)).toBe(404);
  expect(await status(owner, 'PUT', `${path}/nobody@`)).toBe(400);
  expect(await askJson<BlockedSender>(program, owner, pest, { method: 'PUT' })).toEqual({ sender: 'ann@pest.test' });
  expect(await status(owner, 'PUT', `${path}/spam.test`)).toBe(200);
  expect((await askJson<MailPage<BlockedSender>>(program, viewer, path)).content).toEqual([
    { sender: 'ann@pest.test' },
    { sender: 'spam.test' },
  ]);
  expect(await status(stranger, 'GET', path)).toBe(404);

  await expect.poll(() => send('ANN@pest.test', ['calm@tidings.test']), patience).toMatch(/550 5\.7\.1/);
  await expect.poll(() => send('x@mail.spam.test', ['calm@tidings.test']), patience).toMatch(/550 5\.7\.1/);
  expect(await send('bob@pest.test', ['calm@tidings.test'])).toMatch(/queued as/);
  expect(await send('ann@pest.test', ['calm@tidings.test', 'open@tidings.test'])).toMatch(/queued as/);
  expect(await send('', ['calm@tidings.test'])).toMatch(/queued as/);

  expect(await status(owner, 'DELETE', pest)).toBe(200);
  await expect.poll(() => send('ann@pest.test', ['calm@tidings.test']), patience).toMatch(/queued as/);
});

it('a full mailbox puts mail off until it may hold more', async () => {
  const path = await open('full');
  const used = async (): Promise<MailboxStorage> => askJson(program, viewer, `${path}/storage`);
  expect(await used()).toEqual({ usedBytes: 0, emails: 0, quotaBytes: 1_000_000_000, largestThreads: [] });
  expect(await send('a@town.test', ['full@tidings.test'], 20_000)).toMatch(/queued as/);
  await expect.poll(async () => (await used()).emails, { timeout: 20_000, interval: 50 }).toBe(1);
  const { usedBytes, largestThreads } = await used();
  expect(usedBytes).toBeGreaterThan(20_000);
  await expect.poll(async () => (await used()).largestThreads[0]?.subject, patience).toBe('x');
  expect(largestThreads).toMatchObject([{ bytes: usedBytes, emails: 1 }]);

  expect(await status(owner, 'PATCH', path, { quotaBytes: 20_000 })).toBe(403);
  expect(await status(admin, 'PATCH', path, { quotaBytes: 20_000 })).toBe(200);
  expect(await askJson<MailboxStorage>(program, admin, `${path}/storage`)).toEqual({
    usedBytes,
    emails: 1,
    quotaBytes: 20_000,
    largestThreads: [],
  });
  await expect.poll(() => send('a@town.test', ['full@tidings.test']), patience).toMatch(/452 4\.2\.2/);
  expect(await status(stranger, 'GET', `${path}/storage`)).toBe(404);

  expect(await status(admin, 'PATCH', path, { quotaBytes: null })).toBe(200);
  await expect.poll(() => send('a@town.test', ['full@tidings.test']), patience).toMatch(/queued as/);
});

it('a full mailbox sends nothing either: what it sends it keeps', async () => {
  const path = await open('bustling');
  const used = async (): Promise<MailboxStorage> => askJson(program, owner, `${path}/storage`);
  const to = [{ email: 'open@tidings.test' }];
  const draft = async (): Promise<string> =>
    `/api/drafts/${(await askJson<Draft>(program, owner, `${path}/drafts`, { body: { to, subject: 'x', text: 'x'.repeat(9_000) } })).id}/send`;
  expect(await status(owner, 'POST', await draft(), { undoSeconds: 0 })).toBe(200);
  await expect.poll(async () => (await used()).emails, { timeout: 20_000, interval: 50 }).toBe(1);
  expect((await used()).usedBytes).toBeGreaterThan(9_000);
  expect(await status(admin, 'PATCH', path, { quotaBytes: 15_000 })).toBe(200);

  const next = await draft();
  const refused = async (): Promise<Problem> => {
    const answer = await ask(program, owner, next, { method: 'POST', body: {} });
    return (await answer.json()) as Problem; // every error has this body
  };
  await expect.poll(refused, patience).toMatchObject({
    ...{ status: 409, code: 'CONFLICT' },
    errors: [{ path: 'mailboxId', message: expect.stringMatching(/^is too full: it may hold 15000 bytes \(its quota\), holds \d+/) }],
  });
  const whole = await fetch(`${program.httpUrl}${path}/submit`, {
    ...{ method: 'POST', body: `From: bustling@tidings.test\nTo: open@tidings.test\n\n${'x\n'.repeat(5_000)}` },
    headers: { authorization: `Bearer ${owner.token}`, 'content-type': 'message/rfc822', 'x-rcpt-to': 'open@tidings.test' },
  });
  expect([whole.status, ((await whole.json()) as Problem).errors?.map(({ path: field }) => field)]).toEqual([409, ['mailboxId']]);
  expect((await used()).emails).toBe(1);

  expect(await status(admin, 'PATCH', path, { quotaBytes: null })).toBe(200);
  expect(await status(owner, 'POST', next, { undoSeconds: 0 })).toBe(200);
  await expect.poll(async () => (await used()).emails, { timeout: 20_000, interval: 50 }).toBe(2);
});
