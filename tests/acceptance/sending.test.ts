/** Mail that is sent, as its sender sees it: once, to whom it names, and not if it was taken back in time. Over a power cut: live.test.ts. */
import type { Draft, Sending } from '@tidings/contracts/http/drafts';
import type { Email, Me, MailPage, Thread } from '@tidings/contracts/http/mail-objects';
import type { Problem } from '@tidings/contracts/http/problem';
import { simpleParser } from 'mailparser';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { forbidden, invalid, joinMailTown, type MailClient, missing, type SharedMailTown } from './mail-kit.ts';

let town: SharedMailTown<'ann' | 'bob' | 'eve'>;
let team: string;
let evesAddress: string;
let log: pg.Client;
const soon = { timeout: 60_000, interval: 25 };

beforeAll(async () => {
  town = await joinMailTown(['ann', 'bob', 'eve']);
  team = await town.openShared('outbox', { ann: 'sender', bob: 'editor' });
  evesAddress = (await town.as.eve.ask<Me>('GET', '/api/me')).mailboxes[0]?.address ?? '';
  log = new pg.Client({ connectionString: town.program.databaseUrl });
  await log.connect();
});
afterAll(() => log.end());

const begin = (by: MailClient, body: object, mailbox = team): Promise<Draft> => by.ask('POST', `/api/mailboxes/${mailbox}/drafts`, body);
const send = (by: MailClient, { id }: Draft, body: object = { undoSeconds: 0 }): Promise<typeof Sending._A> =>
  by.ask('POST', `/api/drafts/${id}/send`, body);
const sent = async (by: MailClient, emailId: string): Promise<Email> => {
  await expect.poll(() => by.status('GET', `/api/emails/${emailId}`), soon).toBe(200);
  return by.ask('GET', `/api/emails/${emailId}`);
};
const queued = async (emailId: string): Promise<number> =>
  (await log.query("select 1 from log.event where type = 'EmailQueued' and data::jsonb ->> 'emailId' = $1", [emailId])).rows.length;
const to = (...emails: string[]) => emails.map((email) => ({ email }));

