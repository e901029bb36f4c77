/** Emails that leave their thread, in the running program: split off into one of their own, or destroyed for ever (mail-contract §1, §3). */
import type { Email, MailboxCounts, MailPage, Thread } from '@tidings/contracts/http/mail-objects';
import type { TimelineEntry } from '@tidings/contracts/http/notes';
import { loadConfig } from '@tidings/infra/config/config';
import * as E from 'fp-ts/lib/Either.js';
import { randomUUID } from 'node:crypto';
import { pino } from 'pino';
import { beforeAll, describe, expect, it } from 'vitest';
import { destroyDue } from '../../services/caretaker/src/emptier.ts';
import { openPlatform } from '../../services/platform/src/open.ts';
import { conflict, forbidden, invalid, type SharedMailTown, missing, joinMailTown } from './mail-kit.ts';

/** Ada is in the first mailbox, Bob in the second, Cyd reads both. */
let town: SharedMailTown<'ada' | 'bob' | 'cyd'>;
beforeAll(async () => {
  town = await joinMailTown(['ada', 'bob', 'cyd']);
});

const SOON = { timeout: 30_000, interval: 30 };
let desks = 0;
/** A mailbox with a thread of `n` emails, each an answer to the one before. */
const desk = async (n: number) => {
  desks += 1;
  const name = `desk${desks}`;
  const own = await town.openShared(name, { ada: 'admin', cyd: 'viewer' });
  const messageId = (at: number) => `<${name}.${at}@elsewhere.test>`;
  const write = (at: number, answers: number | null) =>
    town.send('ada', {
      to: `${name}@tidings.test`,
      from: `Writer ${at} <writer${at}@elsewhere.test>`,
      subject: answers === null ? `Roof ${name}` : `Re: Roof ${name}`,
      text: `Words of ${name}, number ${at}.`,
      messageId: messageId(at),
      ...(answers === null ? {} : { inReplyTo: messageId(answers) }),
    });
  const emails: Email[] = [];
  for (let at = 0; at < n; at += 1) emails.push(await write(at, at === 0 ? null : at - 1));
  const ids = emails.map(({ id }) => id);
  const threadId = emails[0]?.threadId ?? '';
  expect(new Set(emails.map((email) => email.threadId)).size).toBe(1);
  const id = (at: number): string => ids[at] ?? '';
  const flag = (set: object) => town.as.ada.ask('POST', '/api/threads/flags', { mailboxId: own, threadIds: [threadId], set });
  return { name, own, ids, id, threadId, write, flag };
};
const thread = (id: string, query = '') => town.as.ada.ask<Thread>('GET', `/api/threads/${id}${query}`);
const idsIn = async (id: string, query = '', who: 'ada' | 'bob' = 'ada') =>
  (await town.as[who].ask<MailPage<Email>>('GET', `/api/threads/${id}/messages${query}`)).content.map((email) => email.id);
const listed = async (mailbox: string, query = 'view=all') =>
  (await town.as.ada.ask<MailPage<Thread>>('GET', `/api/mailboxes/${mailbox}/threads?${query}`)).content;
const counts = async (mailbox: string) => (await town.as.ada.ask<MailboxCounts>('GET', `/api/mailboxes/${mailbox}/counts`)).views;
const storage = async (mailbox: string) => {
  const { usedBytes, emails } = await town.as.ada.ask<{ usedBytes: number; emails: number }>('GET', `/api/mailboxes/${mailbox}/storage`);
  return { usedBytes, emails };
};

