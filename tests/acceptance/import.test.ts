/** Old mail through the whole program: uploaded, filed by its date with flags and labels, told of as it goes, carried on after a power cut. */
import type { Import } from '@tidings/contracts/http/imports';
import type { Label } from '@tidings/contracts/http/labels';
import type { Problem } from '@tidings/contracts/http/problem';
import type { Email, MailboxCounts, MailPage, Thread } from '@tidings/contracts/http/mail-objects';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Listening } from '../../services/sse/src/testing/listening.ts';
import { ownMail, realMail } from './mail-in-sender.ts';
import { zipOf } from './zip.ts';
import { forbidden, invalid, missing, openMailTown, type MailTown } from './mail-kit.ts';

let town: MailTown<'ann' | 'vic'>;
beforeAll(async () => {
  town = await openMailTown(['ann', 'vic'], { MAX_IMPORT_BYTES: String(8 * 1024 * 1024) }, {}, { restarts: true });
});
afterAll(() => town.close());

/** Imports go last where there is not enough processor for all. */
const soon = { timeout: 60_000, interval: 50 };

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

/** All of them are read elsewhere (infra/src/mime/corpus.test.ts); here they go out and come in. */
const REAL_MAILS = 120;

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
    await expect
      .poll(() => holdings(box, 'all'), soon)
      .toEqual([
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
    const found = (): Promise<MailPage<{ emailId: string }>> => town.as.ann.ask('GET', `/api/search?q=subject:school&mailboxId=${box}`);
    await expect.poll(async () => (await found()).content, soon).toHaveLength(1);
  });

  it('may be one mail, or a zip with folders; what is no mail in it is left alone', async () => {
    const box = await town.openShared('letters', { ann: 'admin' });
    expect(await bring(box, mail({ Subject: 'One', 'Message-ID': '<one@x>' }), 'one.eml')).toMatchObject({
      state: 'done',
      total: 1,
      filed: 1,
      source: { type: 'eml' },
    });
    const zip = zipOf({
      'Sent/two.eml': mail({ Subject: 'Two' }),
      'Buildings/Schools/three.eml': mail({ Subject: 'Three' }),
      'Corbeille.mbox': mbox(['Tue Mar 05 10:00:00 2019', mail({ Subject: 'Four' })]),
      'again.eml': mail({ Subject: 'One', 'Message-ID': '<one@x>' }),
      'readme.html': 'no mail',
    });
    expect(await bring(box, zip, 'mail.zip')).toMatchObject({ state: 'done', total: 4, filed: 3, duplicates: 1, source: { type: 'zip' } });
    await untilThreads(box, 'trash', 1);
    await untilThreads(box, 'all', 3);
    const archived = async () => (await holdings(box, 'archive')).map(({ subject, labels }) => [subject, labels]);
    await expect.poll(archived, soon).toEqual([['Three', ['Buildings/Schools']]]);
    expect(await counts(box)).toMatchObject({ inbox: { threads: 1 }, sent: { threads: 1 }, archive: { threads: 1 } });
  });

  it('is brought along once, also what came by SMTP before, whatever its line ends', async () => {
    const box = await town.openShared('once', { ann: 'admin' });
    const sent = await town.send('ann', { to: 'once@tidings.test', subject: 'Came before', text: 'text', messageId: '<before@x>' });
    const raw = Buffer.from(await (await town.as.ann.call('GET', `/api/emails/${sent.id}/raw`)).arrayBuffer()).toString('latin1');
    const file = mbox(
      ['Tue Mar 05 10:00:00 2019', raw.replaceAll('\r\n', '\n')],
      ['Wed Mar 06 10:00:00 2019', mail({ Subject: 'No id' })],
      ['Thu Mar 07 10:00:00 2019', mail({ Subject: 'Same id', 'Message-ID': '<before@x>' })],
    );
    expect(await bring(box, file)).toMatchObject({ state: 'done', total: 3, filed: 2, duplicates: 1 });
    expect(await bring(box, file)).toMatchObject({ state: 'done', total: 3, filed: 0, duplicates: 3 });
    await untilThreads(box, 'all', 3);
  });

  it('goes out as an mbox that comes in as it was', async ({ annotate }) => {
    const [from, to] = [await town.openShared('from', { ann: 'admin' }), await town.openShared('to', { ann: 'admin' })];
    const { folder, samples } = realMail();
    await annotate(
      samples.length > 0
        ? `with ${Math.min(REAL_MAILS, samples.length)} real mails of ${folder}`
        : `no real mail in ${folder}: with the project's own`,
    );
    const mails = [...ownMail(), ...samples.slice(0, REAL_MAILS)].map(({ raw }, nth): readonly [string, string] => {
      const labels = ['Inbox', 'Sent', 'Archived', 'Trash'][nth % 4];
      const notes = `Status: ${nth % 3 === 0 ? 'O' : 'RO'}\nX-Status: ${nth % 5 === 0 ? 'AF' : ''}\nX-Gmail-Labels: ${labels}${nth % 7 === 0 ? ',Écoles/"a, b"' : ''}${nth % 11 === 0 ? ',Starred' : ''}\n`;
      const text = raw
        .toString('latin1')
        .replaceAll('\r\n', '\n')
        .replace(/^(>*From )/gm, '>$1');
      return [
        new Date(Date.UTC(2020, 0, 1 + nth)).toUTCString().replace(/^(\w+), (\d+) (\w+) (\d+) (\S+) GMT$/, '$1 $3 $2 $5 $4'),
        `${notes}${text}`,
      ];
    });
    const came = await bring(from, mbox(...mails));
    expect(came).toMatchObject({ state: 'done', total: mails.length, failed: 0 });
    const before = await town.as.ann.ask<Import>('GET', `/api/imports/${came.id}`);
    await vi.waitFor(
      async () =>
        expect(
          await (
            await town.as.ann.call('GET', `/api/mailboxes/${from}/export`)
          )
            .text()
            .then((text) => text.split(/^From .* 20\d\d$/m).length - 1),
        ).toBe(before.filed),
      soon,
    );
    const exported = Buffer.from(await (await town.as.ann.call('GET', `/api/mailboxes/${from}/export`)).arrayBuffer());
    expect(await bring(to, exported)).toMatchObject({ state: 'done', total: before.filed, filed: before.filed, failed: 0 });
    for (const view of ['inbox', 'sent', 'archive', 'trash'] as const) {
      const { threads } = (await counts(from))[view];
      await untilThreads(to, view, threads);
      const there = sorted(await holdings(from, view));
      await expect.poll(async () => [view, sorted(await holdings(to, view))], soon).toEqual([view, there]);
    }
    // Into the mailbox that it came from, there is nothing to bring.
    expect(await bring(from, exported)).toMatchObject({ state: 'done', filed: 0, duplicates: before.filed });
    const part = await (await town.as.ann.call('GET', `/api/mailboxes/${from}/export?view=trash`)).text();
    expect(part.match(/^X-Gmail-Labels: (?!.*Trash)/gm)).toBeNull();
  }, 120_000);

  it('is refused where it is no mail, too large, or not theirs to bring', async () => {
    const box = await town.openShared('refusing', { ann: 'admin', vic: 'viewer' });
    const refused = async (response: Response) => {
      const problem = (await response.json()) as Problem; // every error has this body
      return [response.status, problem.code, ...(problem.errors ?? []).map(({ path }) => path)];
    };
    expect(await refused(await upload(box, '%PDF-1.4 no mail', 'mail.mbox'))).toEqual(invalid('file'));
    expect(await refused(await upload(box, '', 'mail.mbox'))).toEqual(invalid('file'));
    expect(await refused(await upload(box, mail({}), 'x.eml', 'vic'))).toEqual(forbidden);
    expect(await refused(await upload(box, Buffer.alloc(9 * 1024 * 1024, 'x: y\n'), 'x.eml'))).toEqual([413, 'CONTENT_TOO_LARGE', 'file']);
    const { ann, vic } = town.as;
    expect(await vic.refused('GET', `/api/mailboxes/${box}/export`)).toEqual(forbidden);
    expect(await ann.refused('GET', '/api/imports/00000000-0000-4000-8000-000000000000')).toEqual(missing);
    const imap = { host: '127.0.0.1', username: 'x', password: 'x' };
    expect(await ann.refused('POST', `/api/mailboxes/${box}/imports`, { imap })).toEqual(invalid('imap.host'));
    expect(await ann.refused('POST', `/api/mailboxes/${box}/imports`, { imap: { ...imap, host: 'imap.example.org', port: 0 } })).toEqual(
      invalid('imap.port'),
    );
    expect(await ann.refused('POST', `/api/mailboxes/${box}/imports`, {})).toEqual(invalid('imap'));
    expect((await ann.ask<{ content: readonly Import[] }>('GET', `/api/mailboxes/${box}/imports`)).content).toEqual([]);
    // These can be told only by whoever reads them.
    expect(await bring(box, Buffer.concat([zipOf({ 'a.eml': mail({}) }).subarray(0, 40), Buffer.alloc(50)]), 'broken.zip')).toMatchObject({
      state: 'failed',
      error: { code: 'file', field: 'file' },
    });
    expect(await bring(box, zipOf({ 'x.txt': 'no mail' }), 'none.zip')).toMatchObject({
      state: 'failed',
      error: { message: 'There is no mail in this file.' },
    });
  });

  it('is cancelled as it runs, and what was filed stays', async () => {
    const box = await town.openShared('cancelling', { ann: 'admin' });
    const file = manyMails('c');
    const live = await town.listen('ann');
    const { id } = (await (await upload(box, file)).json()) as Import; // the contract of the route
    await firstBatch(live, id);
    await town.as.ann.ask<Import>('DELETE', `/api/imports/${id}`);
    live.close();
    const stopped = await ended(id);
    expect(stopped.state).toBe('cancelled');
    expect(stopped.done).toBeLessThan(MANY);
    // A second time brings the rest, and knows the others.
    expect(await bring(box, file)).toMatchObject({ state: 'done', total: MANY, done: MANY, failed: 0 });
    await untilThreads(box, 'inbox', MANY);
  }, 120_000);

  it('goes on after a power cut, and every mail is filed once', async () => {
    const box = await town.openShared('power', { ann: 'admin' });
    const file = manyMails('k');
    const live = await town.listen('ann');
    const { id } = (await (await upload(box, file)).json()) as Import; // the contract of the route
    await firstBatch(live, id);
    await town.restart();
    live.close();
    expect(await ended(id)).toMatchObject({ state: 'done', total: MANY, done: MANY, filed: MANY, duplicates: 0, failed: 0 });
    await untilThreads(box, 'all', MANY);
    expect(await bring(box, file)).toMatchObject({ state: 'done', filed: 0, duplicates: MANY });
  }, 240_000);
});

/** Some batches of mails, so that there is a middle to stop in. */
const MANY = 1_200;
const manyMails = (prefix: string): string =>
  mbox(
    ...Array.from({ length: MANY }, (_, n): readonly [string, string] => [
      'Tue Mar 05 10:00:00 2019',
      mail({ Subject: `Mail ${n}`, 'Message-ID': `<${prefix}${n}@x>` }),
    ]),
  );
/** Told as it happens: others are on their way then. */
const firstBatch = (live: Listening, id: string): Promise<void> =>
  vi.waitFor(
    () => {
      const done = live.heard.flatMap(({ event }) => (event['importId'] === id ? Number(event['done']) : []));
      expect(Math.max(0, ...done)).toBeGreaterThan(0);
    },
    { timeout: 60_000, interval: 5 },
  );

/** Threads whose latest mails came at one instant stand in any order. */
const sorted = (threads: readonly object[]): readonly string[] => threads.map((thread) => JSON.stringify(thread)).toSorted();
