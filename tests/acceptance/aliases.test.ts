/** Other addresses of a mailbox, and its name, over HTTP and SMTP in the running program (mail-contract §2-§4). */
import type { Email, Mailbox, MailPage, Me, Thread } from '@tidings/contracts/http/mail-objects';
import type { LiveEvent } from '@tidings/contracts/http/live';
import type { Problem } from '@tidings/contracts/http/problem';
import type { SyncPage } from '@tidings/contracts/http/sync';
import { createTransport } from 'nodemailer';
import { beforeAll, describe, expect, it } from 'vitest';
import type { ReachableProgram } from '../kit/program-holder.ts';
import { joinTown } from './shared-town.ts';
import { ask, askJson, type Person } from './town.ts';

let program: ReachableProgram;
let admin: Person;
let bob: Person;
let carol: Person;
beforeAll(async () => {
  const town = await joinTown('Alias', 3);
  ({ program } = town);
  [admin, bob, carol] = town.people as [Person, Person, Person];
  for (const person of town.people) await askJson<Me>(program, person, '/api/me');
});

const openShared = (name: string, ...more: readonly { readonly userId: string; readonly role: string }[]): Promise<Mailbox> =>
  askJson(program, admin, '/api/mailboxes', {
    body: {
      kind: 'shared',
      address: `${name}@tidings.test`,
      name,
      members: [{ userId: admin.id, role: 'admin' }, ...more],
    },
  });
const change = (by: Person, id: string, body: object): Promise<Response> =>
  ask(program, by, `/api/mailboxes/${id}`, { method: 'PATCH', body });
const changed = (by: Person, id: string, body: object): Promise<Mailbox> =>
  askJson(program, by, `/api/mailboxes/${id}`, { method: 'PATCH', body });
const refusal = async (answer: Promise<Response>): Promise<readonly unknown[]> => {
  const response = await answer;
  const problem = (await response.json()) as Problem; // every error has this body
  return [response.status, ...(problem.errors ?? []).map(({ path }) => path)];
};

interface Sent {
  readonly accepted: readonly string[];
  readonly rejected: readonly string[];
  readonly reply: string;
}
/** One mail, with one answer for each recipient. */
const send = async (subject: string, ...to: readonly string[]): Promise<Sent> => {
  const transport = createTransport({ host: '127.0.0.1', port: program.smtpPort, tls: { rejectUnauthorized: false } });
  try {
    const { accepted, rejected, response } = await transport.sendMail({ from: 'ann@elsewhere.test', to: [...to], subject, text: subject });
    return { accepted: accepted.map(String), rejected: rejected.map(String), reply: response };
  } catch (error) {
    return { accepted: [], rejected: to, reply: error instanceof Error ? error.message : '' };
  } finally {
    transport.close();
  }
};
const subjectsIn = async (reader: Person, { id }: Mailbox): Promise<readonly string[]> =>
  (await askJson<MailPage<Thread>>(program, reader, `/api/mailboxes/${id}/threads`)).content.map(({ subject }) => subject);