describe('splitting a thread', () => {
  it('gives an email and all behind it a thread of their own, with marks and labels, and answers follow what they answer', async () => {
    const { own, ids, id, threadId, write, name, flag } = await desk(4);
    const { ada } = town.as;
    const label = await ada.ask<{ id: string }>('POST', `/api/mailboxes/${own}/labels`, { name: 'Works' });
    await ada.ask('PUT', `/api/threads/${threadId}/labels/${label.id}`);
    await ada.ask('PUT', `/api/threads/${threadId}/assignees/${ada.id}`);
    await ada.ask('PUT', `/api/threads/${threadId}/read`, { mailboxId: own, upTo: id(2) });
    await ada.ask('POST', `/api/threads/${threadId}/comments`, { content: 'Two matters in one.' });
    await flag({ starred: true });
    const before = await storage(own);
    const heard = await town.listen('cyd');

    const split = await ada.ask<Thread>('POST', `/api/threads/${threadId}/split`, { emailId: id(2) });
    expect(split).toMatchObject({
      ...{ subject: `Re: Roof ${name}`, messageCount: 2, unreadCount: 1, starred: true, labels: [label.id], assignees: [ada.id] },
      ...{ snippet: `Words of ${name}, number 3.`, participants: [{ name: 'Writer 2' }, { name: 'Writer 3' }] },
    });
    expect(await idsIn(split.id)).toEqual(ids.slice(2));
    expect(await idsIn(threadId)).toEqual(ids.slice(0, 2));
    const rest = await thread(threadId);
    expect(rest).toMatchObject({
      ...{ subject: `Roof ${name}`, messageCount: 2, unreadCount: 0, starred: true, labels: [label.id] },
      ...{ snippet: `Words of ${name}, number 1.`, participants: [{ name: 'Writer 0' }, { name: 'Writer 1' }] },
    });
    expect(rest.lastMessageAt < split.firstMessageAt && split.firstMessageAt < split.lastMessageAt).toBe(true);
    await expect.poll(() => storage(own), SOON).toEqual(before);
    expect((await counts(own)).all).toEqual({ threads: 2, unread: 1 });
    const found = async () => (await ada.ask<MailPage<Thread>>('GET', `/api/mailboxes/${own}/threads?q=number%20label:works`)).content;
    await expect.poll(async () => (await found()).map((one) => one.id).toSorted(), SOON).toEqual([threadId, split.id].toSorted());
    const entries = async (of: string) =>
      (await ada.ask<MailPage<TimelineEntry>>('GET', `/api/threads/${of}/timeline`)).content.map((entry) => entry.type);
    expect(await entries(threadId)).toEqual(['email', 'email', 'assigned', 'comment', 'split']);
    expect(await entries(split.id)).toEqual(['email', 'email', 'assigned', 'split-off']);
    await expect
      .poll(() => heard.heard.map(({ event }) => event), SOON)
      .toEqual(
        expect.arrayContaining([
          expect.objectContaining({
            type: 'ThreadChanged',
            threadId,
            change: { type: 'split', emailIds: ids.slice(2), into: split.id, by: ada.id },
          }),
          expect.objectContaining({ type: 'ThreadChanged', threadId: split.id, change: { type: 'split-off', from: threadId, by: ada.id } }),
        ]),
      );
    expect(heard.heard.filter(({ event }) => event.type === 'EmailReceived')).toEqual([]);
    heard.close();

    expect((await write(4, 3)).threadId).toBe(split.id);
    expect((await write(5, 1)).threadId).toBe(threadId);
    // What was split can be split again, and answers find it there.
    const again = await ada.ask<Thread>('POST', `/api/threads/${split.id}/split`, { emailId: id(3) });
    expect((await write(6, 3)).threadId).toBe(again.id);
    expect((await write(7, 2)).threadId).toBe(split.id);
  });

  it('takes the star along only when it is younger than the email', async () => {
    const { threadId, flag, write, own } = await desk(2);
    await flag({ starred: true });
    const late = await write(2, 1);
    const split = await town.as.ada.ask<Thread>('POST', `/api/threads/${threadId}/split`, { emailId: late.id });
    expect([split.starred, (await thread(threadId)).starred]).toEqual([false, true]);
    expect((await listed(own, 'view=starred')).map(({ id }) => id)).toEqual([threadId]);
  });

  it('is refused with the field that is wrong', async () => {
    const { id, threadId } = await desk(2);
    const other = await desk(2);
    const { ada, bob, cyd } = town.as;
    const split = (body: object) => ada.refused('POST', `/api/threads/${threadId}/split`, body);
    expect(await split({})).toEqual(invalid('emailId'));
    expect(await split({ emailId: 'x' })).toEqual(invalid('emailId'));
    for (const emailId of [randomUUID(), other.id(1), id(0)]) expect(await split({ emailId })).toEqual(invalid('emailId'));
    const single = await desk(1);
    expect(await ada.refused('POST', `/api/threads/${single.threadId}/split`, { emailId: single.id(0) })).toEqual(invalid('emailId'));
    expect(await cyd.refused('POST', `/api/threads/${threadId}/split`, { emailId: id(1) })).toEqual(forbidden);
    expect(await bob.refused('POST', `/api/threads/${threadId}/split`, { emailId: id(1) })).toEqual(missing);
    expect(await idsIn(threadId)).toHaveLength(2);
  });

  it('has one winner, whoever asks at the same time', async () => {
    const { own, ids, id, threadId } = await desk(6);
    const asked = await Promise.all(
      [1, 2, 3, 3, 4, 5].map(async (at) => {
        const response = await town.as.ada.call('POST', `/api/threads/${threadId}/split`, { emailId: id(at) });
        return response.status;
      }),
    );
    expect(asked.filter((status) => status !== 200 && status !== 400)).toEqual([]);
    expect(asked).toContain(200);
    const threads = await listed(own);
    const held = await Promise.all(threads.map((one) => idsIn(one.id)));
    expect(held.flat().toSorted()).toEqual(ids.toSorted());
    for (const some of held) expect(some).toEqual(ids.filter((one) => some.includes(one)));
    expect((await counts(own)).all.threads).toBe(threads.length);
  });

  it('splits a shared thread in both mailboxes, and keeps who may do what', async () => {
    const { threadId, id, ids, own, write } = await desk(3);
    const other = await town.openShared(randomUUID(), { bob: 'admin' });
    const { ada, bob } = town.as;
    await ada.ask('PUT', `/api/threads/${threadId}/mailboxes/${other}`, { role: 'viewer' });
    await bob.ask('PUT', `/api/threads/${threadId}/read`, { mailboxId: other, upTo: id(2) });
    expect(await bob.refused('POST', `/api/threads/${threadId}/split`, { emailId: id(1) })).toEqual(forbidden);
    const split = await ada.ask<Thread>('POST', `/api/threads/${threadId}/split`, { emailId: id(1) });
    const access = [
      { mailboxId: own, role: 'editor' },
      { mailboxId: other, role: 'viewer' },
    ];
    expect(split.access).toEqual(access);
    expect(await idsIn(split.id, '', 'bob')).toEqual(ids.slice(1));
    expect(await idsIn(threadId, '', 'bob')).toEqual(ids.slice(0, 1));
    expect(await bob.ask<Thread>('GET', `/api/threads/${split.id}`)).toMatchObject({ unread: false, access });
    expect(split.unreadCount).toBe(2);
    expect(await bob.refused('POST', `/api/threads/${split.id}/split`, { emailId: id(2) })).toEqual(forbidden);
    const late = await write(9, 2);
    await expect.poll(() => idsIn(split.id, '', 'bob'), SOON).toEqual([...ids.slice(1), late.id]);
  });
});

