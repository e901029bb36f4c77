/** Marks on single emails, in the running program (mail-contract §3). */
import type { Email, MailPage, Thread } from '@tidings/contracts/http/mail-objects';
import { randomUUID } from 'node:crypto';
import { beforeAll, expect, it } from 'vitest';
import { forbidden, invalid, type SharedMailTown, missing, joinMailTown } from './mail-kit.ts';

let town: SharedMailTown<'ada' | 'bob'>;
beforeAll(async () => {
  town = await joinMailTown(['ada', 'bob']);
});

it('one old email of a thread that is read is unread again, until the thread is read', async () => {
  const { ada, bob } = town.as;
  const mailboxId = await town.openShared('marks', { ada: 'admin', bob: 'viewer' });
  const send = (n: number) =>
    town.send('ada', {
      ...{ to: 'marks@tidings.test', subject: 'Marks', text: `${n}`, messageId: `<m${n}@elsewhere.test>` },
      ...(n === 0 ? {} : { inReplyTo: '<m0@elsewhere.test>' }),
    });
  const [first, second, third] = [await send(0), await send(1), await send(2)];
  const { threadId } = first;
  const mark = (email: Email, set: object) => ({ path: `/api/emails/${email.id}/keywords`, body: { mailboxId, set } });
  const put = ({ path, body }: ReturnType<typeof mark>) => ada.ask<Thread>('PUT', path, body);
  const read = (upTo: Email) => ada.ask<Thread>('PUT', `/api/threads/${threadId}/read`, { mailboxId, upTo: upTo.id });
  const seen = async () =>
    (await ada.ask<MailPage<Email>>('GET', `/api/threads/${threadId}/messages`)).content.map(({ keywords }) => keywords.$seen);

  expect(first.keywords).toEqual({ $seen: false, $flagged: false, $answered: false, $forwarded: false });
  expect(await read(second)).toMatchObject({ unreadCount: 1 });
  expect(await seen()).toEqual([true, true, false]);
  expect(await put(mark(first, { $seen: false }))).toMatchObject({ id: threadId, unreadCount: 2 });
  expect(await put(mark(third, { $seen: true }))).toMatchObject({ unreadCount: 1 });
  expect(await seen()).toEqual([false, true, true]);
  const unread = await ada.ask<MailPage<Thread>>('GET', `/api/mailboxes/${mailboxId}/threads?unread=true`);
  expect(unread.content.map(({ id }) => id)).toEqual([threadId]);
  expect(await read(third)).toMatchObject({ unreadCount: 0 });
  expect(await seen()).toEqual([true, true, true]);

  await put(mark(first, { $flagged: true, $answered: true }));
  expect(await ada.ask<Email>('GET', `/api/emails/${first.id}`)).toMatchObject({
    keywords: { $seen: true, $flagged: true, $answered: true, $forwarded: false },
  });
  await put(mark(first, { $flagged: false }));
  expect((await ada.ask<Email>('GET', `/api/emails/${first.id}`)).keywords).toMatchObject({ $flagged: false, $answered: true });

  const flag = mark(first, { $flagged: true });
  expect(await bob.refused('PUT', flag.path, flag.body)).toEqual(forbidden);
  expect(await bob.status('PUT', flag.path, { mailboxId, set: { $seen: false } })).toBe(200);
  expect(await ada.refused('PUT', flag.path, { mailboxId, set: { $flagged: 1 } })).toEqual(invalid('set.$flagged'));
  expect(await ada.refused('PUT', `/api/emails/${randomUUID()}/keywords`, flag.body)).toEqual(missing);
  expect(await ada.refused('PUT', flag.path, { mailboxId: randomUUID(), set: {} })).toEqual(missing);
});
