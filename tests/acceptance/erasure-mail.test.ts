/**
 * Someone with mail is erased: their mailbox is closed and takes no more, nothing of its letters is left in tables, answers or blobs, and what
 * others hold of the same mail stays. Mail on its way in as it happens is refused or lost with the mailbox, and never in the way.
 */
import { DEFAULT_PLACE } from '@tidings/infra/blobs/open';
import { DEFAULT_LOG } from '@tidings/infra/event-log/open';
import type { Email, Mailbox, MailboxMember, MailPage, Me } from '@tidings/contracts/http/mail-objects';
import { createHash, randomUUID } from 'node:crypto';
import type pg from 'pg';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { projectionsCommand } from '../../services/cli/src/projections/index.ts';
import { projections } from '../../services/projector/src/projections.ts';
import { Listening } from '../../services/sse/src/testing/listening.ts';
import { dial } from '../../services/smtp-ingress/src/testing/smtp-dialogue.ts';
import { startProgram, type Program } from '../kit/program.ts';
import { onlookerPool } from '../kit/databases.ts';
import { ask, askJson, type Asked, foundTown, isCaughtUp, type Person, type Town, uuidOf } from './town.ts';

/** Stands in all mail that only she gets, and nowhere else. */
const MARKER = 'zqxultramarine';

let town: Town;
let program: Program;
let database: pg.Pool;
let shop: Person;
let ann: Person;
let ben: Person;
let hers: Mailbox;
let team: Mailbox;
let forBoth: Sent;
/** The very bytes that only she had, as they come for others while hers are being removed. */
const again: Sent[] = [];
const onlyHers: Sent[] = [];
let began: Awaited<ReturnType<typeof dial>>;

interface Sent {
  readonly reply: string;
  readonly emailId: string;
  readonly blob: string;
}

const rawMail = (subject: string, text: string): string =>
  `From: Cal <cal@elsewhere.test>\r\nTo: you\r\nSubject: ${subject}\r\nMessage-ID: <${randomUUID()}@elsewhere.test>\r\n\r\n${text}\r\n`;
const send = async (to: readonly string[], raw: string): Promise<Sent> => {
  const door = await dial(program.smtpPort);
  await door.reply();
  await door.say('EHLO sender.example');
  await door.say('MAIL FROM:<cal@elsewhere.test>');
  for (const address of to) await door.say(`RCPT TO:<${address}>`);
  await door.say('DATA');
  const reply = await door.say(`${raw}.`);
  door.close();
  return { reply, emailId: /queued as (\S+)/.exec(reply)?.[1] ?? '', blob: createHash('sha256').update(raw).digest('hex') };
};
const rcpt = async (address: string): Promise<string> => {
  const door = await dial(program.smtpPort);
  await door.reply();
  await door.say('EHLO sender.example');
  await door.say('MAIL FROM:<cal@elsewhere.test>');
  const reply = await door.say(`RCPT TO:<${address}>`);
  door.close();
  return reply;
};
const status = async (by: Person, path: string, asked: Asked = {}): Promise<number> => (await ask(program, by, path, asked)).status;
const caughtUp = (): Promise<unknown> =>
  vi.waitFor(async () => expect(await isCaughtUp(program)).toBe(true), { timeout: 30_000, interval: 100 });
const tablesWith = async (text: string): Promise<readonly string[]> => {
  const { rows } = await database.query<{ name: string }>(
    `select format('%I.%I', table_schema, table_name) as name from information_schema.tables
     where table_type = 'BASE TABLE' and table_schema not in ('pg_catalog', 'information_schema')`,
  );
  const found: string[] = [];
  for (const { name } of rows)
    if ((await database.query(`select 1 from ${name} t where t::text ilike $1 limit 1`, [`%${text}%`])).rowCount !== 0) found.push(name);
  return found;
};
const blobIds = async (): Promise<readonly string[]> =>
  (
    await database.query<{ id: string }>("select encode(id, 'hex') as id from blob.blob union select encode(id, 'hex') from blob.aside")
  ).rows.map(({ id }) => id);
const ECHO = rawMail('An echo', 'The same for everybody');
/** Some bytes are on their way out. */
const untilAside = (): Promise<unknown> =>
  vi.waitUntil(async () => (await database.query('select from blob.aside')).rowCount !== 0, { timeout: 20_000, interval: 20 });