describe('a draft that is sent', { timeout: 90_000 }, () => {
  it('is in its sender’s thread, goes to everybody once, and names nobody in secret', async () => {
    const { ann, bob } = town.as;
    const html = '<p>Chère Zoë</p>';
    const draft = await begin(ann, {
      to: [{ name: 'Zoë', email: 'zoe@elsewhere.test' }],
      bcc: to('boss@elsewhere.test', 'zoe@elsewhere.test'),
      subject: 'Été',
      html,
    });
    const { emailId, messageId } = await send(ann, draft);
    const email = await sent(ann, emailId);
    expect(email).toMatchObject({
      ...{ mailboxId: team, direction: 'out', subject: 'Été', messageId, preview: 'Chère Zoë', bcc: [{ email: 'boss@elsewhere.test' }] },
      from: [{ name: 'outbox', email: 'outbox@tidings.test' }],
    });
    await expect
      .poll(
        async () => (await bob.ask<MailPage<Thread>>('GET', `/api/mailboxes/${team}/threads?view=sent`)).content.map(({ id }) => id),
        soon,
      )
      .toContain(email.threadId);
    const raw = await (await ann.call('GET', `/api/emails/${emailId}/raw`)).text();
    expect(raw).not.toMatch(/boss|^bcc/im);
    expect(await simpleParser(raw)).toMatchObject({ subject: 'Été', text: 'Chère Zoë' });
    await expect.poll(() => queued(emailId), soon).toBe(1);
    expect(await ann.refused('GET', `/api/drafts/${draft.id}`)).toEqual(missing);
  });

  it('is one mail, however often and at once it is sent', async () => {
    const { ann } = town.as;
    const draft = await begin(ann, { to: to('zoe@elsewhere.test'), subject: 'once', text: 'x' });
    const answers = await Promise.all(Array.from({ length: 5 }, () => send(ann, draft)));
    expect(new Set(answers.map(({ emailId }) => emailId)).size).toBe(1);
    const [{ emailId } = { emailId: '' }] = answers;
    await sent(ann, emailId);
    await expect.poll(() => queued(emailId), soon).toBe(1);
    expect(await send(ann, draft)).toMatchObject({ emailId });
    expect(await ann.refused('DELETE', `/api/drafts/${draft.id}/send`)).toEqual([409, 'CONFLICT']);
    expect(await ann.status('PUT', `/api/drafts/${draft.id}`, { revision: 1, text: 'y' })).toBe(409);
    expect(await queued(emailId)).toBe(1);
  });

  it('can be taken back until its time, and then written on and sent as the same mail', async () => {
    const { ann } = town.as;
    const draft = await begin(ann, { to: to('zoe@elsewhere.test'), subject: 'not yet', text: 'x' });
    const first = await send(ann, draft, {});
    expect(Date.parse(first.sendAt) - Date.now()).toBeGreaterThan(5_000);
    expect(await ann.status('PUT', `/api/drafts/${draft.id}`, { revision: 1, text: 'y' })).toBe(409);
    expect(await ann.ask<Draft>('GET', `/api/drafts/${draft.id}`)).toMatchObject({ sending: { emailId: first.emailId } });
    expect(await ann.ask<Draft>('DELETE', `/api/drafts/${draft.id}/send`)).toMatchObject({ revision: 1, sending: null });
    const at = new Date(Date.now() + 1_500).toISOString();
    await ann.ask('PUT', `/api/drafts/${draft.id}`, { revision: 1, text: 'changed' });
    expect(await ann.refused('POST', `/api/drafts/${draft.id}/send`, { sendAt: '2020-01-01T00:00:00Z' })).toEqual(invalid('sendAt'));
    expect(await ann.status('POST', `/api/drafts/${draft.id}/send`, { revision: 1 })).toBe(409);
    const scheduled = await send(ann, draft, { sendAt: at });
    expect(scheduled).toEqual({ ...first, sendAt: at });
    expect(await ann.status('GET', `/api/emails/${first.emailId}`)).toBe(404);
    const email = await sent(ann, first.emailId);
    expect([email.preview, email.sentAt]).toEqual(['changed', at.replace(/\.\d+Z/, '.000Z')]);
    expect(Date.parse(email.receivedAt)).toBeGreaterThanOrEqual(Date.parse(at));
  });

  it('names what is wrong with it', async () => {
    const { ann, bob, eve } = town.as;
    const refused = async (body: object) => ann.refused('POST', `/api/drafts/${(await begin(ann, body)).id}/send`, {});
    expect(await refused({ subject: 'to nobody' })).toEqual(invalid('recipients'));
    const many = (kind: string) => Array.from({ length: 300 }, (_, at) => ({ email: `${kind}${at}@elsewhere.test` }));
    expect(await refused({ to: many('a'), cc: many('b') })).toEqual(invalid('recipients'));
    const draft = await begin(bob, { to: to('zoe@elsewhere.test') });
    for (const [method, path] of [
      ['POST', 'send'],
      ['DELETE', 'send'],
    ] as const) {
      expect(await bob.refused(method, `/api/drafts/${draft.id}/${path}`)).toEqual(forbidden);
      expect(await eve.refused(method, `/api/drafts/${draft.id}/${path}`)).toEqual(missing);
    }
  });
});

describe('an answer that is sent', { timeout: 90_000 }, () => {
  it('stays in the thread with the whole chain, and marks what it answers', async () => {
    const { ann } = town.as;
    const mail = await town.send('ann', {
      ...{ to: 'outbox@tidings.test', subject: 'Question', text: '?', messageId: '<q@elsewhere.test>' },
      references: ['<root@elsewhere.test>', '<middle@elsewhere.test>'],
    });
    const draft = await begin(ann, { inReplyTo: { emailId: mail.id, mode: 'reply' }, subject: 'Something else' });
    const { emailId } = await send(ann, draft);
    const email = await sent(ann, emailId);
    expect(email).toMatchObject({
      ...{ threadId: mail.threadId, inReplyTo: ['q@elsewhere.test'], subject: 'Something else' },
      references: ['root@elsewhere.test', 'middle@elsewhere.test', 'q@elsewhere.test'],
    });
    await expect.poll(async () => (await ann.ask<Email>('GET', `/api/emails/${mail.id}`)).keywords.$answered, soon).toBe(true);
    expect((await ann.ask<Thread>('GET', `/api/threads/${mail.threadId}?mailboxId=${team}`)).hasDraft).toBe(false);
    // What comes back joins it, too.
    const back = await town.send('ann', {
      to: 'outbox@tidings.test',
      subject: 'Re: Something else',
      text: '!',
      inReplyTo: `<${email.messageId ?? ''}>`,
    });
    expect(back.threadId).toBe(mail.threadId);
  });

  it('is not sent into a thread that was taken back meanwhile, but as a new message', async () => {
    const { ann, eve } = town.as;
    const { mailboxes } = await eve.ask<Me>('GET', '/api/me');
    const own = mailboxes[0]?.id ?? '';
    const mail = await town.send('ann', { to: 'outbox@tidings.test', subject: 'Shared', text: '?' });
    await ann.ask('PUT', `/api/threads/${mail.threadId}/mailboxes/${own}`, { role: 'editor' });
    const draft = await begin(eve, { inReplyTo: { emailId: mail.id, mode: 'reply' } }, own);
    await ann.ask('DELETE', `/api/threads/${mail.threadId}/mailboxes/${own}`);
    expect(await eve.refused('POST', `/api/drafts/${draft.id}/send`, {})).toEqual([409, 'CONFLICT', 'inReplyTo']);
    await eve.ask('PUT', `/api/drafts/${draft.id}`, { revision: 1, inReplyTo: null });
    const { emailId } = await send(eve, draft);
    expect((await sent(eve, emailId)).threadId).not.toBe(mail.threadId);
  });
});

