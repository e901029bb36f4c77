import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import type { FilingDecided } from '@tidings/contracts/events/email';
import type { Recorded, TidingsEvent } from '@tidings/contracts/events/index';
import type { EmailFiled } from '@tidings/contracts/events/thread';
import {
  derivedId,
  subjectId,
  type BlobId,
  type CommandId,
  type EmailId,
  type MailboxId,
  type StreamId,
  type ThreadId,
  type UserId,
} from '@tidings/contracts/ids';
import type { BlobStore } from '@tidings/contracts/ports/blob-store';
import { LogUnavailable, START, type EventLog } from '@tidings/contracts/ports/event-log';
import { memoryBlobs } from '@tidings/infra/blobs/memory';
import { openMemoryLog } from '@tidings/infra/event-log/memory/memory-log';
import { openMime, readBodies } from '@tidings/infra/mime/mime';
import { openPool } from '@tidings/infra/postgres/pools';
import { migrateProjector } from '@tidings/infra/projector/migrations';
import type { Pool } from 'pg';
import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createTestDatabase } from '../../../tests/kit/postgres.ts';
import { memoryPlatform } from '../../http-kit/src/testing/memory-platform.ts';
import type { Platform, Service } from '../../platform/src/platform.ts';
import { filingCommand } from '../../cli/src/filing/index.ts';
import { startFiling } from './index.ts';

const mailbox = (name: string): MailboxId => derivedId<MailboxId>('test-mailbox', name);
const inbox = mailbox('contact');
const quickly = { ttlMs: 2_000, heartbeatMs: 200 };

const mime = openMime({ threads: 1 });
let database: Awaited<ReturnType<typeof createTestDatabase>>;
let pool: Pool;
beforeAll(async () => {
  database = await createTestDatabase();
  pool = openPool({ url: database.url, max: 8, name: 'test', logger: pino({ level: 'silent' }) });
  await migrateProjector(pool);
});
afterAll(async () => {
  await mime.close();
  await pool.end();
  await database.drop();
});

let log: EventLog;
let blobs: BlobStore;
let platform: Platform;
let running: Service[];
let received: number;
/** Called before each append; may throw. */
let beforeAppend: (stream: StreamId) => void;

beforeEach(async () => {
  await pool.query('drop schema if exists filing cascade');
  await pool.query('delete from projection.lease; delete from projection.checkpoint');
  beforeAppend = () => undefined;
  const inner = openMemoryLog();
  log = {
    ...inner,
    append: async (stream, ...rest) => {
      beforeAppend(stream);
      return inner.append(stream, ...rest);
    },
  };
  blobs = memoryBlobs();
  platform = memoryPlatform({ log, blobs, pool });
  running = [];
  received = 0;
});
afterEach(async () => {
  await Promise.all(running.map((service) => service.stop()));
  await log.close();
});

const start = async (on: Platform = platform): Promise<Service> => {
  const service = await startFiling(on, { lease: quickly, mime, checkers: {} });
  running.push(service);
  return service;
};
const nodeWith = (pool: Pool): Platform => memoryPlatform({ log, blobs, pool, keys: platform.keys });

const receive = async (raw: string | Buffer, ...to: MailboxId[]): Promise<EmailId> => {
  received += 1;
  const emailId = derivedId<EmailId>('test-email', received);
  const { id, size } = await blobs.put(Buffer.from(raw));
  await receiveBlob(emailId, id, size, to.length > 0 ? to : [inbox]);
  return emailId;
};
const receiveBlob = (emailId: EmailId, blobId: BlobId, size: number, to: readonly MailboxId[]): Promise<unknown> => {
  const envelope = { mailFrom: 'ada@analytical.example', rcptTo: ['contact@tidings.test'], helo: 'client', clientAddress: '127.0.0.1' };
  const recipients = to.map((mailboxId) => ({ mailboxId, envelope }));
  const commandId = derivedId<CommandId>('test-receive', emailId);
  return platform.events.append(
    `email-${emailId}` as StreamId,
    'none',
    [{ type: 'EmailReceived', data: { emailId, blobId, size, recipients } }],
    { commandId, traceId: 'f'.repeat(32) },
  );
};
const mail = (headers: Readonly<Record<string, string>>, body = 'text'): string =>
  [
    ...Object.entries({ From: 'ada@analytical.example', Date: 'Mon, 02 Nov 2026 09:15:00 +0100', ...headers }).map(
      ([name, value]) => `${name}: ${value}`,
    ),
    '',
    body,
    '',
  ].join('\r\n');

