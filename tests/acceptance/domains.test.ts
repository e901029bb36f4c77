/** Mail domains, their admins, and closing mailboxes, in the running program (mail-contract §3). */
import type { DomainAdmin, DomainRecord, MailDomain } from '@tidings/contracts/http/domains';
import type { Email, Mailbox, MailPage, Me, Thread } from '@tidings/contracts/http/mail-objects';
import type { Answer } from 'dns-packet';
import { createTransport } from 'nodemailer';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startDns, type DnsServer } from '../kit/dns.ts';
import { startProgram, type Program } from '../kit/program.ts';
import { ask, askJson, foundTown, type Person, type Town } from './town.ts';

/** What DNS says, and the domains of which it says only that it failed. */
const zone: Record<string, string | readonly Answer[]> = {};
const failing = ['second.test'];
let dns: DnsServer;
let town: Town;
let program: Program;
let admin: Person;
let bob: Person;
let carol: Person;
beforeAll(async () => {
  dns = await startDns(zone, { bogus: failing });
  town = await foundTown('Domain', 3);
  [admin, bob, carol] = town.people as [Person, Person, Person];
  const env = {
    OIDC_ISSUER: town.issuer.url,
    MAIL_DOMAINS: 'tidings.test,second.test',
    DNS_SERVERS: dns.address,
    MAIL_HOST: 'mx.tidings.test',
  };
  program = await startProgram({ env });
  for (const person of town.people) await askJson<Me>(program, person, '/api/me');
});
afterAll(async () => {
  await program.stop();
  await Promise.all([town.issuer.close(), dns.close()]);
});

const get = <A>(by: Person, path: string): Promise<A> => askJson<A>(program, by, path);
const status = async (by: Person, method: string, path: string, body?: object): Promise<number> =>
  (await ask(program, by, path, { method, ...(body === undefined ? {} : { body }) })).status;
const open = (by: Person, address: string, members?: readonly object[]): Promise<Mailbox> =>
  askJson(program, by, '/api/mailboxes', {
    body: { kind: 'shared', address, name: address, ...(members === undefined ? {} : { members }) },
  });
const replyTo = async (address: string): Promise<string> => {
  const transport = createTransport({ host: '127.0.0.1', port: program.smtpPort, tls: { rejectUnauthorized: false } });
  try {
    return (await transport.sendMail({ from: 'ann@elsewhere.test', to: address, subject: 'x', text: 'x' })).response;
  } catch (error) {
    return error instanceof Error ? error.message : '';
  } finally {
    transport.close();
  }
};

describe('domains', () => {
  it('are managed by administrators of the service, and by whom they name', async () => {
    const all = (await get<MailPage<MailDomain>>(admin, '/api/domains')).content;
    expect(all.map(({ domain }) => domain)).toEqual(['tidings.test', 'second.test']);
    expect(await get(bob, '/api/domains')).toEqual({ content: [], cursor: null });
    const path = `/api/domains/second.test/admins/${bob.id}`;
    expect(await status(bob, 'PUT', path)).toBe(404);
    expect(await status(admin, 'PUT', `/api/domains/elsewhere.test/admins/${bob.id}`)).toBe(404);
    expect(await status(admin, 'PUT', `/api/domains/second.test/admins/${crypto.randomUUID()}`)).toBe(404);
    expect(await askJson<DomainAdmin>(program, admin, `/api/domains/SECOND.test/admins/${bob.id}`, { method: 'PUT' })).toEqual({
      userId: bob.id,
      displayName: bob.name,
    });
    expect((await get<MailPage<MailDomain>>(bob, '/api/domains')).content).toEqual([{ domain: 'second.test', mailboxes: 0 }]);
    expect((await get<MailPage<DomainAdmin>>(bob, '/api/domains/second.test/admins')).content).toEqual([
      { userId: bob.id, displayName: bob.name },
    ]);
    expect(await status(bob, 'GET', '/api/domains/tidings.test/admins')).toBe(404);
    expect(await status(carol, 'GET', '/api/domains/second.test/admins')).toBe(404);
  });

  it('let their admins open and manage mailboxes there, reading none of them', async () => {
    expect(await status(bob, 'POST', '/api/mailboxes', { kind: 'shared', address: 'a@tidings.test', name: 'A' })).toBe(403);
    const desk = await open(bob, 'desk@second.test', [{ userId: carol.id, role: 'admin' }]);
    expect(desk).toMatchObject({ address: 'desk@second.test', role: null });
    expect((await get<MailPage<Mailbox>>(bob, '/api/domains/second.test/mailboxes')).content).toMatchObject([{ id: desk.id, role: null }]);
    expect(await status(carol, 'GET', '/api/domains/second.test/mailboxes')).toBe(404);
    expect(await get(bob, `/api/mailboxes/${desk.id}`)).toMatchObject({ id: desk.id, role: null });
    expect(await status(bob, 'PATCH', `/api/mailboxes/${desk.id}`, { name: 'Desk', aliases: ['postmaster@second.test'] })).toBe(200);
    expect(await status(bob, 'PATCH', `/api/mailboxes/${desk.id}`, { aliases: ['desk@tidings.test'] })).toBe(403);
    expect(await status(bob, 'GET', `/api/mailboxes/${desk.id}/threads`)).toBe(404);
    expect(await status(bob, 'PUT', `/api/mailboxes/${desk.id}/members/${admin.id}`, { role: 'viewer' })).toBe(200);
    const other = await open(admin, 'other@tidings.test');
    expect(await status(bob, 'GET', `/api/mailboxes/${other.id}`)).toBe(404);
    expect(await status(bob, 'PATCH', `/api/mailboxes/${other.id}`, { name: 'Mine' })).toBe(404);
  });

  it('tell what DNS must say of them, and whether it does, also when nobody answers', async () => {
    const check = async (): Promise<readonly DomainRecord[]> =>
      (await get<{ readonly records: readonly DomainRecord[] }>(bob, '/api/domains/second.test/dns')).records;
    const records = await check();
    expect(records.map(({ kind, found, status: state }) => [kind, found, state])).toEqual(
      ['MX', 'SPF', 'DKIM', 'DKIM', 'DMARC', 'MTA-STS'].map((kind) => [kind, [], 'unknown']),
    );
    expect(records[0]).toMatchObject({ type: 'MX', name: 'second.test', expected: '10 mx.tidings.test' });

    failing.length = 0;
    for (const { type, name, expected } of records) if (type === 'TXT' && expected !== null) zone[`${name} TXT`] = expected;
    zone['second.test MX'] = [{ type: 'MX', name: 'second.test', ttl: 60, data: { preference: 10, exchange: 'mx.tidings.test' } }];
    zone['_dmarc.second.test TXT'] = 'v=DMARC1; rua=mailto:bob@second.test';
    const states = ['ok', 'ok', 'ok', 'ok', 'different', 'missing'];
    expect((await check()).map(({ found, status: state }) => [found[0], state])).toEqual(
      records.map(({ kind, expected }, at) => [kind === 'DMARC' ? zone['_dmarc.second.test TXT'] : (expected ?? undefined), states[at]]),
    );
    expect(await status(carol, 'GET', '/api/domains/second.test/dns')).toBe(404);
  });
});