describe('aliases', () => {
  it('deliver, once for each mailbox whatever names it', async () => {
    const sales = await openShared('sales');
    expect(sales.aliases).toEqual([]);
    expect((await send('Before', 'orders@tidings.test')).reply).toMatch(/^.*550 5\.1\.1/);
    const { aliases } = await changed(admin, sales.id, { aliases: ['Orders@Tidings.test', 'shop@second.test', 'sales@tidings.test'] });
    expect(aliases).toEqual(['orders@tidings.test', 'shop@second.test']);
    // The door may remember for a second that nobody had the address (docs/decisions/010).
    await expect.poll(async () => (await send('First', 'ORDERS@tidings.test')).rejected, { timeout: 10_000, interval: 200 }).toEqual([]);
    const { reply } = await send('Thrice', 'sales@tidings.test', 'orders@tidings.test', 'shop@second.test');
    const id = /queued as ([0-9a-f-]{36})/.exec(reply)?.[1] ?? '';
    await expect.poll(() => subjectsIn(admin, sales), { timeout: 20_000, interval: 50 }).toEqual(['Thrice', 'First']);
    const email = await askJson<Email>(program, admin, `/api/emails/${id}`);
    const thread = await askJson<Thread>(program, admin, `/api/threads/${email.threadId}`);
    expect([email.mailboxId, thread.messageCount]).toEqual([sales.id, 1]);
  });

  it('fold ASCII letters only', async () => {
    const nick = await openShared('nick-box');
    await changed(admin, nick.id, { aliases: ['nick@tidings.test'] });
    const kelvin = await openShared('kelvin-box');
    // U+212A KELVIN SIGN, which `toLowerCase` would make a k.
    expect((await changed(admin, kelvin.id, { aliases: ['nic\u212A@tidings.test'] })).aliases).toEqual(['nic\u212A@tidings.test']);
    expect(await refusal(change(admin, kelvin.id, { aliases: ['NICK@tidings.test'] }))).toEqual([409, 'aliases']);
  });

  it('belong to one mailbox, and are free once they are given up', async () => {
    const first = await openShared('first');
    const second = await openShared('second', { userId: bob.id, role: 'admin' });
    await changed(admin, first.id, { aliases: ['wanted@tidings.test'] });
    const wanted = { aliases: ['free@tidings.test', 'wanted@tidings.test'] };
    expect(await refusal(change(bob, second.id, wanted))).toEqual([409, 'aliases']);
    const seen = async (): Promise<unknown> => (await askJson<Mailbox>(program, bob, `/api/mailboxes/${second.id}`)).aliases;
    await expect.poll(seen, { timeout: 10_000, interval: 20 }).toEqual([]);
    expect(await refusal(change(bob, second.id, { aliases: ['first@tidings.test'] }))).toEqual([409, 'aliases']);
    await changed(admin, first.id, { aliases: ['free@tidings.test'] });
    expect(await refusal(change(bob, second.id, wanted))).toEqual([409, 'aliases']);
    await changed(admin, first.id, { aliases: [] });
    expect((await changed(bob, second.id, wanted)).aliases).toEqual(wanted.aliases);
    expect((await changed(bob, second.id, wanted)).aliases).toEqual(wanted.aliases);
  });

  it('have one winner when many mailboxes want one at once', async () => {
    const boxes = await Promise.all(['race-1', 'race-2', 'race-3', 'race-4'].map((name) => openShared(name)));
    const answers = await Promise.all(boxes.map(async ({ id }) => (await change(admin, id, { aliases: ['prize@tidings.test'] })).status));
    expect(answers.toSorted()).toEqual([200, 409, 409, 409]);
  });

  it('are for admins of the mailbox, in our domains; those that speak for a domain for its admins', async () => {
    const box = await openShared('entitled', { userId: bob.id, role: 'admin' }, { userId: carol.id, role: 'sender' });
    const body = { aliases: ['entitled-too@tidings.test'] };
    expect((await change(carol, box.id, body)).status).toBe(403);
    expect((await change(bob, box.id, body)).status).toBe(200);
    const stranger = await openShared('stranger');
    expect((await change(bob, stranger.id, body)).status).toBe(404);
    expect(await refusal(change(bob, box.id, { aliases: ['a@tidings.test', 'a@elsewhere.test'] }))).toEqual([400, 'aliases.1']);
    expect(await refusal(change(bob, box.id, { aliases: ['nobody'] }))).toEqual([400, 'aliases.0']);
    expect((await change(bob, box.id, { aliases: ['Postmaster@tidings.test'] })).status).toBe(403);
    expect((await changed(admin, box.id, { aliases: ['postmaster@tidings.test'] })).aliases).toEqual(['postmaster@tidings.test']);
    expect((await change(bob, box.id, { aliases: ['postmaster@tidings.test', 'entitled-too@tidings.test'] })).status).toBe(200);
  });
});

describe('a name', () => {
  it('is changed by admins, and told to its members', async () => {
    const box = await openShared('named', { userId: carol.id, role: 'editor' });
    expect((await change(carol, box.id, { name: 'Mine' })).status).toBe(403);
    const { cursor } = await askJson<{ readonly cursor: string }>(program, carol, '/api/snapshot', { method: 'POST' });
    expect((await changed(admin, box.id, { name: 'Front desk', aliases: ['front@tidings.test'] })).name).toBe('Front desk');
    const heard = async (): Promise<readonly LiveEvent[]> => {
      const { events } = await askJson<SyncPage>(program, carol, `/api/sync?after=${cursor}`);
      return events.map(({ event }) => event).filter((event) => event.type === 'MailboxChanged' && event.mailboxId === box.id);
    };
    await expect.poll(async () => (await heard()).length, { timeout: 10_000, interval: 20 }).toBe(2);
    expect(await heard()).toMatchObject([{ userId: null }, { userId: null }]);
    expect((await askJson<Mailbox>(program, carol, `/api/mailboxes/${box.id}`)).name).toBe('Front desk');
    expect(await refusal(change(admin, box.id, { name: '' }))).toEqual([400, 'name']);
  });
});
