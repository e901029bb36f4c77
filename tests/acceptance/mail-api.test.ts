/** Mailboxes, threads and emails over HTTP in the running program (mail-contract §1-§3), fed by real mail over SMTP. */
import type { Email, Mailbox, MailboxCounts, MailboxMember, MailPage, Me, Thread } from '@tidings/contracts/http/mail-objects';
import type { Problem } from '@tidings/contracts/http/problem';
import { createTransport, type SendMailOptions } from 'nodemailer';
import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import type { TestIssuer } from '../kit/issuer.ts';
import type { ReachableProgram } from '../kit/program-holder.ts';
import { sharedProgram } from '../kit/shared-program.ts';

let issuer: TestIssuer;
let program: ReachableProgram;
/** A domain admin, who opens mailboxes. */
const ADMIN = 'alice';
const me: Record<string, Me> = {};
const tokens: Record<string, string> = {};
beforeAll(async () => {
  ({ program, issuer } = await sharedProgram());
  for (const user of ['alice', 'bob', 'carol']) {
    const roles = user === ADMIN ? ['tidings-admin'] : [];
    tokens[user] = await issuer.token({ sub: randomUUID(), name: user, email: `${user}@tidings.test`, email_verified: true, roles });
    me[user] = await vi.waitFor(async () => {
      const seen = await ask<Me>(user, 'GET', '/api/me');
      if (seen.mailboxes.length === 0) throw new Error(`${user} has no mailbox yet`); // beside many others it may come after the first answer
      return seen;
    }, 20_000);
  }
});

