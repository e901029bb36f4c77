/** Old mail through the whole program: uploaded, filed by its date with flags and labels, told of as it goes, carried on after a power cut. */
import type { Import } from '@tidings/contracts/http/imports';
import type { Label } from '@tidings/contracts/http/labels';
import type { Email, MailboxCounts, MailPage, Thread } from '@tidings/contracts/http/mail-objects';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { openMailTown, type MailTown } from './mail-kit.ts';

let town: MailTown<'ann' | 'vic'>;
beforeAll(async () => {
  town = await openMailTown(['ann', 'vic'], { MAX_IMPORT_BYTES: String(8 * 1024 * 1024) });
});
afterAll(() => town.close());

const soon = { timeout: 30_000, interval: 50 };

const upload = async (mailboxId: string, file: string | Buffer, name = 'mail.mbox', who: 'ann' | 'vic' = 'ann'): Promise<Response> => {
  const form = new FormData();
  form.append('file', new Blob([typeof file === 'string' ? Buffer.from(file, 'latin1') : new Uint8Array(file)]), name);
  return fetch(`${town.program.httpUrl}/api/mailboxes/${mailboxId}/imports`, {
    method: 'POST',
    headers: { authorization: `Bearer ${town.as[who].token}` },
    body: form,
  });
};
const ended = async (id: string): Promise<Import> => {
  await vi.waitFor(async () => expect((await town.as.ann.ask<Import>('GET', `/api/imports/${id}`)).endedAt).not.toBeNull(), soon);
  return town.as.ann.ask<Import>('GET', `/api/imports/${id}`);
};
const bring = async (mailboxId: string, file: string | Buffer, name?: string): Promise<Import> => {
  const response = await upload(mailboxId, file, name);
  expect([response.status, response.ok ? '' : await response.text()]).toEqual([200, '']);
  return ended(((await response.json()) as Import).id);
};

/** The threads of a view with their messages, as far as an import is to bring them along. */
const holdings = async (mailboxId: string, view: string) => {
  const { ask } = town.as.ann;
  const labels = new Map<string, string>(
    (await ask<{ content: readonly Label[] }>('GET', `/api/mailboxes/${mailboxId}/labels`)).content.map(({ id, name }) => [id, name]),
  );
  const { content } = await ask<MailPage<Thread>>('GET', `/api/mailboxes/${mailboxId}/threads?view=${view}&limit=100`);
  return Promise.all(
    content.map(async (thread) => {
      const path = `/api/threads/${thread.id}/messages?mailboxId=${mailboxId}&view=${view}&limit=100`;
      const messages = (await ask<MailPage<Email>>('GET', path)).content;
      return {
        subject: thread.subject,
        starred: thread.starred,
        labels: thread.labels.map((id) => labels.get(id)),
        mails: messages.map(({ subject, receivedAt, direction, keywords }) => [subject, receivedAt, direction, keywords]),
      };
    }),
  );
};
const counts = async (mailboxId: string) => (await town.as.ann.ask<MailboxCounts>('GET', `/api/mailboxes/${mailboxId}/counts`)).views;
/** Read models follow in their own time. */
const untilThreads = async (mailboxId: string, view: keyof MailboxCounts['views'], threads: number): Promise<void> =>
  vi.waitFor(async () => expect((await counts(mailboxId))[view].threads).toBe(threads), soon);

const MARKS = { $seen: true, $flagged: false, $answered: false, $forwarded: false };
const mail = (headers: Readonly<Record<string, string>>, text = 'text'): string =>
  `${Object.entries({ From: 'Bob <bob@elsewhere.test>', To: 'town@tidings.test', ...headers })
    .map(([name, value]) => `${name}: ${value}`)
    .join('\n')}\n\n${text}\n`;
const mbox = (...mails: readonly (readonly [string, string])[]): string =>
  mails.map(([at, raw]) => `From bob@elsewhere.test ${at}\n${raw}\n`).join('');

describe('a file of mail', () => {
  it('is filed by its dates, in threads, with flags and labels, and tells how far it is', async () => {
    const box = await town.openShared('town', { ann: 'admin', vic: 'viewer' });
    const live = await town.listen('vic');
    const file = mbox(
      ['Wed Mar 06 10:00:00 2019', mail({ Subject: 'Re: Roof', 'Message-ID': '<2@x>', 'In-Reply-To': '<1@x>', Status: 'O' })],
      [
        'Tue Mar 05 10:00:00 2019',
        mail({ Subject: 'Roof', 'Message-ID': '<1@x>', Status: 'RO', 'X-Status': 'AF', 'X-Keywords': 'Repairs' }),
      ],
      [
        'Thu Mar 07 10:00:00 2019',
        mail({ From: 'town@tidings.test', Subject: 'Re: Roof', 'Message-ID': '<3@x>', References: '<1@x> <2@x>' }),
      ],
      ['Fri Mar 08 10:00:00 2019', mail({ Subject: 'Bargain', 'X-Gmail-Labels': 'Spam,Unread' })],
      [
        'Sat Mar 09 10:00:00 2019',
        mail({ Subject: 'School', 'X-Gmail-Labels': 'Opened,"Buildings/Schools"', 'X-GM-THRID': '17' }, '>From the start'),
      ],
    );
    const done = await bring(box, file);
    expect(done).toMatchObject({
      state: 'done',
      total: 5,
      done: 5,
      filed: 5,
      duplicates: 0,
      failed: 0,
      source: { type: 'mbox', name: 'mail.mbox' },
    });
    await untilThreads(box, 'all', 2);
    expect(await holdings(box, 'all')).toEqual([
      { subject: 'School', starred: false, labels: ['Buildings/Schools'], mails: [['School', '2019-03-09T10:00:00.000Z', 'in', MARKS]] },
      {
        subject: 'Roof',
        starred: true,
        labels: ['Repairs'],
        mails: [
          ['Roof', '2019-03-05T10:00:00.000Z', 'in', { ...MARKS, $flagged: true, $answered: true }],
          ['Re: Roof', '2019-03-06T10:00:00.000Z', 'in', { ...MARKS, $seen: false }],
          ['Re: Roof', '2019-03-07T10:00:00.000Z', 'out', MARKS],
        ],
      },
    ]);
    await untilThreads(box, 'spam', 1);
    expect(await counts(box)).toMatchObject({
      inbox: { threads: 1, unread: 1 },
      archive: { threads: 1, unread: 0 },
      sent: { threads: 1 },
      spam: { unread: 1 },
    });
    const told = (): readonly unknown[] =>
      live.heard.filter(({ event }) => event['mailboxId'] === box).map(({ event }) => event['state'] ?? event.type);
    await vi.waitFor(() => expect(told()).toContain('done'), soon);
    expect(told()).not.toContain('EmailReceived');
    live.close();
    // What it was stored with is out of it, and it is found by its words.
    const found = await town.as.ann.ask<MailPage<{ emailId: string }>>('GET', `/api/search?q=subject:school&mailboxId=${box}`);
    expect(found.content).toHaveLength(1);
  });
});
