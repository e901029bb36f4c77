/** Searching mail over HTTP in the running program (mail-contract §6), fed by real mail over SMTP. */
import type { Email, Mailbox, MailPage, Me, Thread } from '@tidings/contracts/http/mail-objects';
import type { FoundThread } from '@tidings/contracts/http/mail-search';
import type { Problem } from '@tidings/contracts/http/problem';
import type { MailboxId } from '@tidings/contracts/ids';
import { parseMailQuery } from '@tidings/contracts/mail-query/parse';
import { byPlace, type PlainMail, plainSearch } from '@tidings/projections/mail-search/testing/plain-search';
import { either as E } from 'fp-ts';
import { createTransport, type SendMailOptions } from 'nodemailer';
import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startIssuer, type TestIssuer } from '../kit/issuer.ts';
import { startProgram, type Program } from '../kit/program.ts';
import { Dice } from './town.ts';

const USERS = ['alice', 'bob', 'carol'] as const;
type User = (typeof USERS)[number];
let issuer: TestIssuer;
let program: Program;
const me: Record<string, Me> = {};
const tokens: Record<string, string> = {};
/** Shared mailboxes and who is in them; each user has a mailbox of their own beside. */
const shared: Record<string, readonly (readonly [User, string])[]> = {
  town: [
    ['alice', 'admin'],
    ['bob', 'viewer'],
  ],
  desk: [
    ['alice', 'admin'],
    ['carol', 'editor'],
  ],
};
const mailboxes: Record<string, MailboxId> = {};

beforeAll(async () => {
  issuer = await startIssuer();
  program = await startProgram({ env: { OIDC_ISSUER: issuer.url } });
  for (const user of USERS) {
    const roles = user === 'alice' ? ['tidings-admin'] : [];
    tokens[user] = await issuer.token({ sub: randomUUID(), name: user, email: `${user}@tidings.test`, email_verified: true, roles });
    me[user] = await ask<Me>(user, '/api/me');
    mailboxes[user] = me[user]?.mailboxes[0]?.id as MailboxId; // whoever is new has one
  }
  for (const [name, members] of Object.entries(shared)) {
    const body = { kind: 'shared', address: `${name}@tidings.test`, name };
    const opened = await call('alice', '/api/mailboxes', 'POST', {
      ...body,
      members: members.map(([user, role]) => ({ userId: me[user]?.user.id, role })),
    });
    mailboxes[name] = ((await opened.json()) as Mailbox).id; // the contract of the route
  }
});
afterAll(async () => {
  await program.stop();
  await issuer.close();
});