type Filed = Recorded<EmailFiled>;
const everything = async (): Promise<readonly Recorded[]> => {
  const page = await log.readAll(0, START, 5_000);
  return (await platform.events.open(page.events)).events;
};
const filedEvents = async (): Promise<readonly Filed[]> =>
  (await everything()).filter((event): event is Filed => event.type === 'EmailFiled');
const decisions = async (): Promise<readonly Recorded<FilingDecided>[]> =>
  (await everything()).filter((event): event is Recorded<FilingDecided> => event.type === 'FilingDecided');

/** Waits until everything received was filed or set aside and the checkpoint stands behind it. */
const settled = async (): Promise<readonly Filed[]> => {
  const last = (await everything()).filter(({ type }) => type === 'EmailReceived').at(-1)?.position ?? START;
  await expect
    .poll(
      async () =>
        (await pool.query<{ position: string }>("select position from projection.checkpoint where name = 'filing'")).rows[0]?.position ??
        '',
      { timeout: 20_000, interval: 20 },
    )
    .toSatisfy((position: string) => position >= last);
  return filedEvents();
};
const threadsOf = (filed: readonly Filed[], mailboxId: MailboxId = inbox): ReadonlyMap<EmailId, ThreadId> =>
  new Map(filed.filter(({ data }) => data.mailboxId === mailboxId).map(({ data }) => [data.emailId, data.threadId]));

