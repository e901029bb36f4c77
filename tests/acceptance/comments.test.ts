/** What a team says and agrees about a thread, in the running program: comments, mentions, assignment and the timeline (mail-contract §3). */
import type { MailPage, Thread } from '@tidings/contracts/http/mail-objects';
import type { Comment, TimelineEntry } from '@tidings/contracts/http/notes';
import { randomUUID } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { forbidden, invalid, type SharedMailTown, missing, joinMailTown } from './mail-kit.ts';

let town: SharedMailTown<'ada' | 'bob' | 'cyd'>;
beforeAll(async () => {
  town = await joinMailTown(['ada', 'bob', 'cyd']);
});

const SOON = { timeout: 20_000, interval: 20 };

type Entry = readonly [type: string, what: string | null, by?: string | null];
const entryOf = (entry: TimelineEntry): Entry => {
  switch (entry.type) {
    case 'email':
      return ['email', entry.email.subject];
    case 'comment':
      return ['comment', entry.comment.content, entry.comment.author.id];
    case 'assigned':
    case 'unassigned':
      return [entry.type, entry.user.id, entry.by?.id ?? null];
    case 'split':
      return [entry.type, entry.into, entry.by.id];
    case 'split-off':
      return [entry.type, entry.from, entry.by.id];
  }
};
const timeline = async (threadId: string, query = '') =>
  town.as.ada.ask<MailPage<TimelineEntry>>('GET', `/api/threads/${threadId}/timeline${query}`);

const threadIn = async (name: string) => (await town.send('ada', { to: `${name}@tidings.test`, subject: name, text: 'x' })).threadId;

describe('comments', () => {
  it('stand between the emails they are about, with those they mention', async () => {
    const { ada, bob } = town.as;
    await town.openShared('talk', { ada: 'admin', bob: 'editor' });
    const first = await town.send('ada', { to: 'talk@tidings.test', subject: 'Roof', text: 'x', messageId: '<roof@elsewhere.test>' });
    const path = `/api/threads/${first.threadId}/comments`;
    const heard = await town.listen('bob');
    const comment = await ada.ask<Comment>('POST', path, { content: 'Bob, yours?', mentions: [bob.id, bob.id] });
    expect(comment).toMatchObject({
      threadId: first.threadId,
      author: { id: ada.id },
      content: 'Bob, yours?',
      mentions: [{ id: bob.id }],
      editedAt: null,
    });
    await bob.ask('POST', path, { content: 'Mine.' });
    await town.send('ada', { to: 'talk@tidings.test', subject: 'Re: Roof', text: 'y', inReplyTo: '<roof@elsewhere.test>' });
    const all = [
      ['email', 'Roof'],
      ['comment', 'Bob, yours?', ada.id],
      ['comment', 'Mine.', bob.id],
      ['email', 'Re: Roof'],
    ];
    expect((await timeline(first.threadId)).content.map(entryOf)).toEqual(all);
    const pages: Entry[] = [];
    for (let cursor: string | null = ''; cursor !== null;) {
      const page: MailPage<TimelineEntry> = await timeline(first.threadId, `?limit=1${cursor === '' ? '' : `&cursor=${cursor}`}`);
      expect(page.content).toHaveLength(1);
      pages.push(...page.content.map(entryOf));
      ({ cursor } = page);
    }
    expect(pages).toEqual(all);

    const edited = await ada.ask<Comment>('PATCH', `/api/comments/${comment.id}`, { content: 'Bob: yours.' });
    expect(edited).toMatchObject({ id: comment.id, content: 'Bob: yours.', mentions: [], editedAt: expect.any(String) });
    await ada.ask('DELETE', `/api/comments/${comment.id}`);
    expect((await timeline(first.threadId)).content.map(entryOf)).toEqual(all.filter(([, what]) => what !== 'Bob, yours?'));
    const told = () => heard.heard.map(({ event }) => [event.type, (event['change'] as { type: string } | undefined)?.type]);
    await expect.poll(told).toEqual(
      expect.arrayContaining([
        ['CommentPosted', undefined],
        ['ThreadChanged', 'comment-edited'],
        ['ThreadChanged', 'comment-deleted'],
      ]),
    );
    expect(heard.heard.find(({ event }) => event.type === 'CommentPosted')?.event).toMatchObject({
      threadId: first.threadId,
      commentId: comment.id,
      by: ada.id,
      mentions: [bob.id],
    });
    heard.close();
  });

  it('are by editors, their authors’ to change, and call only those who can read', async () => {
    const { ada, bob, cyd } = town.as;
    const mailbox = await town.openShared('words', { ada: 'admin', bob: 'editor' });
    const thread = await threadIn('words');
    const path = `/api/threads/${thread}/comments`;
    const { id } = await bob.ask<Comment>('POST', path, { content: 'x' });
    const of = `/api/comments/${id}`;
    expect(await ada.refused('PATCH', of, { content: 'y' })).toEqual(forbidden);
    expect(await ada.refused('DELETE', of)).toEqual(forbidden);
    for (const [method, url, body] of [
      ['POST', path, { content: 'x' }],
      ['PATCH', of, { content: 'x' }],
      ['DELETE', of],
    ] as const) {
      expect([method, await cyd.refused(method, url, body)]).toEqual([method, missing]);
    }
    expect(await cyd.refused('GET', `/api/threads/${thread}/timeline`)).toEqual(missing);
    expect(await ada.refused('POST', path, { content: 'x', mentions: [cyd.id] })).toEqual(invalid('mentions'));
    expect(await ada.refused('POST', path, { content: '' })).toEqual(invalid('content'));
    expect(await ada.refused('POST', path, { content: 'x'.repeat(10_001) })).toEqual(invalid('content'));
    expect(await ada.refused('PATCH', `/api/comments/${randomUUID()}`, { content: 'x' })).toEqual(missing);
    await ada.ask('PUT', `/api/mailboxes/${mailbox}/members/${bob.id}`, { role: 'viewer' });
    expect(await bob.refused('POST', path, { content: 'x' })).toEqual(forbidden);
    expect(await bob.refused('PATCH', of, { content: 'y' })).toEqual(forbidden);
    expect(await bob.status('GET', `/api/threads/${thread}/timeline`)).toBe(200);
  });
});