const erase = (): Promise<Response> => ask(program, shop, `/api/admin/users/${ann.id}`, { method: 'DELETE', withinMs: 60_000 });

beforeAll(async () => {
  town = await foundTown('Writer', 3);
  [shop, , ben] = town.people as [Person, Person, Person];
  const id = uuidOf('she who had mail');
  const email = 'ann@tidings.test';
  ann = { id, name: 'Ann', email, token: await town.issuer.token({ sub: id, name: 'Ann', email }) };
  program = await startProgram({ env: { OIDC_ISSUER: town.issuer.url, LOG_LEVEL: 'error' } });
  database = onlookerPool(program.databaseUrl);
  for (const person of [shop, ben]) await askJson(program, person, '/api/me');
  const mine = await askJson<Me>(program, ann, '/api/me');
  hers = mine.mailboxes[0] as Mailbox; // her address is one of ours
  const set = (mailbox: string, user: Person, role: string) =>
    askJson<MailboxMember>(program, ann, `/api/mailboxes/${mailbox}/members/${user.id}`, { method: 'PUT', body: { role } });
  await set(hers.id, ben, 'admin');
  team = await askJson<Mailbox>(program, shop, '/api/mailboxes', {
    body: { kind: 'shared', address: 'team@tidings.test', name: 'Team', members: [{ userId: ann.id, role: 'admin' }] },
  });
  await set(team.id, ben, 'viewer');
  onlyHers.push(await send([email], rawMail(`News of ${MARKER}`, `All about ${MARKER}`)));
  await send([email], ECHO);
  forBoth = await send([email, ben.email], rawMail('Lunch', 'For both of you'));
  await vi.waitUntil(async () => (await status(ben, `/api/emails/${forBoth.emailId}`)) === 200, { timeout: 20_000, interval: 50 });
  await caughtUp();
  began = await dial(program.smtpPort);
  await began.reply();
  for (const line of ['EHLO sender.example', 'MAIL FROM:<cal@elsewhere.test>', `RCPT TO:<${email}>`, 'DATA']) await began.say(line);
});
afterAll(async () => {
  began?.close();
  await database.end();
  await program.stop();
  await town.issuer.close();
});

it('before it, her mail is everywhere, and a guest reads it', async () => {
  expect((await tablesWith(MARKER)).length).toBeGreaterThan(2);
  expect(await status(ben, `/api/mailboxes/${hers.id}`)).toBe(200);
  expect(await blobIds()).toEqual(expect.arrayContaining([onlyHers[0]?.blob, forBoth.blob]));
});

