/** Mail brought along from a real IMAP server, through the whole program. */
import type { Import } from '@tidings/contracts/http/imports';
import type { Email, MailboxCounts, MailPage, Thread } from '@tidings/contracts/http/mail-objects';
import { ImapFlow } from 'imapflow';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { type MailTown, openMailTown } from '../acceptance/mail-kit.ts';
import { dovecotLacks, startDovecot, type RunningDovecot } from '../kit/dovecot.ts';

const lack = dovecotLacks();
const mail = (subject: string, more = ''): string =>
  `From: Bob <bob@elsewhere.test>\r\nTo: imap@tidings.test\r\nSubject: ${subject}\r\nMessage-ID: <${subject.replaceAll(' ', '-')}@x>\r\n${more}\r\ntext\r\n`;
const DAY = new Date('2019-03-05T10:00:00Z');

describe.skipIf(lack !== null)(`Dovecot${lack === null ? '' : ` (${lack})`}`, () => {
  let server: RunningDovecot;
  let town: MailTown<'ann'>;
  let box: string;
  const total = 6;
  beforeAll(async () => {
    server = await startDovecot();
    const client = await connect();
    for (const folder of ['Sent', 'Papierkorb', 'Travaux/Écoles']) await client.mailboxCreate(folder);
    await client.append('INBOX', mail('Roof'), ['\\Seen', '\\Flagged', '\\Answered'], DAY);
    await client.append('INBOX', mail('Unread'), [], DAY);
    await client.append('Sent', mail('Re Roof', 'In-Reply-To: <Roof@x>\r\n'), ['\\Seen'], DAY);
    await client.append('Papierkorb', mail('Rubbish'), ['\\Seen'], DAY);
    await client.append('Travaux/Écoles', mail('School'), ['\\Seen', '$Forwarded'], DAY);
    // Gmail shows a mail in the folder of each of its labels.
    await client.append('Travaux/Écoles', mail('Unread'), [], DAY);
    await client.logout();
    town = await openMailTown(['ann'], { WEBHOOK_ALLOW_PRIVATE: 'on', NODE_EXTRA_CA_CERTS: server.caFile }, {}, { restarts: true });
    box = await town.openShared('imap', { ann: 'admin' });
  }, 180_000);
  afterAll(async () => {
    await town.close();
    await server.stop();
  });

  /** To put mail there. */
  const connect = async (): Promise<ImapFlow> => {
    const client = new ImapFlow({
      ...{ host: '127.0.0.1', port: server.port, secure: false, doSTARTTLS: false, logger: false },
      auth: { user: server.username, pass: server.password },
    });
    await client.connect();
    return client;
  };
  const labelsOfBox = async () =>
    (await town.as.ann.ask<{ content: readonly { id: string; name: string }[] }>('GET', `/api/mailboxes/${box}/labels`)).content;
  const ended = async (id: string): Promise<Import> => {
    const { ask } = town.as.ann;
    await vi.waitFor(async () => expect((await ask<Import>('GET', `/api/imports/${id}`)).endedAt).not.toBeNull(), {
      timeout: 60_000,
      interval: 50,
    });
    return ask<Import>('GET', `/api/imports/${id}`);
  };

  const bring = async (account: object): Promise<Import> => {
    const { ask } = town.as.ann;
    const imap = { host: '127.0.0.1', port: server.tlsPort, username: server.username, password: server.password, ...account };
    const { id } = await ask<Import>('POST', `/api/mailboxes/${box}/imports`, { imap });
    return ended(id);
  };

  it('gives its folders as places and labels, its flags, and each mail once', async ({ annotate }) => {
    await annotate('engine: Dovecot of Debian, over TLS');
    const done = await bring({});
    expect(done).toMatchObject({ state: 'done', total, done: total, filed: 5, duplicates: 1, failed: 0, error: null });
    expect(done.folders.map(({ name, total: mails }) => [name, mails]).toSorted()).toEqual([
      ['INBOX', 2],
      ['Papierkorb', 1],
      ['Sent', 1],
      ['Travaux/Écoles', 2],
    ]);
    const { ask } = town.as.ann;
    await vi.waitFor(
      async () =>
        expect((await ask<MailboxCounts>('GET', `/api/mailboxes/${box}/counts`)).views).toMatchObject({
          inbox: { threads: 2, unread: 1 },
          sent: { threads: 1 },
          trash: { threads: 1 },
          archive: { threads: 1 },
          starred: { threads: 1 },
        }),
      { timeout: 20_000, interval: 50 },
    );
    const labels = await labelsOfBox();
    expect(labels.map(({ name }) => name)).toEqual(['Travaux', 'Travaux/Écoles']);
    const schools = `/api/mailboxes/${box}/threads?view=all&label=${labels[1]?.id}`;
    await vi.waitFor(async () => expect((await ask<MailPage<Thread>>('GET', schools)).content).toHaveLength(2), {
      timeout: 20_000,
      interval: 50,
    });
    const starred = (await ask<MailPage<Thread>>('GET', `/api/mailboxes/${box}/threads?view=starred`)).content[0];
    const messages = (await ask<MailPage<Email>>('GET', `/api/threads/${starred?.id}/messages`)).content;
    expect(messages.map(({ subject, receivedAt, keywords, direction }) => [subject, receivedAt, direction, keywords])).toEqual([
      ['Roof', DAY.toISOString(), 'in', { $seen: true, $flagged: true, $answered: true, $forwarded: false }],
      ['Re Roof', DAY.toISOString(), 'out', { $seen: true, $flagged: false, $answered: false, $forwarded: false }],
    ]);
    expect(await bring({ tls: 'starttls', port: server.port })).toMatchObject({ state: 'done', filed: 0, duplicates: total });
    expect(await bring({ folders: ['Sent'] })).toMatchObject({ state: 'done', total: 1, duplicates: 1 });
  }, 120_000);

  it('says what stands in the way, and names the field', async () => {
    expect(await bring({ password: 'wrong' })).toMatchObject({ state: 'failed', error: { code: 'login', field: 'imap.password' } });
    expect(await bring({ folders: ['Sent', 'Nowhere'] })).toMatchObject({
      state: 'failed',
      error: { code: 'folder', field: 'imap.folders' },
    });
    expect(await bring({ port: 1 })).toMatchObject({ state: 'failed', error: { code: 'connection', field: 'imap.host' } });
    // Talks TLS from the first byte on where a greeting in the clear is expected, and the other way round.
    expect(await bring({ port: server.port, tls: 'implicit' })).toMatchObject({
      state: 'failed',
      error: { field: expect.stringMatching(/imap\.(tls|host)/) },
    });
  }, 120_000);

  it('goes on after a power cut, and each mail is there once', async () => {
    const many = 600; // some batches, so that there is a middle to stop in
    const client = await connect();
    await client.mailboxCreate('Many');
    for (let n = 0; n < many; n += 1) await client.append('Many', mail(`Many ${n}`), ['\\Seen'], DAY);
    await client.logout();
    const live = await town.listen('ann');
    const account = { host: '127.0.0.1', port: server.tlsPort, username: server.username, password: server.password, folders: ['Many'] };
    const { id } = await town.as.ann.ask<Import>('POST', `/api/mailboxes/${box}/imports`, { imap: account });
    const told = (): number => Math.max(0, ...live.heard.flatMap(({ event }) => (event['importId'] === id ? Number(event['done']) : [])));
    await vi.waitFor(() => expect(told()).toBeGreaterThan(0), { timeout: 60_000, interval: 2 });
    await town.restart();
    live.close();
    expect(told()).toBeLessThan(many);
    expect(await ended(id)).toMatchObject({ state: 'done', total: many, done: many, filed: many, duplicates: 0, failed: 0 });
    const label = (await labelsOfBox()).find(({ name }) => name === 'Many');
    const counted = async (): Promise<number | undefined> =>
      (await town.as.ann.ask<MailboxCounts>('GET', `/api/mailboxes/${box}/counts`)).labels.find((one) => one.id === label?.id)?.threads;
    await expect.poll(counted).toBe(many);
  }, 240_000);

  it('keeps no password once it is over', async () => {
    const text = await (await town.as.ann.call('GET', `/api/mailboxes/${box}/imports`)).text();
    expect(text).not.toContain(server.password);
  });
});
