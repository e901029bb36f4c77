/** Threads that two mailboxes hold, in the running program (mail-contract §1, §3). */
import type { Email, MailPage, Thread } from '@tidings/contracts/http/mail-objects';
import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { conflict, forbidden, type SharedMailTown, missing, joinMailTown } from './mail-kit.ts';

/** Ada is in the first mailbox alone, Bob and Cyd in the second. */
let town: SharedMailTown<'ada' | 'bob' | 'cyd'>;
beforeAll(async () => {
  town = await joinMailTown(['ada', 'bob', 'cyd']);
});

const SOON = { timeout: 20_000, interval: 20 };
let pairs = 0;
const twoMailboxes = async () => {
  pairs += 1;
  const name = `own${pairs}`;
  const own = await town.openShared(name, { ada: 'admin' });
  const other = await town.openShared(`other${pairs}`, { bob: 'sender', cyd: 'viewer' });
  const mail = await town.send('ada', {
    to: `${name}@tidings.test`,
    subject: 'Roof',
    text: 'It leaks.',
    messageId: `<${name}@elsewhere.test>`,
    attachments: [{ filename: 'plan.txt', content: 'the plan', contentType: 'text/plain' }],
  });
  const { threadId } = mail;
  const share = (role: string) => town.as.ada.ask<Thread>('PUT', `/api/threads/${threadId}/mailboxes/${other}`, { role });
  const reply = (text: string) =>
    town.send('ada', {
      to: `${name}@tidings.test`,
      subject: 'Re: Roof',
      text,
      inReplyTo: `<${name}@elsewhere.test>`,
    });
  return { own, other, mail, threadId, share, reply, to: `${name}@tidings.test` };
};
const seenBy = async (who: 'ada' | 'bob' | 'cyd', thread: string) =>
  (await town.as[who].ask<MailPage<Email>>('GET', `/api/threads/${thread}/messages`)).content;