const call = async (user: string, method: string, path: string, body?: object, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(`${program.httpUrl}${path}`, {
    method,
    headers: {
      authorization: `Bearer ${tokens[user]}`,
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...headers,
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
const ask = async <A>(...request: Parameters<typeof call>): Promise<A> => {
  const response = await call(...request);
  expect([request[2], response.status]).toEqual([request[2], 200]);
  return (await response.json()) as A; // the contract of the route
};
const refused = async (...request: Parameters<typeof call>): Promise<readonly [number, string, ...string[]]> => {
  const response = await call(...request);
  const problem = (await response.json()) as Problem; // every error has this body
  return [response.status, problem.code, ...(problem.errors ?? []).map(({ path }) => path)];
};
const status = async (...request: Parameters<typeof call>): Promise<number> => (await call(...request)).status;
const idOf = (user: string): string => me[user]?.user.id ?? '';

/** Sends one mail and waits until `reader` can read it. */
const send = async (reader: string, mail: SendMailOptions): Promise<Email> => {
  const transport = createTransport({ host: '127.0.0.1', port: program.smtpPort, tls: { rejectUnauthorized: false } });
  const { response } = await transport.sendMail({ from: 'Ann Other <ann@elsewhere.test>', ...mail });
  transport.close();
  const id = /queued as ([0-9a-f-]{36})/.exec(response)?.[1] ?? '';
  await expect.poll(() => status(reader, 'GET', `/api/emails/${id}`), { timeout: 20_000, interval: 20 }).toBe(200);
  const email = await ask<Email>(reader, 'GET', `/api/emails/${id}`);
  const thread = `/api/threads/${email.threadId}`;
  await expect.poll(() => status(reader, 'GET', thread), { timeout: 20_000, interval: 20 }).toBe(200);
  // Emails and threads are read models of their own: the thread may know the mails before this one only.
  const { length } = (await ask<MailPage<Email>>(reader, 'GET', `${thread}/messages`)).content;
  const counted = async (): Promise<number> => (await ask<Thread>(reader, 'GET', thread)).messageCount;
  await expect.poll(counted, { timeout: 20_000, interval: 20 }).toBeGreaterThanOrEqual(length);
  return email;
};

const openShared = async (name: string, members?: readonly { readonly userId: string; readonly role: string }[]): Promise<Mailbox> =>
  ask<Mailbox>(ADMIN, 'POST', '/api/mailboxes', {
    kind: 'shared',
    address: `${name}@tidings.test`,
    name,
    ...(members === undefined ? {} : { members }),
  });

describe('mailboxes', () => {
  it('tell who I am and which are mine', () => {
    expect(me['bob']).toMatchObject({
      user: { id: idOf('bob') },
      email: 'bob@tidings.test',
      isAdmin: false,
      mailboxes: [{ address: 'bob@tidings.test', kind: 'personal', role: 'admin', aliases: [], counts: { threads: 0, unreadThreads: 0 } }],
    });
  });

  it('are opened by domain admins alone, at free addresses of our domains, once per key', async () => {
    const body = { kind: 'shared', address: 'Support@Tidings.test', name: 'Support' };
    expect(await refused('bob', 'POST', '/api/mailboxes', body)).toEqual([403, 'INSUFFICIENT_PERMISSIONS']);
    const key = { 'idempotency-key': randomUUID() };
    const opened = await ask<Mailbox>(ADMIN, 'POST', '/api/mailboxes', body, key);
    expect(opened).toMatchObject({ address: 'support@tidings.test', name: 'Support', kind: 'shared', role: 'admin' });
    expect(await ask(ADMIN, 'POST', '/api/mailboxes', body, key)).toEqual(opened);
    expect(await refused(ADMIN, 'POST', '/api/mailboxes', { ...body, name: 'Other' }, key)).toEqual([422, 'IDEMPOTENCY_KEY_REUSED']);
    expect(await refused(ADMIN, 'POST', '/api/mailboxes', body)).toEqual([409, 'CONFLICT']);
    expect(await refused(ADMIN, 'POST', '/api/mailboxes', { ...body, address: 'a@elsewhere.test' })).toEqual([
      400,
      'VALIDATION_ERROR',
      'address',
    ]);
    expect(await refused(ADMIN, 'POST', '/api/mailboxes', { ...body, address: 'nobody' })).toEqual([400, 'VALIDATION_ERROR', 'address']);
    expect(await refused(ADMIN, 'POST', '/api/mailboxes', { ...body, kind: 'personal' })).toEqual([400, 'VALIDATION_ERROR', 'kind']);
  });

  it('have members, of whom one admin must stay', async () => {
    const { id } = await openShared('crew');
    const path = `/api/mailboxes/${id}/members`;
    expect(await status('bob', 'GET', path)).toBe(404);
    expect(await ask('alice', 'PUT', `${path}/${idOf('bob')}`, { role: 'viewer' })).toEqual({
      userId: idOf('bob'),
      displayName: me['bob']?.user.displayName,
      role: 'viewer',
    });
    expect((await ask<MailPage<MailboxMember>>('bob', 'GET', path)).content.map(({ userId, role }) => [userId, role]).toSorted()).toEqual(
      [
        [idOf('alice'), 'admin'],
        [idOf('bob'), 'viewer'],
      ].toSorted(),
    );
    expect(await refused('alice', 'DELETE', `${path}/${idOf('alice')}`)).toEqual([409, 'CONFLICT']);
    expect(await refused('alice', 'PUT', `${path}/${randomUUID()}`, { role: 'viewer' })).toEqual([404, 'CONTENT_NOT_FOUND']);
    expect(await refused('alice', 'PUT', `${path}/${idOf('carol')}`, { role: 'king' })).toEqual([400, 'VALIDATION_ERROR', 'role']);
    expect(await status('alice', 'DELETE', `${path}/${idOf('bob')}`)).toBe(200);
    expect(await status('bob', 'GET', `/api/mailboxes/${id}`)).toBe(404);
  });

  it('let each role do what it may, and show nothing to others', async () => {
    const { id } = await openShared('matrix');
    const { id: emailId, threadId } = await send('alice', { to: 'matrix@tidings.test', subject: 'Matrix', text: 'x' });
    const member = `/api/mailboxes/${id}/members/${idOf('bob')}`;
    const attempts = async (): Promise<Record<string, number>> => ({
      read: await status('bob', 'GET', `/api/mailboxes/${id}`),
      members: await status('bob', 'GET', `/api/mailboxes/${id}/members`),
      list: await status('bob', 'GET', `/api/mailboxes/${id}/threads`),
      counts: await status('bob', 'GET', `/api/mailboxes/${id}/counts`),
      thread: await status('bob', 'GET', `/api/threads/${threadId}`),
      messages: await status('bob', 'GET', `/api/threads/${threadId}/messages`),
      email: await status('bob', 'GET', `/api/emails/${emailId}`),
      raw: await status('bob', 'GET', `/api/emails/${emailId}/raw`),
      part: await status('bob', 'GET', `/api/emails/${emailId}/parts/1`),
      markRead: await status('bob', 'PUT', `/api/threads/${threadId}/read`, { mailboxId: id, upTo: emailId }),
      flag: await status('bob', 'POST', '/api/threads/flags', { mailboxId: id, threadIds: [threadId], set: { starred: true } }),
      manage: await status('bob', 'PUT', `/api/mailboxes/${id}/members/${idOf('carol')}`, { role: 'viewer' }),
    });
    const reading = {
      read: 200,
      members: 200,
      list: 200,
      counts: 200,
      thread: 200,
      messages: 200,
      email: 200,
      raw: 200,
      part: 200,
      markRead: 200,
    };
    const nothing = Object.fromEntries(Object.keys({ ...reading, flag: 0, manage: 0 }).map((action) => [action, 404]));
    expect(await attempts()).toEqual(nothing);
    const expected = {
      viewer: { flag: 403, manage: 403 },
      editor: { flag: 200, manage: 403 },
      sender: { flag: 200, manage: 403 },
      admin: { flag: 200, manage: 200 },
    };
    for (const [role, more] of Object.entries(expected)) {
      await ask(ADMIN, 'PUT', member, { role });
      expect([role, await attempts()]).toEqual([role, { ...reading, ...more }]);
    }
    await ask(ADMIN, 'PUT', `/api/mailboxes/${id}/members/${idOf('carol')}`, { role: 'admin' });
    expect(await status('carol', 'DELETE', member)).toBe(200);
    expect(await attempts()).toEqual(nothing);
    // A domain admin manages a mailbox without being in it, and reads nothing there.
    expect(await status('carol', 'DELETE', `/api/mailboxes/${id}/members/${idOf('alice')}`)).toBe(200);
    expect(await status(ADMIN, 'GET', `/api/mailboxes/${id}/threads`)).toBe(404);
    expect(await status(ADMIN, 'GET', `/api/emails/${emailId}`)).toBe(404);
    expect(await ask<Mailbox>(ADMIN, 'GET', `/api/mailboxes/${id}`)).toMatchObject({ role: null });
    expect(await status(ADMIN, 'PUT', `/api/mailboxes/${id}/members/${idOf('bob')}`, { role: 'viewer' })).toBe(200);
  });
});

describe('mail', () => {
  it('is a thread with its emails, read, starred, put away and taken back', async () => {
    const { id: mailboxId } = await openShared('story');
    const first = await send('alice', {
      to: 'story@tidings.test',
      bcc: 'bob@tidings.test',
      subject: 'Plans',
      text: 'What shall we do?',
      messageId: '<plans@elsewhere.test>',
    });
    const answer = await send('alice', {
      to: 'story@tidings.test',
      subject: 'Re: Plans',
      text: 'Sleep.',
      inReplyTo: '<plans@elsewhere.test>',
      from: 'Bea <bea@elsewhere.test>',
    });
    const { threadId } = first;
    expect(first).toMatchObject({
      mailboxId,
      bcc: [],
      bodyValues: { [first.textBody[0]?.partId ?? '']: { value: expect.stringContaining('What shall we do?') } },
    });
    expect(await ask<Email>('bob', 'GET', `/api/emails/${first.id}`)).toMatchObject({
      bcc: [{ email: 'bob@tidings.test' }],
      to: [{ email: 'story@tidings.test' }],
    });

    const list = async (query = ''): Promise<readonly Thread[]> =>
      (await ask<MailPage<Thread>>('alice', 'GET', `/api/mailboxes/${mailboxId}/threads${query}`)).content;
    const counts = async () => (await ask<MailboxCounts>('alice', 'GET', `/api/mailboxes/${mailboxId}/counts`)).views;
    const [thread] = await list();
    expect(thread).toMatchObject({
      id: threadId,
      subject: 'Plans',
      snippet: 'Sleep.',
      participants: [
        { name: 'Ann Other', email: 'ann@elsewhere.test' },
        { name: 'Bea', email: 'bea@elsewhere.test' },
      ],
      messageCount: 2,
      unreadCount: 2,
      access: [{ mailboxId, role: 'editor' }],
    });
    expect(await ask('alice', 'GET', `/api/threads/${threadId}`)).toEqual(thread);
    const page = await ask<MailPage<Email>>('alice', 'GET', `/api/threads/${threadId}/messages?limit=1`);
    expect(page.content).toEqual([first]);
    expect((await ask<MailPage<Email>>('alice', 'GET', `/api/threads/${threadId}/messages?cursor=${page.cursor}`)).content).toEqual([
      answer,
    ]);

    const read = (upTo: string | null) => ask<Thread>('alice', 'PUT', `/api/threads/${threadId}/read`, { mailboxId, upTo });
    expect(await read(first.id)).toMatchObject({ unreadCount: 1 });
    expect(await read(answer.id)).toMatchObject({ unread: false });
    expect(await list('?unread=true')).toEqual([]);
    expect(await read(null)).toMatchObject({ unreadCount: 2 });
    expect(await refused('alice', 'PUT', `/api/threads/${threadId}/read`, { mailboxId, upTo: randomUUID() })).toEqual([
      400,
      'VALIDATION_ERROR',
      'upTo',
    ]);

    const unknown = randomUUID();
    const flag = (set: object) =>
      ask<{ content: readonly unknown[] }>('alice', 'POST', '/api/threads/flags', { mailboxId, threadIds: [threadId, unknown], set });
    expect(await flag({ starred: true, archived: true })).toMatchObject({
      content: [
        { threadId, changed: true, thread: { starred: true, archived: true } },
        { threadId: unknown, changed: false, thread: null },
      ],
    });
    expect(await flag({ starred: true })).toMatchObject({ content: [{ changed: false }, {}] });
    expect(await list()).toEqual([]);
    for (const view of ['archive', 'starred', 'all']) expect((await list(`?view=${view}`)).map(({ id }) => id)).toEqual([threadId]);
    await flag({ archived: false, trashed: true });
    expect((await list('?view=trash')).map(({ trashed }) => trashed)).toEqual([true]);
    expect(await counts()).toMatchObject({ inbox: { threads: 0 }, all: { threads: 0 }, trash: { threads: 1, unread: 1 } });
    await flag({ trashed: false, spam: true });
    expect((await list('?view=spam')).map(({ spam }) => spam)).toEqual([true]);
    await flag({ spam: false });
    expect(await counts()).toMatchObject({ inbox: { threads: 1, unread: 1 }, trash: { threads: 0 }, spam: { threads: 0 } });
  });

  it('gives bytes as received, and parts that no browser runs', async () => {
    await openShared('files');
    const page = '<script>alert(1)</script>';
    const email = await send('alice', {
      to: 'files@tidings.test',
      subject: 'Files',
      html: '<p>See <img src="cid:pic@x"></p>',
      attachments: [
        { filename: 'pic.png', cid: 'pic@x', content: Buffer.from([137, 80, 78, 71]), contentType: 'image/png' },
        { filename: 'evil "page".html', content: page, contentType: 'text/html' },
      ],
    });
    const picture = /\/api\/emails\/[0-9a-f-]{36}\/parts\/[0-9.]+/.exec(JSON.stringify(email.bodyValues))?.[0] ?? '';
    const shown = await call('alice', 'GET', picture);
    expect([shown.status, shown.headers.get('content-type'), [...new Uint8Array(await shown.arrayBuffer())]]).toEqual([
      200,
      'image/png',
      [137, 80, 78, 71],
    ]);

    const evil = email.attachments.find(({ type }) => type === 'text/html');
    const part = await call('alice', 'GET', `/api/emails/${email.id}/parts/${evil?.partId}`);
    expect([part.headers.get('content-type'), part.headers.get('x-content-type-options'), await part.text()]).toEqual([
      'application/octet-stream',
      'nosniff',
      page,
    ]);
    expect(part.headers.get('content-disposition')).toBe(
      `attachment; filename="evil _page_.html"; filename*=UTF-8''evil%20%22page%22.html`,
    );
    expect(part.headers.get('content-security-policy')).toContain('sandbox');
    for (const none of ['9', '../raw', 'x', '1.'.repeat(100)]) {
      expect(await status('alice', 'GET', `/api/emails/${email.id}/parts/${encodeURIComponent(none)}`)).toBe(404);
    }

    const raw = await call('alice', 'GET', `/api/emails/${email.id}/raw`);
    const received = Buffer.from(await raw.arrayBuffer());
    expect([raw.headers.get('content-type'), received.length]).toEqual(['message/rfc822', email.size]);
    expect(received.toString('latin1')).toContain('Subject: Files\r\n');
  });

  it('pages without skipping or repeating while mail arrives', async () => {
    const { id } = await openShared('busy');
    const subjects = Array.from({ length: 9 }, (_, n) => `Thread ${n}`);
    for (const [n, subject] of subjects.entries())
      await send('alice', { to: 'busy@tidings.test', subject, text: 'x', messageId: `<busy-${n}@elsewhere.test>` });
    const met: string[] = [];
    let cursor: string | null = '';
    for (let page = 0; cursor !== null; page += 1) {
      const found: MailPage<Thread> = await ask('alice', 'GET', `/api/mailboxes/${id}/threads?limit=2&cursor=${cursor}`);
      met.push(...found.content.map(({ subject }) => subject));
      cursor = found.cursor;
      // An answer to a thread that comes on a later page, and a new one.
      await send('alice', {
        to: 'busy@tidings.test',
        subject: `Re: Thread ${page}`,
        text: 'x',
        inReplyTo: `<busy-${page}@elsewhere.test>`,
      });
      await send('alice', { to: 'busy@tidings.test', subject: `New ${page}`, text: 'x' });
    }
    expect(met).toEqual(subjects.toReversed());
  });

  it('says what it cannot answer', async () => {
    const mailboxId = me['bob']?.mailboxes[0]?.id;
    const threads = `/api/mailboxes/${mailboxId}/threads`;
    expect(await refused('bob', 'GET', `${threads}?label=x&q=y`)).toEqual([400, 'VALIDATION_ERROR', 'label']);
    expect(await refused('bob', 'GET', `${threads}?assignee=me`)).toEqual([400, 'VALIDATION_ERROR', 'assignee']);
    expect(await refused('bob', 'GET', `${threads}?view=attic&unread=maybe&limit=101`)).toEqual([
      400,
      'VALIDATION_ERROR',
      'limit',
      'view',
      'unread',
    ]);
    expect(await refused('bob', 'GET', `${threads}?cursor=e30`)).toEqual([400, 'VALIDATION_ERROR', 'cursor']);
    expect(await refused('bob', 'GET', `/api/mailboxes/${randomUUID()}/threads`)).toEqual([404, 'CONTENT_NOT_FOUND']);
    expect(await refused('bob', 'GET', '/api/threads/x')).toEqual([400, 'VALIDATION_ERROR', 'threadId']);
    expect(await refused('bob', 'POST', '/api/threads/flags', { mailboxId, threadIds: [], set: {} })).toEqual([
      400,
      'VALIDATION_ERROR',
      'threadIds',
    ]);
  });
});