describe('filing', () => {
  it('puts a mail into each mailbox it is for, understood', async () => {
    const id = await receive(
      mail({ Subject: 'Hello', 'Message-ID': '<1@x>', 'Content-Type': 'text/html' }, '<p>Hi <script>x</script>there</p>'),
      inbox,
      mailbox('alice'),
    );
    await start();
    const filed = await settled();
    expect(filed.map(({ data }) => data.mailboxId)).toEqual([inbox, mailbox('alice')]);
    expect(filed[0]).toMatchObject({
      data: {
        emailId: id,
        direction: 'in',
        place: 'inbox',
        startsThread: true,
        messageIdReused: false,
        envelope: { mailFrom: 'ada@analytical.example', rcptTo: ['contact@tidings.test'] },
        content: { subject: 'Hello', preview: 'Hi there', messageId: '1@x' },
      },
      meta: { traceId: 'f'.repeat(32) },
    });
    expect(new Set(filed.map(({ data }) => data.threadId)).size).toBe(2);
    expect(await readBodies(blobs, filed[0]!.data.bodyBlobId)).toMatchObject({
      details: { sender: [], htmlBody: [{ partId: '1', type: 'text/html' }], attachments: [] },
      bodies: { '1': { value: '<p>Hi there</p>\n', isTruncated: false } },
    });
    expect((await decisions()).map(({ data }) => data.outcome)).toEqual(
      filed.map(({ data }) => ({ type: 'thread', threadId: data.threadId, by: 'new' })),
    );
  });

  it('finds the conversation, within a page and across', async () => {
    const service = await start();
    for (const pause of [true, false]) {
      const tag = String(pause);
      const step = async (): Promise<unknown> => (pause ? settled() : undefined);
      const original = await receive(mail({ Subject: 'Engines', 'Message-ID': `<a${tag}@x>` }));
      await step();
      const reply = await receive(mail({ Subject: 'Something else', 'Message-ID': `<b${tag}@x>`, 'In-Reply-To': `<a${tag}@x>` }));
      await step();
      const relative = await receive(mail({ Subject: 'Re: Engines', 'Message-ID': `<c${tag}@x>`, References: `<a${tag}@x> <unknown@x>` }));
      const stranger = await receive(mail({ Subject: 'New topic', 'Message-ID': `<d${tag}@x>`, References: `<a${tag}@x>` }));
      const early = await receive(mail({ Subject: 'Re: Later', 'Message-ID': `<f${tag}@x>`, 'In-Reply-To': `<e${tag}@x>` }));
      await step();
      const late = await receive(mail({ Subject: 'Later', 'Message-ID': `<e${tag}@x>` }));
      const threads = threadsOf(await settled());
      expect(threads.get(reply)).toBe(threads.get(original));
      expect(threads.get(relative)).toBe(threads.get(original));
      expect(threads.get(stranger)).not.toBe(threads.get(original));
      expect(threads.get(late)).toBe(threads.get(early));
    }
    await expect.poll(() => service.health()).toMatchObject({ state: 'idle', waitingOn: null });
  });

  it('files the same mail once, and marks another with its Message-ID', async () => {
    await start();
    const text = mail({ Subject: 'Once', 'Message-ID': '<once@x>' });
    const first = await receive(text);
    await settled();
    const again = await receive(`Received: from elsewhere\r\n${text}`);
    const twice = await receive(`Received: from elsewhere\r\n${text}`, inbox, mailbox('alice'));
    const other = await receive(mail({ Subject: 'Once', 'Message-ID': '<once@x>' }, 'other words'));
    const filed = await settled();
    expect(filed.map(({ data }) => [data.emailId, data.mailboxId, data.messageIdReused]).toSorted()).toEqual(
      [
        [first, inbox, false],
        [twice, mailbox('alice'), false],
        [other, inbox, true],
      ].toSorted(),
    );
    const outcomes = new Map((await decisions()).map(({ data }) => [`${data.emailId} ${data.mailboxId}`, data.outcome]));
    expect(outcomes.get(`${again} ${inbox}`)).toEqual({ type: 'duplicate', of: first });
    expect(outcomes.get(`${twice} ${inbox}`)).toEqual({ type: 'duplicate', of: first });
  });

  it('knows mails that were filed by others', async () => {
    await start();
    const threadId = derivedId<ThreadId>('test-thread');
    const empty = {
      inReplyTo: [],
      references: [],
      from: [],
      to: [],
      cc: [],
      sentAt: null,
      preview: '',
      hasAttachments: false,
    };
    const content = { ...empty, messageId: 'sent@tidings.test', subject: 'We wrote' };
    const blob = 'a'.repeat(64) as BlobId;
    const data = {
      threadId,
      mailboxId: inbox,
      emailId: derivedId<EmailId>('sent'),
      blobId: blob,
      bodyBlobId: blob,
      size: 1,
      direction: 'out',
      place: 'sent',
      startsThread: true,
      messageIdReused: false,
      envelope: null,
      content,
    } as const;
    await platform.events.append(`thread-${threadId}` as StreamId, 'none', [{ type: 'EmailFiled', data }], {
      commandId: derivedId<CommandId>('sent'),
    });
    const reply = await receive(mail({ Subject: 'Re: We wrote', 'Message-ID': '<r@x>', 'In-Reply-To': '<sent@tidings.test>' }));
    expect(threadsOf(await settled()).get(reply)).toBe(threadId);
  });

  it('keeps the order of arrival in each mailbox', async () => {
    const sent: EmailId[] = [];
    for (let i = 0; i < 450; i += 1)
      sent.push(await receive(mail({ Subject: `Mail ${i}`, 'Message-ID': `<${i}@x>` }), inbox, mailbox(`m${i % 7}`)));
    await start();
    const filed = await settled();
    expect(filed.filter(({ data }) => data.mailboxId === inbox).map(({ data }) => data.emailId)).toEqual(sent);
    expect(filed).toHaveLength(900);
  }, 60_000);

  it('files every mail of our own corpus', async () => {
    const folder = new URL('../../../tests/fixtures/mail/', import.meta.url);
    const files = readdirSync(folder).filter((name) => name.endsWith('.eml'));
    const ids: EmailId[] = [];
    for (const file of files) ids.push(await receive(readFileSync(new URL(file, folder))));
    await start();
    expect((await settled()).map(({ data }) => data.emailId)).toEqual(ids);
    const threads = threadsOf(await filedEvents());
    expect(threads.get(ids[20]!)).toBe(threads.get(ids[0]!)); // 21-reply answers 01-plain
  });

  it('sets aside what can never be filed, and goes on', async () => {
    const lost = derivedId<EmailId>('lost');
    await receiveBlob(lost, 'b'.repeat(64) as BlobId, 1, [inbox]);
    const next = await receive(mail({ Subject: 'Next' }));
    await start();
    expect((await settled()).map(({ data }) => data.emailId)).toEqual([next]);
    const { rows } = await pool.query('select email_id, error from filing.set_aside');
    expect(rows).toEqual([{ email_id: lost, error: expect.stringContaining('BlobNotFound') }]);
  });

  it('tries again by hand what was set aside', async () => {
    const raw = mail({ Subject: 'Found again' });
    const lost = derivedId<EmailId>('lost');
    await receiveBlob(lost, createHash('sha256').update(raw).digest('hex') as BlobId, raw.length, [inbox]);
    await start();
    const filing = async (...args: readonly string[]): Promise<string> => {
      const said: string[] = [];
      const code = await filingCommand(args, { databaseUrl: database.url, stdout: { write: (text) => said.push(text) } });
      return `${code} ${said.join('')}`;
    };
    await expect.poll(() => filing('list'), { timeout: 20_000, interval: 50 }).toMatch(new RegExp(`^0 .*${lost}  ${inbox}  BlobNotFound`));
    expect(await filing('retry', derivedId<EmailId>('another'))).toBe('1 No such mail is set aside.\n');
    expect(await filing('retry', 'everything')).toMatch(/^2 there is no command/);
    await platform.blobs.put(Buffer.from(raw));
    expect(await filing('retry', lost)).toBe('0 Tried again within seconds, in 1 mailbox.\n');
    await expect.poll(async () => (await filedEvents()).map(({ data }) => data.emailId), { timeout: 20_000, interval: 50 }).toEqual([lost]);
    expect(await filing('list')).toBe('0 No mail is set aside.\n');
  });
});