describe('a whole message', { timeout: 90_000 }, () => {
  const submit = async (by: MailClient, message: string, rcptTo: string, mailbox = team, headers: object = {}): Promise<Response> =>
    fetch(`${town.program.httpUrl}/api/mailboxes/${mailbox}/submit`, {
      method: 'POST',
      headers: { authorization: `Bearer ${by.token}`, 'content-type': 'message/rfc822', 'x-rcpt-to': rcptTo, ...headers },
      body: message,
    });
  const refused = async (...request: Parameters<typeof submit>) => {
    const response = await submit(...request);
    const problem = (await response.json()) as Problem;
    return [response.status, problem.code, ...(problem.errors ?? []).map(({ path }) => path)];
  };
  const head = 'From: Team <outbox@tidings.test>\nTo: zoe@elsewhere.test\nSubject: Whole\n';

  it('is accepted, and goes to whom the envelope names', async () => {
    const { ann } = town.as;
    const headers = { 'idempotency-key': 'whole-1' };
    const once = await submit(ann, `${head}\nHello\n`, 'zoe@elsewhere.test, boss@elsewhere.test', team, headers);
    const accepted = (await once.json()) as { readonly emailId: string };
    expect([once.status, accepted]).toEqual([
      202,
      { messageId: `${accepted.emailId}@tidings.test`, emailId: accepted.emailId, status: 'accepted' },
    ]);
    const again = await submit(ann, `${head}\nHello\n`, 'zoe@elsewhere.test, boss@elsewhere.test', team, headers);
    expect([again.status, await again.json()]).toEqual([202, accepted]);
    const email = await sent(ann, accepted.emailId);
    expect(email).toMatchObject({ subject: 'Whole', direction: 'out', bcc: [{ email: 'boss@elsewhere.test' }] });
    expect(email.sentAt).not.toBeNull();
    await expect.poll(() => queued(accepted.emailId), soon).toBe(1);
  });

  it('is its sender’s own, without secrets, and within bounds', async () => {
    const { ann, bob, eve } = town.as;
    const bcc = 'zoe@elsewhere.test';
    expect(await refused(ann, `From: ${evesAddress}\n\nx`, bcc)).toEqual([...forbidden, 'from.email']);
    expect(await refused(ann, `From: outbox@tidings.test, ${evesAddress}\n\nx`, bcc)).toEqual([...forbidden, 'from.email']);
    expect(await refused(ann, 'From: outbox@tidings.test\nFrom: outbox@tidings.test\n\nx', bcc)).toEqual([...forbidden, 'from.email']);
    expect(await refused(ann, `${head}Bcc: boss@elsewhere.test\n\nx`, bcc)).toEqual(invalid('Bcc'));
    expect(await refused(ann, `${head}\nx`, '')).toEqual(invalid('recipients'));
    expect(await refused(ann, `${head}\nx`, 'nobody')).toEqual(invalid('recipients'));
    expect(await refused(ann, `${head}\nx`, Array.from({ length: 501 }, (_, at) => `a${at}@x.test`).join(','))).toEqual(
      invalid('recipients'),
    );
    expect(await refused(ann, 'no header at all', bcc)).toEqual(invalid('body'));
    expect((await submit(ann, '{}', bcc, team, { 'content-type': 'application/json' })).status).toBe(415);
    expect(await refused(bob, `${head}\nx`, bcc)).toEqual(forbidden);
    expect(await refused(eve, `${head}\nx`, bcc)).toEqual(missing);
  });
});
