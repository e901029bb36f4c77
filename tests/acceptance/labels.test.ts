/** Labels of a mailbox and on its threads, in the running program (mail-contract §3). */
import type { Label } from '@tidings/contracts/http/labels';
import type { MailboxCounts, MailPage, Thread } from '@tidings/contracts/http/mail-objects';
import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { conflict, forbidden, invalid, type SharedMailTown, missing, joinMailTown } from './mail-kit.ts';

let town: SharedMailTown<'ada' | 'bob' | 'cyd'>;
beforeAll(async () => {
  town = await joinMailTown(['ada', 'bob', 'cyd']);
});

const create = (mailbox: string, name: string, more: object = {}) =>
  town.as.ada.ask<Label>('POST', `/api/mailboxes/${mailbox}/labels`, { name, ...more });
const list = async (mailbox: string) =>
  (await town.as.bob.ask<{ content: readonly Label[] }>('GET', `/api/mailboxes/${mailbox}/labels`)).content;
const names = async (mailbox: string) => (await list(mailbox)).map(({ name }) => name);

describe('labels', () => {
  it('nest by their names: what is above is made, a new name cascades, and so does the end', async () => {
    const { ada } = town.as;
    const mailbox = await town.openShared('nesting', { ada: 'admin', bob: 'viewer' });
    const path = `/api/mailboxes/${mailbox}/labels`;
    const deep = await create(mailbox, 'Works / Schools/Roofs', { description: 'Leaks', color: '#00FF00', auto: true });
    expect(deep).toEqual({ id: deep.id, name: 'Works/Schools/Roofs', description: 'Leaks', color: '#00FF00', auto: true });
    const [works] = await list(mailbox);
    expect(works).toMatchObject({ name: 'Works', description: null, auto: false });
    await create(mailbox, 'Other');
    expect(await ada.ask('PATCH', `${path}/${works?.id}`, { name: 'Travaux' })).toMatchObject({ id: works?.id, name: 'Travaux' });
    expect(await names(mailbox)).toEqual(['Other', 'Travaux', 'Travaux/Schools', 'Travaux/Schools/Roofs']);
    await ada.ask('PATCH', `${path}/${deep.id}`, { name: 'Roofs/Old', description: null });
    expect(await names(mailbox)).toEqual(['Other', 'Roofs', 'Roofs/Old', 'Travaux', 'Travaux/Schools']);
    await ada.ask('DELETE', `${path}/${works?.id}`);
    expect(await names(mailbox)).toEqual(['Other', 'Roofs', 'Roofs/Old']);

    expect(await ada.refused('POST', path, { name: 'OTHER' })).toEqual(conflict);
    expect(await ada.refused('PATCH', `${path}/${deep.id}`, { name: 'other' })).toEqual(conflict);
    expect(await ada.refused('PATCH', `${path}/${deep.id}`, { name: 'Roofs/Old/Older' })).toEqual(invalid('name'));
    for (const name of ['', 'a//b', 'x'.repeat(256), 7]) expect(await ada.refused('POST', path, { name })).toEqual(invalid('name'));
    expect(await ada.refused('POST', path, { name: 'n', color: 'red' })).toEqual(invalid('color'));
    expect(await ada.refused('PATCH', `${path}/${randomUUID()}`, { name: 'n' })).toEqual(missing);
    expect(await ada.status('DELETE', `${path}/${randomUUID()}`)).toBe(200);
  });

  it('are made once per key', async () => {
    const mailbox = await town.openShared('once', { ada: 'admin', bob: 'viewer' });
    const key = { 'idempotency-key': randomUUID() };
    const ask = () => town.as.ada.ask<Label>('POST', `/api/mailboxes/${mailbox}/labels`, { name: 'a' }, key);
    expect(await ask()).toEqual(await ask());
    expect(await names(mailbox)).toEqual(['a']);
  });

  it('are an admin’s to make and an editor’s to use, and nothing to strangers', async () => {
    const { ada, bob, cyd } = town.as;
    const mailbox = await town.openShared('rights', { ada: 'admin', bob: 'editor' });
    const path = `/api/mailboxes/${mailbox}/labels`;
    const { id } = await create(mailbox, 'a');
    const { threadId } = await town.send('ada', { to: 'rights@tidings.test', subject: 'Rights', text: 'x' });
    const on = `/api/threads/${threadId}/labels/${id}`;
    expect(await bob.refused('POST', path, { name: 'b' })).toEqual(forbidden);
    expect(await bob.refused('PATCH', `${path}/${id}`, { name: 'b' })).toEqual(forbidden);
    expect(await bob.refused('DELETE', `${path}/${id}`)).toEqual(forbidden);
    expect(await bob.ask<Thread>('PUT', on)).toMatchObject({ id: threadId, labels: [id] });
    expect(await bob.ask<Thread>('PUT', on)).toMatchObject({ labels: [id] });
    expect(await ada.ask<Thread>('GET', `/api/threads/${threadId}`)).toMatchObject({ labels: [id] });
    expect(await bob.ask<Thread>('DELETE', on)).toMatchObject({ labels: [] });
    await ada.ask('PUT', `/api/mailboxes/${mailbox}/members/${bob.id}`, { role: 'viewer' });
    expect(await bob.refused('PUT', on)).toEqual(forbidden);
    expect(await bob.refused('DELETE', on)).toEqual(forbidden);
    for (const [method, url, body] of [
      ['GET', path],
      ['POST', path, { name: 'c' }],
      ['PATCH', `${path}/${id}`, { name: 'c' }],
      ['DELETE', `${path}/${id}`],
      ['PUT', on],
      ['DELETE', on],
    ] as const) {
      expect([method, url, await cyd.refused(method, url, body)]).toEqual([method, url, missing]);
    }
    expect(await ada.refused('PUT', `/api/threads/${threadId}/labels/${randomUUID()}`)).toEqual(missing);
    expect(await ada.refused('PUT', `/api/threads/${randomUUID()}/labels/${id}`)).toEqual(missing);
    const elsewhere = await town.openShared('elsewhere', { ada: 'admin' });
    const foreign = await create(elsewhere, 'foreign');
    expect(await ada.refused('PUT', `/api/threads/${threadId}/labels/${foreign.id}`)).toEqual(missing);
  });

  it('list and count their threads, the one with the latest mail first, page by page', async () => {
    const { bob } = town.as;
    const mailbox = await town.openShared('listing', { ada: 'admin', bob: 'editor' });
    const urgent = await create(mailbox, 'urgent');
    const later = await create(mailbox, 'later');
    const threads: string[] = [];
    for (const n of [0, 1, 2, 3]) {
      const mail = { to: 'listing@tidings.test', subject: `Mail ${n}`, text: 'x', messageId: `<m${n}@elsewhere.test>` };
      threads.push((await town.send('bob', mail)).threadId);
    }
    const [first = '', second = '', third = '', fourth = ''] = threads;
    for (const thread of [fourth, first, third]) await bob.ask('PUT', `/api/threads/${thread}/labels/${urgent.id}`);
    await bob.ask('PUT', `/api/threads/${second}/labels/${later.id}`);
    await bob.ask('PUT', `/api/threads/${first}/labels/${later.id}`);
    const page = (query: string) => bob.ask<MailPage<Thread>>('GET', `/api/mailboxes/${mailbox}/threads?label=${urgent.id}${query}`);
    const ids = ({ content }: MailPage<Thread>) => content.map(({ id }) => id);
    expect(ids(await page(''))).toEqual([fourth, third, first]);
    expect((await page('')).content.at(-1)?.labels).toEqual([later.id, urgent.id]);

    // A walk that a new mail overtakes meets each thread once.
    const begin = await page('&limit=1');
    expect(ids(begin)).toEqual([fourth]);
    await town.send('bob', { to: 'listing@tidings.test', subject: 'Re: Mail 0', text: 'y', inReplyTo: '<m0@elsewhere.test>' });
    const next = await page(`&limit=1&cursor=${begin.cursor}`);
    const last = await page(`&limit=1&cursor=${next.cursor}`);
    expect([...ids(next), ...ids(last), last.cursor]).toEqual([third, first, null]);
    expect(ids(await page(''))).toEqual([first, fourth, third]);

    await bob.ask('POST', '/api/threads/flags', { mailboxId: mailbox, threadIds: [third], set: { archived: true } });
    expect(ids(await page(''))).toEqual([first, fourth]);
    expect(ids(await page('&view=archive'))).toEqual([third]);
    expect(ids(await page('&view=all&unread=false'))).toEqual([]);
    await bob.ask('POST', '/api/threads/flags', { mailboxId: mailbox, threadIds: [fourth], set: { trashed: true } });
    const counts = async () => (await bob.ask<MailboxCounts>('GET', `/api/mailboxes/${mailbox}/counts`)).labels;
    expect(await counts()).toEqual([
      { id: later.id, threads: 2, unread: 2 },
      { id: urgent.id, threads: 2, unread: 2 },
    ]);
    await town.as.ada.ask('DELETE', `/api/mailboxes/${mailbox}/labels/${urgent.id}`);
    expect(await counts()).toEqual([{ id: later.id, threads: 2, unread: 2 }]);
    expect(await bob.ask<Thread>('GET', `/api/threads/${first}`)).toMatchObject({ labels: [later.id] });
    expect(ids(await page(''))).toEqual([]);
  });
});