describe('a mailbox that is gone', () => {
  const happens = (mailboxId: MailboxId, ...events: readonly TidingsEvent[]): Promise<unknown> =>
    platform.events.append(`mailbox-${mailboxId}` as StreamId, 'any', events, { commandId: derivedId<CommandId>('happens', received) });
  const by = derivedId<UserId>('by');
  const opens = (mailboxId: MailboxId): TidingsEvent => ({
    type: 'MailboxOpened',
    data: { mailboxId, kind: 'shared', address: 'gone@tidings.test', name: 'Gone' },
  });
  const closes = (mailboxId: MailboxId): TidingsEvent => ({ type: 'MailboxClosed', data: { mailboxId, by } });

  it('gets nothing that was accepted before, and the others get theirs', async () => {
    const [closed, erased] = [mailbox('closed'), mailbox('erased')];
    await receive(mail({ Subject: 'For nobody' }), closed, erased);
    const id = await receive(mail({ Subject: 'For all' }), closed, inbox, erased);
    await happens(closed, opens(closed), closes(closed));
    await platform.keys.destroy(subjectId(erased));
    await start();
    expect((await settled()).map(({ data }) => [data.emailId, data.mailboxId])).toEqual([[id, inbox]]);
    expect((await pool.query('select from filing.set_aside')).rowCount).toBe(0);
  });

  it('is forgotten with what it held', async () => {
    const closed = mailbox('closed');
    await happens(closed, opens(closed));
    await receive(mail({ Subject: 'Kept', 'Message-ID': '<1@x>', References: '<0@x>' }), closed, inbox);
    await start();
    await settled();
    await happens(closed, closes(closed));
    const heldBy = async (): Promise<readonly unknown[]> =>
      (
        await pool.query<{ mailbox_id: string }>('select mailbox_id from filing.held union all select mailbox_id from filing.naming')
      ).rows.map(({ mailbox_id }) => mailbox_id);
    await expect.poll(heldBy, { timeout: 20_000, interval: 20 }).toEqual([inbox, inbox]);
  });
});