describe('a mailbox', () => {
  it('is closed by who manages its domain: nobody sees it, its addresses are free', async () => {
    const gone = await open(bob, 'gone@second.test', [{ userId: carol.id, role: 'admin' }]);
    const path = `/api/mailboxes/${gone.id}`;
    expect(await status(carol, 'PATCH', path, { aliases: ['gone-too@second.test'] })).toBe(200);
    await expect.poll(() => replyTo('gone-too@second.test'), { timeout: 10_000, interval: 100 }).toMatch(/queued as/);
    expect(await status(carol, 'DELETE', path)).toBe(403);
    const stranger = await open(admin, 'apart@tidings.test');
    expect(await status(bob, 'DELETE', `/api/mailboxes/${stranger.id}`)).toBe(404);
    expect(await status(bob, 'DELETE', path)).toBe(200);
    expect(await status(bob, 'DELETE', path)).toBe(404);
    expect(await status(carol, 'GET', path)).toBe(404);
    expect(await status(carol, 'GET', `${path}/threads`)).toBe(404);
    expect((await get<Me>(carol, '/api/me')).mailboxes.map(({ id }) => id)).not.toContain(gone.id);
    await expect.poll(() => replyTo('gone@second.test'), { timeout: 10_000, interval: 100 }).toMatch(/550 5\.1\.1/);
    await expect.poll(() => replyTo('gone-too@second.test'), { timeout: 10_000, interval: 100 }).toMatch(/550 5\.1\.1/);
    expect((await open(bob, 'gone@second.test')).id).not.toBe(gone.id);
  });

  it('leaves threads that it shared with others where they are', async () => {
    const members = [{ userId: carol.id, role: 'admin' }];
    const gone = await open(bob, 'sharing@second.test', members);
    const stays = await open(bob, 'staying@second.test', members);
    expect(await replyTo('sharing@second.test')).toMatch(/queued as/);
    const threadsOf = async ({ id }: Mailbox): Promise<readonly Thread[]> =>
      (await get<MailPage<Thread>>(carol, `/api/mailboxes/${id}/threads`)).content;
    await expect.poll(async () => (await threadsOf(gone)).length, { timeout: 20_000, interval: 50 }).toBe(1);
    const [thread] = await threadsOf(gone);
    const path = `/api/threads/${thread?.id ?? ''}`;
    expect(await status(carol, 'PUT', `${path}/mailboxes/${stays.id}`, { role: 'editor' })).toBe(200);
    await expect.poll(async () => (await threadsOf(stays)).length, { timeout: 20_000, interval: 50 }).toBe(1);
    expect(await status(bob, 'DELETE', `/api/mailboxes/${gone.id}`)).toBe(200);
    await expect.poll(() => status(carol, 'GET', `/api/mailboxes/${gone.id}`), { timeout: 10_000, interval: 50 }).toBe(404);
    expect((await threadsOf(stays)).map(({ id }) => id)).toEqual([thread?.id]);
    const { content } = await get<MailPage<Email>>(carol, `${path}/messages?mailboxId=${stays.id}`);
    expect(content).toMatchObject([{ subject: 'x', mailboxId: stays.id }]);
    expect(await status(carol, 'GET', `/api/emails/${content[0]?.id ?? ''}/raw`)).toBe(200);
  });

  it('of their own is gone for its owner, who goes on without', async () => {
    const own = (await get<Me>(carol, '/api/me')).mailboxes.find(({ kind }) => kind === 'personal');
    expect(await status(carol, 'DELETE', `/api/mailboxes/${own?.id ?? ''}`)).toBe(403);
    expect(await status(admin, 'DELETE', `/api/mailboxes/${own?.id ?? ''}`)).toBe(200);
    expect((await get<Me>(carol, '/api/me')).mailboxes.filter(({ kind }) => kind === 'personal')).toEqual([]);
  });
});

it('who no longer manages a domain manages none of its mailboxes', async () => {
  expect(await status(bob, 'DELETE', `/api/domains/second.test/admins/${bob.id}`)).toBe(200);
  expect(await get(bob, '/api/domains')).toEqual({ content: [], cursor: null });
  expect(await status(bob, 'POST', '/api/mailboxes', { kind: 'shared', address: 'late@second.test', name: 'Late' })).toBe(403);
});
