/** Searching mail over HTTP in the running program (mail-contract §6), fed by real mail over SMTP. */
import type { Email, Mailbox, MailPage, Me, Thread } from '@tidings/contracts/http/mail-objects';
import type { FoundThread } from '@tidings/contracts/http/mail-search';
import type { Problem } from '@tidings/contracts/http/problem';
import type { MailboxId } from '@tidings/contracts/ids';
import { parseMailQuery } from '@tidings/contracts/mail-query/parse';
import { byPlace, type PlainMail, plainSearch } from '@tidings/projections/mail-search/testing/plain-search';
import * as E from 'fp-ts/lib/Either.js';
import { createTransport, type SendMailOptions } from 'nodemailer';
import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import type { TestIssuer } from '../kit/issuer.ts';
import type { ReachableProgram } from '../kit/program-holder.ts';
import { sharedProgram } from '../kit/shared-program.ts';
import { Dice } from './town.ts';

const USERS = ['alice', 'bob', 'carol'] as const;
type User = (typeof USERS)[number];
let issuer: TestIssuer;
let program: ReachableProgram;
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
const addressOf = (name: string): string => `${name}.finds@tidings.test`;

beforeAll(async () => {
  ({ program, issuer } = await sharedProgram());
  for (const user of USERS) {
    const roles = user === 'alice' ? ['tidings-admin'] : [];
    tokens[user] = await issuer.token({ sub: randomUUID(), name: user, email: addressOf(user), email_verified: true, roles });
    const [seen, own] = await vi.waitFor(async () => {
      const found = await ask<Me>(user, '/api/me');
      const [first] = found.mailboxes;
      if (first === undefined) throw new Error(`${user} has no mailbox yet`); // whoever is new gets one; with many beside them it may take its time
      return [found, first.id] as const;
    }, 20_000);
    me[user] = seen;
    mailboxes[user] = own;
  }
  for (const [name, members] of Object.entries(shared)) {
    const body = { kind: 'shared', address: addressOf(name), name };
    const opened = await call('alice', '/api/mailboxes', 'POST', {
      ...body,
      members: members.map(([user, role]) => ({ userId: me[user]?.user.id, role })),
    });
    mailboxes[name] = ((await opened.json()) as Mailbox).id; // the contract of the route
  }
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
      to: addressOf('bob'),
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
    await send({ to: addressOf('carol'), subject: 'Wandelend', text: 'wandering9' });
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
      await send({ to: addressOf('bob'), subject: `Paging ${n}`, text: 'pagingword1', messageId: `<paging-${n}@x>` });
    await visible('bob', 'pagingword1', 7);
    for (const n of [1, 4]) {
      const reply = { subject: `Re: Paging ${n}`, inReplyTo: `<paging-${n}@x>`, references: `<paging-${n}@x>` };
      await send({ to: addressOf('bob'), text: 'pagingword1 again', ...reply });
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
      await send({ to: addressOf('bob'), text: 'pagingword1 meanwhile', ...reply });
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
        to: addressOf(first),
        cc: more.map(addressOf),
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
        () => dice.one(['from:ann', 'from:@elsewhere.test', 'to:bob', 'cc:tidings', `to:${addressOf('town')}`, 'from:elsewhere']),
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

describe('the words of mail', () => {
  /** By subject: the mails of one's own that a question has to find. */
  const expectFound = async (questions: Readonly<Record<string, readonly string[]>>): Promise<void> => {
    for (const [q, subjects] of Object.entries(questions)) {
      expect([q, (await searched('alice', q)).map(({ thread }) => thread.subject).toSorted()]).toEqual([q, subjects]);
    }
  };

  it('are found in French, English and Dutch whatever their form, and nothing else is', async () => {
    const mails = {
      'Piscine municipale':
        "L'été, les chevaux de l’équitation boivent l'eau ; aujourd'hui nous avons organisé une Cérémonie près des cœurs. langues3",
      'Planning permission': 'The policies on hedges were discussed at two meetings; nobody is running late. langues3',
      'Vergunning nodig': 'De bomen en parkeervergunningen van beide gemeenten, één vóór de cafés, werden geïnspecteerd. langues3',
    } as const;
    for (const [subject, text] of Object.entries(mails)) await send({ to: addressOf('alice'), subject, text });
    await visible('alice', 'langues3', 3);
    const [french, english, dutch] = Object.keys(mails).map((subject) => [subject]) as [string[], string[], string[]]; // three mails
    await expectFound({
      // Accents, elisions, plurals and forms of verbs; as typed, or folded.
      "l'été langues3": french,
      'ÉTÉ langues3': french,
      'ete eau': french,
      'cheval équitations': french,
      'organiser cérémonies': french,
      '"l’ete les chevaux"': french,
      coeur: french,
      'policy hedge meeting': english,
      'discussing run': english,
      'boom langues3': dutch,
      'vergunningen langues3': dutch,
      // A compound by how it begins, and its plural by one of it.
      parkeer: dutch,
      parkeervergunning: dutch,
      'gemeente een voor cafe': dutch,
      'geinspecteerd -cheval': dutch,
      'subject:piscines OR subject:permissions OR subject:vergunning langues3': [...french, ...english, ...dutch].toSorted(),
      // Words found as they stand, and none by their ends.
      '"policy"': [],
      '"boom"': [],
      '"cheval"': [],
      'vergunningen cheval': [],
      ergunningen: [],
    });
  });

  it('and every modifier in three languages, also together, narrow what is found', async () => {
    const to = addressOf('alice');
    const text = 'opword4 alpha bravo';
    const cc = 'Zoe Smit <zoe@third.test>';
    await send({ to, cc, subject: 'First', text, attachments: [{ filename: 'plan.pdf', content: 'x'.repeat(30_000) }] });
    const ben = { name: 'Ben', address: 'ben@mail.elsewhere.test' };
    const blind = { envelope: { from: ben.address, to: [to] }, from: ben, to: 'someone@third.test' };
    await send({ ...blind, subject: 'Second', text: 'opword4 bravo alpha' });
    await send({ to, subject: 'Third', text });
    const box = mailboxes['alice'];
    const put = async (
      path: string,
      method: string,
      body: string | FormData,
      type: Readonly<Record<string, string>> = {},
    ): Promise<void> => {
      const headers = { authorization: `Bearer ${tokens['alice']}`, ...type };
      expect([path, (await fetch(`${program.httpUrl}${path}`, { method, headers, body })).ok]).toEqual([path, true]);
    };
    const sent = `From: ${to}\nTo: ${addressOf('bob')}\nSubject: Fourth\n\nopword4\n`;
    await put(`/api/mailboxes/${box}/submit`, 'POST', sent, { 'content-type': 'message/rfc822', 'X-Rcpt-To': addressOf('bob') });
    const old = new FormData();
    const draft = 'From alice Tue Mar 05 10:00:00 2019\nX-Gmail-Labels: Drafts\nSubject: Fifth\n\nopword4\n\n';
    old.append('file', new Blob([draft]), 'old.mbox');
    await put(`/api/mailboxes/${box}/imports`, 'POST', old);
    await visible('alice', 'opword4 in:drafts', 1);
    await visible('alice', 'opword4 in:sent', 1);
    await visible('alice', 'opword4 in:inbox', 3);

    const [first, second, third] = await Promise.all(
      ['first', 'second', 'third'].map(async (subject) => (await searched('alice', `subject:${subject} opword4`))[0]?.thread.id ?? ''),
    );
    const flag = (thread: string | undefined, set: object): Promise<Response> =>
      call('alice', '/api/threads/flags', 'POST', { mailboxId: box, threadIds: [thread], set });
    await flag(first, { starred: true });
    await flag(third, { spam: true });
    const label = await call('alice', `/api/mailboxes/${box}/labels`, 'POST', { name: 'Works/Schools roofs' });
    await call('alice', `/api/threads/${second}/labels/${((await label.json()) as { id: string }).id}`, 'PUT'); // the contract of the route
    await call('alice', `/api/threads/${second}/assignees/${me['alice']?.user.id}`, 'PUT');
    await visible('alice', 'opword4 in:spam', 1);
    await visible('alice', 'opword4 is:starred', 1);
    await visible('alice', 'opword4 label:works', 1);
    await visible('alice', 'opword4 is:assigned-to-me', 1);

    const year = new Date().getUTCFullYear();
    const yesterday = new Date(Date.now() - 86_400_000).toISOString().slice(0, 10);
    const questions: Readonly<Record<string, readonly string[]>> = {
      'is:unassigned': ['Fifth', 'First', 'Fourth'],
      'est:non-assigné in:inbox': ['First'],
      'is:niet-toegewezen': ['Fifth', 'First', 'Fourth'],
      '-is:unassigned': ['Second'],
      'est:assigné-à-moi': ['Second'],
      'is:aan-mij-toegewezen': ['Second'],
      'est:suivi': ['First'],
      'in:gevolgd': ['First'],
      'is:ongelezen': ['First', 'Second'],
      'IS:Read': ['Fifth', 'Fourth'],
      'in:spam': ['Third'],
      'dans:pourriel': ['Third'],
      'dans:brouillons': ['Fifth'],
      'in:verzonden': ['Fourth'],
      'in:all': ['Fifth', 'First', 'Fourth', 'Second'],
      'in:spam OR in:concepten': ['Fifth', 'Third'],
      'label:"Works/Schools roofs"': ['Second'],
      'étiquette:works': ['Second'],
      '-label:works in:inbox': ['First'],
      'cc:zoe': ['First'],
      'copie:@third.test': ['First'],
      'to:zoe@third.test': ['First'],
      'à:smit': ['First'],
      'aan:third': ['First', 'Second'],
      [`bcc:${addressOf('alice')}`]: ['Second'],
      'cci:alice': ['Second'],
      'van:ben': ['Second'],
      'de:"Ann Other"': ['First'],
      'From:@mail.elsewhere.test': ['Second'],
      'onderwerp:first': ['First'],
      'objet:sec': ['Second'],
      'corps:bravo': ['First', 'Second'],
      'tekst:"bravo alpha"': ['Second'],
      'body:first': [],
      'bestand:plan': ['First'],
      'fichier:pdf': ['First'],
      'has:attachment': ['First'],
      'contient:pièce-jointe': ['First'],
      'heeft:bijlage': ['First'],
      '-has:attachment in:inbox': ['Second'],
      'larger:20k': ['First'],
      'plus-grand:20k': ['First'],
      'smaller:20k in:inbox': ['Second'],
      'kleiner:20k alpha': ['Second'],
      'before:2019-03-06': ['Fifth'],
      'avant:2019-03-05': [],
      'on:2019-03-05': ['Fifth'],
      'le:2019-03': ['Fifth'],
      'op:2019-03-04': [],
      [`after:${yesterday}`]: ['First', 'Fourth', 'Second'],
      [`na:${year - 1} alpha`]: ['First', 'Second'],
      'après:2w': ['First', 'Fourth', 'Second'],
      'voor:2w': ['Fifth'],
      '(alpha is:starred) OR on:2019-03-05': ['Fifth', 'First'],
      '(from:ben OR has:attachment) -is:starred': ['Second'],
      '-(is:starred OR is:assigned-to-me)': ['Fifth', 'Fourth'],
      '"alpha bravo"': ['First'],
      '-"alpha bravo" alp': ['Second'],
    };
    await expectFound(Object.fromEntries(Object.entries(questions).map(([q, found]) => [`opword4 (${q})`, found])));
  });
});