const call = (user: User, path: string, method = 'GET', body?: object): Promise<Response> =>
  fetch(`${program.httpUrl}${path}`, {
    method,
    headers: { authorization: `Bearer ${tokens[user]}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
const ask = async <A>(user: User, path: string): Promise<A> => {
  const response = await call(user, path);
  expect([path, response.status]).toEqual([path, 200]);
  return (await response.json()) as A; // the contract of the route
};

const send = async (mail: SendMailOptions): Promise<string> => {
  const transport = createTransport({ host: '127.0.0.1', port: program.smtpPort, tls: { rejectUnauthorized: false } });
  const { response } = await transport.sendMail({ from: 'Ann Other <ann@elsewhere.test>', ...mail });
  transport.close();
  return /queued as ([0-9a-f-]{36})/.exec(response)?.[1] ?? '';
};

/** Every page of a list. */
const all = async <A>(user: User, path: string): Promise<readonly A[]> => {
  const content: A[] = [];
  let cursor: string | null = null;
  do {
    const page: MailPage<A> = await ask<MailPage<A>>(user, `${path}${cursor === null ? '' : `&cursor=${encodeURIComponent(cursor)}`}`);
    content.push(...page.content);
    ({ cursor } = page);
  } while (cursor !== null);
  return content;
};
const searched = (user: User, q: string, more = ''): Promise<readonly FoundThread[]> =>
  all<FoundThread>(user, `/api/search?q=${encodeURIComponent(q)}${more}`);
const visible = async (user: User, q: string, count: number): Promise<void> => {
  await expect.poll(async () => (await searched(user, q)).length, { timeout: 20_000, interval: 30 }).toBe(count);
};
const refusal = async (user: User, path: string): Promise<unknown> => {
  const response = await call(user, path);
  const problem = (await response.json()) as Problem; // every error has this body
  return [response.status, problem.errors ?? problem.code];
};

describe('a search', () => {
  it('finds mail by its text, also when it is HTML, and shows why', async () => {
    const filler = '<p>lorem ipsum</p>'.repeat(100);
    const id = await send({
      to: 'bob@tidings.test',
      subject: 'Votre dossier',
      html: `${filler}<p>Les <b>fac</b>tures de l&#39;&eacute;cole sont <i>prêtes</i>.</p>`,
      attachments: [{ filename: 'budget.pdf', content: 'x' }],
    });
    await visible('bob', 'facture', 1);
    for (const q of ['"l’école"', 'ecole', 'écoles pretes', 'filename:budget has:attachment', 'from:other', 'subject:dossiers']) {
      expect([q, (await searched('bob', q)).map(({ emailIds }) => emailIds)]).toEqual([q, [[id]]]);
    }
    const [found] = await searched('bob', 'facture');
    expect(found).toMatchObject({
      thread: { subject: 'Votre dossier', access: [{ mailboxId: mailboxes['bob'] }] },
      mailboxId: mailboxes['bob'],
    });
    expect(found?.snippet).toContain("Les factures de l'école sont prêtes");
    expect(await searched('bob', 'facture -ecole')).toEqual([]);
    expect(await searched('carol', 'facture')).toEqual([]);
    expect((await all<Thread>('bob', `/api/mailboxes/${mailboxes['bob']}/threads?q=facture`)).map(({ id: thread }) => thread)).toEqual([
      found?.thread.id,
    ]);
    expect(await all<Thread>('bob', `/api/mailboxes/${mailboxes['bob']}/threads?q=facture&view=archive`)).toEqual([]);
    expect(await all<Thread>('bob', `/api/mailboxes/${mailboxes['bob']}/threads?q=facture&unread=true`)).toHaveLength(1);
    expect(await all<Thread>('bob', `/api/mailboxes/${mailboxes['bob']}/threads?q=facture&unread=false`)).toEqual([]);
  });

  it("tells the place of a fault, and refuses mailboxes that are not the caller's", async () => {
    expect(await refusal('bob', '/api/search?q=a%20in%3Anowhere')).toEqual([
      400,
      [{ path: 'q', message: expect.stringContaining('expected one of inbox'), offset: 5, length: 7 }],
    ]);
    expect(await refusal('bob', '/api/search')).toEqual([400, [{ path: 'q', message: expect.any(String) }]]);
    expect(await refusal('bob', '/api/search?q=a&cursor=x')).toEqual([400, [{ path: 'cursor', message: expect.any(String) }]]);
    expect(await refusal('bob', `/api/search?q=a&mailboxId=${mailboxes['carol']}`)).toEqual([404, 'CONTENT_NOT_FOUND']);
    expect(await refusal('alice', `/api/search?q=a&mailboxId=${mailboxes['carol']}`)).toEqual([404, 'CONTENT_NOT_FOUND']);
    expect(await refusal('bob', `/api/mailboxes/${mailboxes['carol']}/threads?q=a`)).toEqual([404, 'CONTENT_NOT_FOUND']);
    expect(await refusal('bob', `/api/mailboxes/${mailboxes['bob']}/threads?q=a&assignee=${randomUUID()}`)).toEqual([
      400,
      [{ path: 'assignee', message: expect.stringContaining('is:assigned-to-me') }],
    ]);
  });

  it('follows what becomes of mail', async () => {
    await send({ to: 'carol@tidings.test', subject: 'Wandelend', text: 'wandering9' });
    await visible('carol', 'wandering9 is:unread', 1);
    const [found] = await searched('carol', 'wandering9');
    const flag = (set: object): Promise<Response> =>
      call('carol', '/api/threads/flags', 'POST', { mailboxId: mailboxes['carol'], threadIds: [found?.thread.id], set });
    await flag({ starred: true });
    await visible('carol', 'wandering9 is:starred', 1);
    await flag({ trashed: true });
    await visible('carol', 'wandering9', 0);
    await visible('carol', 'wandering9 dans:corbeille', 1);
    await flag({ trashed: false, archived: true });
    await visible('carol', 'wandering9 in:archief', 1);
    await call('carol', `/api/threads/${found?.thread.id}/read`, 'PUT', { mailboxId: mailboxes['carol'], upTo: found?.emailIds[0] });
    await visible('carol', 'wandering9 est:lu', 1);
    expect((await searched('carol', 'wandering9')).map(({ thread }) => thread.id)).toEqual([found?.thread.id]);
  });

  it('lists each thread once, page by page, while mail arrives', async () => {
    for (let n = 0; n < 7; n++)
      await send({ to: 'bob@tidings.test', subject: `Paging ${n}`, text: 'pagingword1', messageId: `<paging-${n}@x>` });
    await visible('bob', 'pagingword1', 7);
    for (const n of [1, 4]) {
      const reply = { subject: `Re: Paging ${n}`, inReplyTo: `<paging-${n}@x>`, references: `<paging-${n}@x>` };
      await send({ to: 'bob@tidings.test', text: 'pagingword1 again', ...reply });
    }
    await visible('bob', 'pagingword1 again', 2);
    const seen: string[] = [];
    let cursor: string | null = '';
    for (let page = 0; cursor !== null; page++) {
      const found: MailPage<FoundThread> = await ask('bob', `/api/search?q=pagingword1&limit=2&cursor=${cursor}`);
      seen.push(...found.content.map(({ thread }) => thread.subject));
      ({ cursor } = found);
      if (page > 0) continue;
      const reply = { subject: 'Re: Paging 0', inReplyTo: '<paging-0@x>', references: '<paging-0@x>' };
      await send({ to: 'bob@tidings.test', text: 'pagingword1 meanwhile', ...reply });
      await visible('bob', 'pagingword1 meanwhile', 1);
    }
    expect(seen).toEqual(['Paging 4', 'Paging 1', 'Paging 6', 'Paging 5', 'Paging 3', 'Paging 2', 'Paging 0']);
  });
});