describe('assignment', () => {
  it('is by editors to editors, shows, filters, and ends', async () => {
    const { ada, bob, cyd } = town.as;
    const mailbox = await town.openShared('tasks', { ada: 'editor', bob: 'sender', cyd: 'viewer' });
    const [thread, other] = [await threadIn('tasks'), await threadIn('tasks')];
    const to = (user: string, of = thread) => `/api/threads/${of}/assignees/${user}`;
    const mine = async (user: string) =>
      (await ada.ask<MailPage<Thread>>('GET', `/api/mailboxes/${mailbox}/threads?assignee=${user}`)).content.map(({ id }) => id);
    expect(await ada.ask<Thread>('PUT', to(bob.id))).toMatchObject({ id: thread, assignees: [bob.id] });
    expect(await bob.ask<Thread>('PUT', to(bob.id))).toMatchObject({ assignees: [bob.id] });
    expect(await mine(bob.id)).toEqual([thread]);
    expect(await mine(ada.id)).toEqual([]);
    await ada.ask('PUT', to(bob.id, other));
    expect(await mine(bob.id)).toEqual([other, thread]);
    expect(await cyd.refused('PUT', to(bob.id))).toEqual(forbidden);
    expect(await cyd.refused('DELETE', to(bob.id))).toEqual(forbidden);
    expect(await ada.refused('PUT', to(cyd.id))).toEqual(missing);
    expect(await ada.refused('PUT', to(randomUUID()))).toEqual(missing);
    expect(await bob.ask<Thread>('DELETE', to(bob.id))).toMatchObject({ assignees: [] });
    // Taken back by who gave it: a slip that the timeline does not tell. By another: told.
    await ada.ask('DELETE', to(bob.id, other));
    expect((await timeline(other)).content.map(entryOf)).toEqual([['email', 'tasks']]);
    expect((await timeline(thread)).content.map(entryOf)).toEqual([
      ['email', 'tasks'],
      ['assigned', bob.id, ada.id],
      ['unassigned', bob.id, bob.id],
    ]);
  });

  it('ends by itself for who loses the right to the thread', async () => {
    const { ada, bob } = town.as;
    const mailbox = await town.openShared('leaving', { ada: 'admin', bob: 'editor' });
    const [thread, other] = [await threadIn('leaving'), await threadIn('leaving')];
    const assigned = async (of: string) => (await ada.ask<Thread>('GET', `/api/threads/${of}`)).assignees;
    for (const of of [thread, other]) await ada.ask('PUT', `/api/threads/${of}/assignees/${bob.id}`);
    const member = `/api/mailboxes/${mailbox}/members/${bob.id}`;
    await ada.ask('PUT', member, { role: 'sender' });
    await ada.ask('PUT', `/api/threads/${other}/assignees/${ada.id}`);
    await ada.ask('PUT', member, { role: 'viewer' });
    await expect.poll(() => assigned(thread), SOON).toEqual([]);
    await expect.poll(() => assigned(other), SOON).toEqual([ada.id]);
    expect((await timeline(thread)).content.map(entryOf).at(-1)).toEqual(['unassigned', bob.id, null]);
    await ada.ask('PUT', member, { role: 'editor' });
    await ada.ask('PUT', `/api/threads/${thread}/assignees/${bob.id}`);
    await ada.ask('DELETE', member);
    await expect.poll(() => assigned(thread), SOON).toEqual([]);
  });

  it('ends for who had the thread only through a mailbox that was closed', async () => {
    const { ada, bob, cyd } = town.as;
    const closing = await town.openShared('closing', { ada: 'admin', bob: 'editor', cyd: 'editor' });
    const remaining = await town.openShared('remaining', { ada: 'admin', cyd: 'editor' });
    const thread = await threadIn('closing');
    await ada.ask('PUT', `/api/threads/${thread}/mailboxes/${remaining}`, { role: 'editor' });
    for (const { id } of [bob, cyd]) await ada.ask('PUT', `/api/threads/${thread}/assignees/${id}`);
    await town.admin.ask('DELETE', `/api/mailboxes/${closing}`);
    await expect.poll(async () => (await ada.ask<Thread>('GET', `/api/threads/${thread}`)).assignees, SOON).toEqual([cyd.id]);
  });
});