describe('after it', () => {
  beforeAll(async () => {
    // Accepted, and perhaps not filed, as her mailbox goes.
    const late = Promise.all(
      Array.from({ length: 20 }, (_, n) => send([ann.email], rawMail(`Late news ${n} of ${MARKER}`, `Late ${MARKER} ${n}`))),
    );
    const erasing = erase();
    for (const to of [ben.email, team.address]) {
      await untilAside();
      again.push(await send([to], ECHO));
    }
    const erased = await erasing;
    if (erased.status !== 200) throw new Error(await erased.text());
    onlyHers.push(...(await late));
    await caughtUp();
  });

  it('her address is nobody’s, and mail that had begun is refused', async () => {
    expect(await rcpt(ann.email)).toMatch(/^550 5\.1\.1 /);
    expect(await began.say(`${rawMail(`Too late, ${MARKER}`, MARKER)}.`)).toMatch(/^550 5\.1\.1 /);
  });

  it('no table and no blob holds anything of her mail', async () => {
    expect(await tablesWith(MARKER)).toEqual([]);
    const gone = onlyHers.filter(({ reply }) => reply.startsWith('250')).map(({ blob }) => blob);
    // What was not filed any more goes a moment later.
    await vi.waitFor(async () => expect((await blobIds()).filter((id) => gone.includes(id))).toEqual([]), {
      timeout: 20_000,
      interval: 250,
    });
    const { rows } = await database.query<{ name: string }>(
      `select format('%I.%I', table_schema, table_name) as name from information_schema.columns
       where column_name = 'mailbox_id' and table_schema not in ('log') and table_name not in ('thread_mark')`,
    );
    for (const { name } of rows)
      expect([name, (await database.query(`select from ${name} where mailbox_id = $1`, [hers.id])).rowCount]).toEqual([name, 0]);
  });

  it('her guest has lost the mailbox and keeps his own copy of what was for both', async () => {
    expect(await status(ben, `/api/mailboxes/${hers.id}`)).toBe(404);
    expect((await askJson<Me>(program, ben, '/api/me')).mailboxes.map(({ id }) => id)).not.toContain(hers.id);
    const mail = await askJson<Email>(program, ben, `/api/emails/${forBoth.emailId}`);
    expect(mail.subject).toBe('Lunch');
    expect(await (await ask(program, ben, `/api/emails/${forBoth.emailId}/raw`)).text()).toContain('For both of you');
    expect(await status(ben, `/api/mailboxes/${hers.id}/threads`)).toBe(404);
    expect(await status(ben, `/api/emails/${onlyHers[0]?.emailId}`)).toBe(404);
  });

  it('what came for others as the same bytes were being removed is theirs', async () => {
    expect(again.map(({ reply }) => reply.slice(0, 3))).toEqual(['250', '250']);
    for (const { emailId } of again) {
      await vi.waitFor(async () => expect(await status(ben, `/api/emails/${emailId}`)).toBe(200), { timeout: 20_000, interval: 50 });
      expect((await askJson<Email>(program, ben, `/api/emails/${emailId}`)).subject).toBe('An echo');
      expect(await (await ask(program, ben, `/api/emails/${emailId}/raw`)).text()).toBe(ECHO);
    }
  });

  it('the live feed does not tell of it to who resumes', async () => {
    const end = await send([ben.email], rawMail('The end', 'The end'));
    const listening = await Listening.open(program.httpUrl, ben.token, '0000000000000000');
    await listening.until(({ heard }) => JSON.stringify(heard).includes(end.emailId));
    listening.close();
    expect(JSON.stringify(listening.heard).toLowerCase()).not.toContain(MARKER);
  });

  it('a shared mailbox stays; without an admin, a domain admin names one', async () => {
    const members = async () =>
      (await askJson<MailPage<MailboxMember>>(program, ben, `/api/mailboxes/${team.id}/members`)).content.map(({ userId, role }) => [
        userId,
        role,
      ]);
    expect(await members()).toEqual([[ben.id, 'viewer']]);
    await askJson(program, shop, `/api/mailboxes/${team.id}/members/${ben.id}`, { method: 'PUT', body: { role: 'admin' } });
    expect(await members()).toEqual([[ben.id, 'admin']]);
    expect((await send([team.address], rawMail('To the team', 'Hello'))).reply).toMatch(/^250 /);
  });

  it('once more is answered at once and changes nothing', async () => {
    await caughtUp();
    // The mail to the team may be filed just now.
    const events = async () => (await database.query("select count(*) from log.event where type !~ '^(Email|Filing)'")).rows;
    const before = await events();
    const startedAt = performance.now();
    expect((await erase()).status).toBe(200);
    expect(performance.now() - startedAt).toBeLessThan(1_000);
    expect(await events()).toEqual(before);
  });

  it('a replay comes out alike', async () => {
    const databaseUrl = program.databaseUrl;
    await Promise.all(
      projections
        .filter(({ handles }) => handles.includes('MailboxClosed'))
        .map(async ({ name }) => {
          let said = '';
          const context = {
            databaseUrl,
            blobs: DEFAULT_PLACE,
            eventLog: DEFAULT_LOG,
            stdout: { write: (text: string) => void (said += text) },
          };
          for (const command of ['replay', 'cutover', 'retire'])
            expect([name, command, await projectionsCommand([command, name], context), said]).toEqual([name, command, 0, said]);
          expect(said).toContain('equal row by row');
        }),
    );
    await caughtUp();
    expect(await tablesWith(MARKER)).toEqual([]);
    expect((await askJson<Email>(program, ben, `/api/emails/${forBoth.emailId}`)).subject).toBe('Lunch');
  });

  it('another person can have the address, and none of the mail', async () => {
    const id = randomUUID();
    const heir: Person = {
      id,
      name: 'Ann Two',
      email: ann.email,
      token: await town.issuer.token({ sub: id, name: 'Ann Two', email: ann.email }),
    };
    const { mailboxes } = await askJson<Me>(program, heir, '/api/me');
    expect(mailboxes.map(({ address, counts }) => [address, counts.threads])).toEqual([[ann.email, 0]]);
    expect((await send([ann.email], rawMail('Welcome', 'Welcome'))).reply).toMatch(/^250 /);
  });
});