describe('what anyone finds', () => {
  it('is what they can list and nothing else, by any query', async () => {
    const dice = new Dice(41);
    const words = ['kilo1', 'kilo12', 'zulu2', 'tango3', 'delta4', 'delta45'];
    const addresses = [...USERS, ...Object.keys(shared)];
    const pick = (): string => dice.one(words);
    const sent: (readonly string[])[] = [];
    for (let n = 0; n < 40; n++) {
      const to = addresses.filter(() => dice.below(3) === 0);
      const [first = 'town', ...more] = to;
      sent.push([first, ...more]);
      await send({
        from: dice.one(['Ann Other <ann@elsewhere.test>', 'Ben <ben@mail.elsewhere.test>']),
        to: `${first}@tidings.test`,
        cc: more.map((name) => `${name}@tidings.test`),
        subject: `${pick()} ${n}`,
        text: `${pick()} ${pick()} endmark`,
        ...(dice.below(4) === 0 ? { attachments: [{ filename: `${pick()}.txt`, content: 'x'.repeat(dice.below(3) * 10_000) }] } : {}),
      });
    }
    const queries = Array.from({ length: 60 }, () => randomQuery(dice, pick));
    for (const user of USERS) await settled(user, sent);
    for (const user of USERS) {
      const mine = await everything(user);
      const readable = [...new Set(mine.map(({ mailboxId }) => mailboxId))];
      for (const q of queries) {
        const query = E.getOrElseW((): never => {
          throw new Error(q);
        })(parseMailQuery(q));
        const expected = plainSearch(mine, { query, mailboxes: readable, searcher: me[user]?.user.id as never, now: Date.now() }, () => []); // nothing here asks who
        const found = await searched(user, q);
        const threads = new Set(expected.map(({ threadId }) => threadId));
        expect([user, q, found.map(({ thread }) => thread.id)]).toEqual([user, q, [...threads]]);
        const emails = expected.filter(
          (hit, at) => expected.findIndex((one) => one.emailId === hit.emailId && one.threadId === hit.threadId) === at,
        );
        expect([user, q, found.flatMap(({ emailIds }) => [...new Set(emailIds)]).toSorted()]).toEqual([
          user,
          q,
          emails.map(({ emailId }) => emailId).toSorted(),
        ]);
      }
    }
  });

  const randomQuery = (dice: Dice, word: () => string): string => {
    const term = (): string =>
      dice.one([
        () => word(),
        () => word(),
        () => `"${word()} ${word()}"`,
        () => `subject:${word()}`,
        () => `body:${word()}`,
        () => `filename:${word()}`,
        () => dice.one(['from:ann', 'from:@elsewhere.test', 'to:bob', 'cc:tidings', 'to:town@tidings.test', 'from:elsewhere']),
        () => dice.one(['has:attachment', 'larger:5k', 'is:unread', 'is:read', 'in:inbox', 'in:trash', 'in:all', 'after:1d', 'before:1d']),
      ])();
    const terms = Array.from({ length: 1 + dice.below(3) }, () => `${dice.below(4) === 0 ? '-' : ''}${term()}`);
    return terms.join(dice.below(3) === 0 ? ' OR ' : ' ');
  };

  /** All mail sent to a user's mailboxes is listed and found. */
  const settled = async (user: User, sent: readonly (readonly string[])[]): Promise<void> => {
    const mine = [user, ...Object.keys(shared).filter((name) => shared[name]?.some(([member]) => member === user))];
    const expected = sent.flatMap((to) => mine.filter((name) => to.includes(name))).length;
    const counts = async (): Promise<readonly number[]> => [
      (await everything(user)).filter(({ body }) => body.includes('endmark')).length,
      (await searched(user, 'endmark')).length,
    ];
    await expect.poll(counts, { timeout: 30_000, interval: 100 }).toEqual([expected, expected]);
  };

  /** All that a user can list in their mailboxes. */
  const everything = async (user: User): Promise<readonly PlainMail[]> => {
    const { mailboxes: mine } = await ask<Me>(user, '/api/me');
    const found: PlainMail[] = [];
    for (const { id } of mine) {
      for (const view of ['all', 'spam', 'trash']) {
        for (const thread of await all<Thread>(user, `/api/mailboxes/${id}/threads?view=${view}&limit=100`)) {
          const emails = await all<Email>(user, `/api/threads/${thread.id}/messages?mailboxId=${id}&view=${view}&limit=100`);
          for (const email of emails) found.push(plainOf(email, thread, view));
        }
      }
    }
    return found.toSorted(byPlace);
  };

  const plainOf = (email: Email, thread: Thread, view: string): PlainMail => ({
    at: email.receivedAt,
    emailId: email.id,
    mailboxId: email.mailboxId,
    threadId: email.threadId,
    subject: email.subject,
    body: email.textBody
      .map(({ partId }) => email.bodyValues[partId]?.value ?? '')
      .join('\n')
      .replaceAll(/<[^>]*>/g, ' '),
    files: email.attachments.flatMap(({ name }) => (name === null ? [] : [name])),
    from: email.from,
    to: email.to,
    cc: email.cc,
    bcc: email.bcc,
    hasAttachments: email.attachments.length > 0,
    size: email.size,
    place: view === 'spam' || view === 'trash' ? view : thread.archived ? 'archive' : 'inbox',
    unread: thread.unread,
    starred: thread.starred,
    labels: [],
  });
});