describe('a shared thread', () => {
  it('is read by those of the other mailbox, with all that comes later and what is attached, and no more once it is taken back', async () => {
    const { own, other, mail, threadId, share, reply } = await twoMailboxes();
    const { bob, cyd } = town.as;
    expect(await bob.refused('GET', `/api/threads/${threadId}`)).toEqual(missing);
    const heard = await town.listen('cyd');
    const shared = await share('viewer');
    const access = [
      { mailboxId: own, role: 'editor' },
      { mailboxId: other, role: 'viewer' },
    ];
    expect(shared.access).toEqual(access);
    expect(await cyd.ask<Thread>('GET', `/api/threads/${threadId}`)).toMatchObject({ subject: 'Roof', access, unread: true });
    const [first] = await seenBy('cyd', threadId);
    expect(first).toMatchObject({ id: mail.id, mailboxId: other, receivedAt: mail.receivedAt, bcc: [] });
    const plan = first?.attachments[0];
    const part = await cyd.call('GET', `/api/emails/${mail.id}/parts/${plan?.partId}`);
    expect([part.status, await part.text()]).toEqual([200, 'the plan']);
    expect(await cyd.status('GET', `/api/emails/${mail.id}/raw`)).toBe(200);

    const answer = await reply('It still does.');
    await expect.poll(async () => (await seenBy('cyd', threadId)).map(({ id }) => id), SOON).toEqual([mail.id, answer.id]);
    await expect
      .poll(() => heard.heard.map(({ event }) => event.type), SOON)
      .toEqual(expect.arrayContaining(['EmailReceived', 'ThreadChanged']));
    heard.close();

    await town.as.ada.ask('DELETE', `/api/threads/${threadId}/mailboxes/${other}`);
    for (const who of [bob, cyd]) {
      expect(await who.refused('GET', `/api/threads/${threadId}`)).toEqual(missing);
      expect(await who.refused('GET', `/api/emails/${mail.id}`)).toEqual(missing);
    }
    const list = await bob.ask<MailPage<Thread>>('GET', `/api/mailboxes/${other}/threads?view=all`);
    expect(list.content).toEqual([]);
    expect(await bob.ask('GET', `/api/mailboxes/${other}/counts`)).toMatchObject({ views: { all: { threads: 0, unread: 0 } } });
    expect((await town.as.ada.ask<Thread>('GET', `/api/threads/${threadId}`)).access).toEqual(access.slice(0, 1));
    await share('editor');
    expect((await seenBy('bob', threadId)).map(({ id }) => id)).toEqual([mail.id, answer.id]);
  });

  it('keeps marks and flags per mailbox', async () => {
    const { own, other, mail, threadId, share } = await twoMailboxes();
    const { ada, bob } = town.as;
    await share('editor');
    await bob.ask('PUT', `/api/threads/${threadId}/read`, { mailboxId: other, upTo: mail.id });
    await bob.ask('POST', '/api/threads/flags', { mailboxId: other, threadIds: [threadId], set: { starred: true, archived: true } });
    expect(await bob.ask<Thread>('GET', `/api/threads/${threadId}`)).toMatchObject({ unread: false, starred: true, archived: true });
    expect(await ada.ask<Thread>('GET', `/api/threads/${threadId}`)).toMatchObject({ unread: true, starred: false, archived: false });
    expect(own).not.toBe(other);
  });

  it('allows the lesser of what people are to their mailbox and that is to the thread', async () => {
    const { own, other, mail, threadId, share } = await twoMailboxes();
    const { ada, bob, cyd } = town.as;
    await share('viewer');
    const flag = () => bob.ask<object>('POST', '/api/threads/flags', { mailboxId: other, threadIds: [threadId], set: { starred: true } });
    const asBob = async () => ({
      comment: await bob.status('POST', `/api/threads/${threadId}/comments`, { content: 'x' }),
      assign: await bob.status('PUT', `/api/threads/${threadId}/assignees/${bob.id}`),
      share: await bob.status('PUT', `/api/threads/${threadId}/mailboxes/${other}`, { role: 'editor' }),
    });
    expect(await asBob()).toEqual({ comment: 403, assign: 403, share: 403 });
    expect(await flag()).toMatchObject({ content: [{ changed: false, thread: { starred: false } }] });
    expect(await bob.status('PUT', `/api/threads/${threadId}/read`, { mailboxId: other, upTo: mail.id })).toBe(200);
    await share('editor');
    expect(await flag()).toMatchObject({ content: [{ changed: true, thread: { starred: true } }] });
    expect(await asBob()).toEqual({ comment: 200, assign: 200, share: 200 });
    expect((await ada.ask<Thread>('GET', `/api/threads/${threadId}`)).assignees).toEqual([bob.id]);
    expect(await cyd.refused('POST', `/api/threads/${threadId}/comments`, { content: 'x' })).toEqual(forbidden);
    expect(await cyd.refused('DELETE', `/api/threads/${threadId}/mailboxes/${other}`)).toEqual(forbidden);

    // Who loses what the share gave no longer takes care of it.
    await share('viewer');
    await expect.poll(async () => (await ada.ask<Thread>('GET', `/api/threads/${threadId}`)).assignees, SOON).toEqual([]);
    expect(await ada.refused('PUT', `/api/threads/${threadId}/mailboxes/${own}`, { role: 'viewer' })).toEqual(conflict);
    expect(await ada.refused('DELETE', `/api/threads/${threadId}/mailboxes/${own}`)).toEqual(conflict);
    expect(await ada.refused('PUT', `/api/threads/${threadId}/mailboxes/${randomUUID()}`, { role: 'viewer' })).toEqual(missing);
    expect(await bob.refused('PUT', `/api/threads/${randomUUID()}/mailboxes/${other}`, { role: 'viewer' })).toEqual(missing);
  });

  it('and the same mail in a thread of its own do not meet', async () => {
    const { other, threadId, share, to } = await twoMailboxes();
    const { ada, bob } = town.as;
    const both = await town.send('ada', { to: [to, to.replace('own', 'other')], subject: 'To both', text: 'x' });
    await expect.poll(() => bob.status('GET', `/api/emails/${both.id}`), SOON).toBe(200);
    await ada.ask('PUT', `/api/threads/${both.threadId}/mailboxes/${other}`, { role: 'viewer' });
    await share('viewer');
    expect((await seenBy('bob', both.threadId)).map(({ id }) => id)).toEqual([both.id]);
    await ada.ask('DELETE', `/api/threads/${both.threadId}/mailboxes/${other}`);
    const email = await bob.ask<Email>('GET', `/api/emails/${both.id}`);
    expect(email.threadId).not.toBe(both.threadId);
    expect((await seenBy('bob', email.threadId)).map(({ id }) => id)).toEqual([both.id]);
    expect((await seenBy('bob', threadId)).length).toBe(1);
  });
});