describe('a crash or an outage', () => {
  /** Fails the n-th append or commit; every later one works. */
  const failingAt = (n: number, kind: 'before' | 'after'): void => {
    let calls = 0;
    const inner = log.append.bind(log);
    log.append = async (...args) => {
      if (args[0].startsWith('email-')) return inner(...args);
      calls += 1;
      if (calls === n && kind === 'before') throw new LogUnavailable('not-applied', 'test');
      const result = await inner(...args);
      if (calls === n) throw new LogUnavailable('not-applied', 'the answer was lost, and the log lied about it');
      return result;
    };
  };

  it.each(Array.from({ length: 9 }, (_, i) => [i + 1, i % 2 === 0 ? 'before' : 'after'] as const))(
    'at append %d, %s it was written: nothing is lost, nothing is filed twice',
    async (n, kind) => {
      failingAt(n, kind);
      const text = mail({ Subject: 'Twice', 'Message-ID': '<t@x>' });
      const ids = [
        await receive(text),
        await receive(text),
        await receive(mail({ Subject: 'Re: Twice', 'Message-ID': '<u@x>', 'In-Reply-To': '<t@x>' }), inbox, mailbox('alice')),
      ];
      await start();
      const filed = await settled();
      expect(filed.map(({ data }) => `${data.emailId} ${data.mailboxId}`).toSorted()).toEqual(
        [`${ids[0]} ${inbox}`, `${ids[2]} ${inbox}`, `${ids[2]} ${mailbox('alice')}`].toSorted(),
      );
      expect(threadsOf(filed).get(ids[2]!)).toBe(threadsOf(filed).get(ids[0]!));
      expect(await decisions()).toHaveLength(4);
    },
  );

  it('of the database at the commit: the page is repeated, without a trace', async () => {
    let failures = 0;
    const flaky = new Proxy(pool, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name);
        if (name === 'connect' && failures > 0) {
          return async () => {
            failures -= 1;
            throw new Error('connection refused');
          };
        }
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
    await start(nodeWith(flaky));
    failures = 3;
    const id = await receive(mail({ Subject: 'Once', 'Message-ID': '<once@x>' }));
    expect((await settled()).map(({ data }) => data.emailId)).toEqual([id]);
    expect((await pool.query('select from filing.held')).rows).toHaveLength(1);
    expect(failures).toBe(0);
  });

  it('of the blob store: filing waits and then goes on', async () => {
    const id = await receive(mail({ Subject: 'Wait' }));
    const read = blobs.read.bind(blobs);
    let failures = 3;
    blobs.read = (blob) => {
      failures -= 1;
      return failures >= 0 ? Promise.reject(new Error('not now')) : read(blob);
    };
    await start();
    expect((await settled()).map(({ data }) => data.emailId)).toEqual([id]);
  });

  it('of the owner: another node goes on from its checkpoint', async () => {
    const one = await start();
    const before = await receive(mail({ Subject: 'Before', 'Message-ID': '<before@x>' }));
    await settled();
    const two = await start(nodeWith(pool));
    await expect.poll(() => two.health().state).toBe('not-owner');
    running.splice(running.indexOf(one), 1);
    await one.stop();
    const after = await receive(mail({ Subject: 'Re: Before', 'Message-ID': '<after@x>', 'In-Reply-To': '<before@x>' }));
    const filed = await settled();
    expect(filed.map(({ data }) => data.emailId)).toEqual([before, after]);
    expect(threadsOf(filed).get(after)).toBe(threadsOf(filed).get(before));
  });

  it('of its lease: a fenced owner commits nothing and does no harm', async () => {
    await start();
    await settled();
    await pool.query(
      "update projection.lease set token = token + 1, owner = 'somebody else', expires_at = now() + interval '700 ms' where name = 'filing'",
    );
    await pool.query("update projection.checkpoint set lease_token = lease_token + 1 where name = 'filing'");
    const id = await receive(mail({ Subject: 'Meanwhile' }));
    expect((await settled()).map(({ data }) => data.emailId)).toEqual([id]);
    expect(await decisions()).toHaveLength(1);
  });
});