describe('destroying', () => {
  it('is for what lies in the trash, and is felt everywhere in that mailbox', async () => {
    const { own, id, threadId, name, flag } = await desk(3);
    const { ada, cyd } = town.as;
    const destroy = (path: string) => ada.refused('DELETE', `${path}?mailboxId=${own}`);
    expect(await destroy(`/api/emails/${id(1)}`)).toEqual(conflict);
    expect(await destroy(`/api/threads/${threadId}`)).toEqual(conflict);
    expect(await ada.refused('DELETE', `/api/emails/${id(1)}`)).toEqual(invalid('mailboxId'));
    await expect.poll(async () => (await storage(own)).emails, SOON).toBe(3);
    const before = await storage(own);
    await flag({ trashed: true });
    expect(await cyd.refused('DELETE', `/api/threads/${threadId}?mailboxId=${own}`)).toEqual(forbidden);
    expect(await cyd.refused('DELETE', `/api/emails/${id(1)}?mailboxId=${own}`)).toEqual(forbidden);

    const heard = await town.listen('cyd');
    await ada.ask('DELETE', `/api/emails/${id(2)}?mailboxId=${own}`);
    expect(await thread(threadId)).toMatchObject({ messageCount: 2, snippet: `Words of ${name}, number 1.`, trashed: true });
    expect(await idsIn(threadId)).toEqual([id(0), id(1)]);
    for (const path of [`/api/emails/${id(2)}`, `/api/emails/${id(2)}/raw`, `/api/emails/${id(2)}/parts/1`])
      expect(await ada.refused('GET', path)).toEqual(missing);
    await expect.poll(async () => (await storage(own)).emails, SOON).toBe(before.emails - 1);
    expect((await storage(own)).usedBytes).toBeLessThan(before.usedBytes);
    const change = { type: 'destroyed', emailIds: [id(2)], by: ada.id };
    await expect.poll(() => heard.heard.map(({ event }) => event), SOON).toContainEqual(expect.objectContaining({ threadId, change }));
    heard.close();
    expect(await destroy(`/api/emails/${id(2)}`)).toEqual(missing);

    await flag({ trashed: false });
    expect(await thread(threadId)).toMatchObject({ messageCount: 2, trashed: false });
    await flag({ trashed: true });
    await ada.ask('DELETE', `/api/threads/${threadId}?mailboxId=${own}`);
    expect(await ada.refused('GET', `/api/threads/${threadId}`)).toEqual(missing);
    expect(await destroy(`/api/threads/${threadId}`)).toEqual(missing);
    expect(await listed(own, 'view=trash')).toEqual([]);
    expect((await counts(own)).trash).toEqual({ threads: 0, unread: 0 });
    await expect.poll(() => storage(own), SOON).toEqual({ usedBytes: 0, emails: 0 });
    await expect.poll(async () => (await listed(own, 'q=number%20in:trash')).length, SOON).toBe(0);
  });

  it('lets what is sent again be filed anew, and answers begin a thread', async () => {
    const { own, threadId, write, flag } = await desk(1);
    await flag({ trashed: true });
    await town.as.ada.ask('DELETE', `/api/threads/${threadId}?mailboxId=${own}`);
    const answer = await write(1, 0);
    expect(answer.threadId).not.toBe(threadId);
    const again = await write(0, null);
    expect(again.threadId).toBe(answer.threadId); // a late original joins its answers
    expect(await idsIn(answer.threadId)).toEqual([answer.id, again.id]);
  });

  it('leaves other mailboxes theirs', async () => {
    const { own, id, ids, threadId, flag } = await desk(2);
    const other = await town.openShared(randomUUID(), { bob: 'admin' });
    const { ada, bob } = town.as;
    await ada.ask('PUT', `/api/threads/${threadId}/mailboxes/${other}`, { role: 'editor' });
    await flag({ trashed: true });
    await ada.ask('DELETE', `/api/threads/${threadId}?mailboxId=${own}`);
    expect(await ada.refused('GET', `/api/emails/${id(0)}`)).toEqual(missing);
    expect(await idsIn(threadId, '', 'bob')).toEqual(ids);
    expect(await bob.status('GET', `/api/emails/${id(1)}/raw`)).toBe(200);
    expect((await bob.ask<Thread>('GET', `/api/threads/${threadId}`)).access).toEqual([{ mailboxId: other, role: 'editor' }]);
  });

  it('empties trash and spam of a mailbox', async () => {
    const { own, flag, id } = await desk(2);
    const { ada, bob, cyd } = town.as;
    const empty = (place: string) => ada.ask('POST', `/api/mailboxes/${own}/${place}/empty`);
    expect(await empty('trash')).toEqual({ destroyed: 0, hasMore: false });
    await flag({ spam: true });
    expect(await empty('trash')).toEqual({ destroyed: 0, hasMore: false });
    expect(await cyd.refused('POST', `/api/mailboxes/${own}/spam/empty`)).toEqual(forbidden);
    expect(await bob.refused('POST', `/api/mailboxes/${own}/spam/empty`)).toEqual(missing);
    expect(await empty('spam')).toEqual({ destroyed: 2, hasMore: false });
    expect(await ada.refused('GET', `/api/emails/${id(0)}`)).toEqual(missing);
    expect(await counts(own)).toMatchObject({ spam: { threads: 0 }, all: { threads: 0 } });
  });

  it('comes by itself when the time in the trash is over, and takes nothing that was taken out', async () => {
    const { own, id, flag } = await desk(2);
    const kept = await desk(1);
    await flag({ trashed: true });
    await kept.flag({ trashed: true });
    await kept.flag({ trashed: false });
    const config = loadConfig({ DATABASE_URL: town.program.databaseUrl });
    if (E.isLeft(config)) throw new Error(config.left.join());
    const platform = await openPlatform(config.right, { process: 'test', logger: pino({ level: 'silent' }) });
    try {
      const inDays = (days: number) => destroyDue({ ...platform, now: () => Date.now() + days * 86_400_000 });
      expect(await inDays(29)).toBe(0);
      expect(await inDays(31)).toBeGreaterThanOrEqual(2);
      await expect.poll(() => town.as.ada.refused('GET', `/api/emails/${id(0)}`), SOON).toEqual(missing);
      expect(await listed(own, 'view=trash')).toEqual([]);
      expect(await inDays(31)).toBe(0);
      expect(await idsIn(kept.threadId)).toEqual([kept.id(0)]);
    } finally {
      await platform.close();
    }
  });
});
