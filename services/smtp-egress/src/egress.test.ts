import type { Recorded } from '@tidings/contracts/events/index';
import {
  type BlobId,
  type CommandId,
  derivedId,
  type EmailId,
  type MailboxId,
  subjectId,
  type ThreadId,
  type UserId,
} from '@tidings/contracts/ids';
import { type EventLog, START } from '@tidings/contracts/ports/event-log';
import type { Begin, MailTransport, OutgoingMail, Transmission } from '@tidings/contracts/ports/mail-transport';
import { address, addressKey } from '@tidings/domain/address/index';
import type { EmailAddress } from '@tidings/domain/mail/address';
import { outbound, outboundKey, type RecipientState } from '@tidings/domain/outbound/index';
import { memoryBlobs } from '@tidings/infra/blobs/memory';
import { loadConfig } from '@tidings/infra/config/config';
import { openMemoryLog } from '@tidings/infra/event-log/memory/memory-log';
import { memorySubjectKeys } from '@tidings/infra/subject-keys/memory';
import { openPool } from '@tidings/infra/postgres/pools';
import { migrateProjector } from '@tidings/infra/projector/migrations';
import * as E from 'fp-ts/lib/Either.js';
import type { Pool } from 'pg';
import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createTestDatabase } from '../../../tests/kit/postgres.ts';
import { memoryPlatform } from '../../http-kit/src/testing/memory-platform.ts';
import type { Platform, Service } from '../../platform/src/platform.ts';
import { returningTo, returnPathSecret } from '../../platform/src/return-path.ts';
import { startSmtpEgress } from './index.ts';

const mailboxId = derivedId<MailboxId>('test', 'mailbox');
const ada = derivedId<UserId>('test', 'ada');
const quickly = { ttlMs: 2_000, heartbeatMs: 200 };
const TEXT = 'From: ada@tidings.test\r\nSubject: Hello\r\n\r\nIt works.\r\n';

let database: Awaited<ReturnType<typeof createTestDatabase>>;
let pool: Pool;
beforeAll(async () => {
  database = await createTestDatabase();
  pool = openPool({ url: database.url, max: 8, name: 'test', logger: pino({ level: 'silent' }) });
  await migrateProjector(pool);
});
afterAll(async () => {
  await pool.end();
  await database.drop();
});

/** Does as a test says, and keeps what it was given. */
class Post implements MailTransport {
  readonly sent: { readonly from: string; readonly to: readonly string[]; readonly text: string }[] = [];
  running = 0;
  mostAtOnce = 0;
  say: (recipient: string, mail: OutgoingMail) => Transmission | Promise<Transmission> = () => delivered;
  afterBegin: () => Promise<void> = async () => undefined;
  route = (domain: string): string => domain;
  async send(mail: OutgoingMail, begin: Begin): Promise<ReadonlyMap<string, Transmission>> {
    this.running += 1;
    this.mostAtOnce = Math.max(this.mostAtOnce, this.running);
    try {
      if (!(await begin('mx.example.org', mail.recipients))) return new Map(mail.recipients.map((one) => [one, { type: 'withheld' }]));
      await this.afterBegin();
      const chunks: Uint8Array[] = [];
      for await (const chunk of mail.bytes()) chunks.push(chunk);
      const told = await Promise.all(mail.recipients.map(async (one) => [one, await this.say(one, mail)] as const));
      this.sent.push({ from: mail.from, to: mail.recipients, text: Buffer.concat(chunks).toString() });
      return new Map(told);
    } finally {
      this.running -= 1;
    }
  }
  async close(): Promise<void> {}
}
const delivered: Transmission = { type: 'delivered', host: 'mx.example.org', tls: null, reply: '250 2.0.0 ok' };
const refused = (reply: string): Transmission => ({ type: 'refused', later: reply.startsWith('4'), host: 'mx.example.org', reply });

let log: EventLog;
let platform: Platform;
let post: Post;
let stores: Pick<Platform, 'blobs' | 'keys'>;
let running: Service[];
let blobId: BlobId;
let queued = 0;
/** How far our clock is ahead. */
let ahead: number;

beforeEach(async () => {
  await pool.query('drop schema if exists egress cascade');
  await pool.query('delete from projection.lease; delete from projection.checkpoint');
  log = openMemoryLog();
  post = new Post();
  running = [];
  ahead = 0;
  stores = { blobs: memoryBlobs(), keys: memorySubjectKeys() };
  open({});
  blobId = (await platform.blobs.put(Buffer.from(TEXT))).id;
});
afterEach(async () => {
  await Promise.all(running.map((service) => service.stop()));
  await log.close();
});

/** Another node on the same log. */
const open = (env: Readonly<Record<string, string>>): Platform => {
  const config = E.getOrElseW(() => {
    throw new Error('bad test');
  })(loadConfig({ EGRESS: 'direct', ...env }));
  platform = memoryPlatform({ log, pool, config, now: () => Date.now() + ahead, ...stores });
  return platform;
};
const start = async (on: Platform = platform, lease = quickly): Promise<Service> => {
  const service = await startSmtpEgress(on, { lease, transport: post });
  running.push(service);
  return service;
};
const stop = async (): Promise<void> => {
  await Promise.all(running.splice(0).map((service) => service.stop()));
};

const queue = async (recipients: readonly string[], from: MailboxId = mailboxId): Promise<EmailId> => {
  queued += 1;
  const emailId = derivedId<EmailId>('test-email', queued);
  const done = await platform.commands.transact(
    outbound,
    outboundKey(emailId),
    {
      ...{ type: 'Queue', emailId, mailboxId: from, threadId: derivedId<ThreadId>('test', emailId), rawBlobId: blobId, size: TEXT.length },
      ...{ messageId: `${emailId}@tidings.test`, envelopeFrom: 'ada@tidings.test', queuedBy: ada },
      recipients: recipients.map((one) => ({ address: one, kind: 'to' as const })),
    },
    { commandId: derivedId<CommandId>('test-queue', emailId) },
  );
  expect(E.isRight(done)).toBe(true);
  return emailId;
};
const states = async (emailId: EmailId): Promise<readonly RecipientState[]> => {
  const { state } = await platform.commands.load(outbound, outboundKey(emailId));
  return state.kind === 'none' ? [] : state.recipients;
};
const statuses = async (emailId: EmailId): Promise<readonly string[]> => (await states(emailId)).map(({ status }) => status);
/** Waits until its recipients stand so. */
const settled = async (emailId: EmailId, ...expected: readonly string[]): Promise<void> => {
  await expect.poll(() => statuses(emailId), { timeout: 10_000, interval: 10 }).toEqual(expected);
};
const events = async (emailId: EmailId): Promise<readonly Recorded[]> =>
  platform.events.readStream(`outbound-${emailId}` as Recorded['stream']);
const rows = async (): Promise<number> => Number((await pool.query('select count(*)::int as n from egress.recipient')).rows[0]?.n);

describe('a queued mail', () => {
  it('gets to each recipient, recorded before and after, and is over', async () => {
    await start();
    const id = await queue(['bob@example.org', 'eve@example.com']);
    await settled(id, 'delivered', 'delivered');
    expect(post.sent.map(({ to }) => to).toSorted()).toEqual([['bob@example.org'], ['eve@example.com']]);
    expect(post.sent[0]?.text).toContain(TEXT);
    expect(post.sent[0]?.text).toMatch(/^DKIM-Signature: .* d=tidings\.test;/);
    const secret = await returnPathSecret(platform.keys);
    expect(post.sent.map(({ from }) => returningTo(secret, from)?.recipient).toSorted()).toEqual([0, 1]);
    expect(post.sent.map(({ from }) => returningTo(secret, from)?.emailId)).toEqual([id, id]);
    expect((await events(id)).map(({ type }) => type).toSorted()).toEqual([
      ...['EmailQueued', 'RecipientsDelivered', 'RecipientsDelivered', 'TransmissionBegun', 'TransmissionBegun'],
    ]);
    await expect.poll(rows).toBe(0);
  });

  it('was queued while nobody was there to send it', async () => {
    const id = await queue(['bob@example.org']);
    await start();
    await settled(id, 'delivered');
    expect(post.sent).toHaveLength(1);
  });

  it('goes in one transmission to those who share a domain, and each has an outcome of their own', async () => {
    post.say = (one) => (one.startsWith('no') ? refused('550 5.1.1 no') : one.startsWith('later') ? refused('450 4.2.0 later') : delivered);
    await start();
    const id = await queue(['bob@example.org', 'no@example.org', 'later@example.org', 'eve@example.org']);
    await settled(id, 'delivered', 'failed', 'deferred', 'delivered');
    expect(post.sent).toHaveLength(1);
    const told = (await events(id)).filter(({ type }) => type === 'RecipientsDelivered');
    expect(told).toMatchObject([{ data: { recipients: [0, 3], reply: '250 2.0.0 ok', enhancedCode: '2.0.0' } }]);
  });

  it('is tried again as the schedule says, then it has failed', async () => {
    open({ EGRESS_RETRY_SCHEDULE: '50ms,100ms' });
    post.say = () => refused('451 4.3.0 busy');
    await start();
    const id = await queue(['bob@example.org']);
    await settled(id, 'deferred');
    ahead += 150; // real time goes on too: the second and the third attempt may both be over when we look
    await settled(id, 'failed');
    const told = await events(id);
    expect(told.filter(({ type }) => type === 'TransmissionBegun')).toHaveLength(3);
    expect(told.at(-1)?.data).toMatchObject({ reply: '451 4.3.0 busy' });
  });

  it('with an address that is none fails, and harms no other', async () => {
    await start();
    const id = await queue(['not an address', 'bob@example.org']);
    await settled(id, 'failed', 'delivered');
    expect(post.sent).toMatchObject([{ to: ['bob@example.org'] }]);
  });

  it('goes by a relay, too, once for each domain, with a return path that is about that domain alone', async () => {
    post.route = () => 'relay';
    await start();
    const id = await queue(['nobody@tidings.test', 'bob@example.org', 'not an address', 'eve@example.com', 'carol@example.org']);
    await settled(id, 'failed', 'delivered', 'failed', 'delivered', 'delivered');
    const secret = await returnPathSecret(stores.keys);
    expect(new Map(post.sent.map(({ from, to }) => [to.join(), returningTo(secret, from)]))).toEqual(
      new Map([
        ['bob@example.org,carol@example.org', { emailId: id, recipient: 1, isShared: true }],
        ['eve@example.com', { emailId: id, recipient: 3, isShared: false }],
      ]),
    );
  });

  it('that was cancelled in time is not sent', async () => {
    const id = await queue(['bob@example.org', 'eve@example.org']);
    const command = { type: 'CancelRecipient', recipient: 1, by: ada } as const;
    await platform.commands.transact(outbound, outboundKey(id), command, { commandId: derivedId<CommandId>('test-cancel', id) });
    await start();
    await settled(id, 'delivered', 'cancelled');
    expect(post.sent).toMatchObject([{ to: ['bob@example.org'] }]);
  });

  it('goes out again when somebody says so, after it had failed', async () => {
    post.say = () => refused('550 5.1.1 no');
    await start();
    const id = await queue(['bob@example.org']);
    await settled(id, 'failed');
    await expect.poll(rows).toBe(0);
    post.say = () => delivered;
    const command = { type: 'RetryRecipient', recipient: 0, by: ada } as const;
    await platform.commands.transact(outbound, outboundKey(id), command, { commandId: derivedId<CommandId>('test-retry', id) });
    await settled(id, 'delivered');
  });

  it('that was destroyed before it was sent fails', async () => {
    blobId = 'f'.repeat(64) as BlobId;
    await start();
    const id = await queue(['bob@example.org']);
    await settled(id, 'failed');
    expect(post.sent).toEqual([]);
  });

  it('of a mailbox that was erased is sent to nobody', async () => {
    const id = await queue(['bob@example.org']);
    await platform.keys.destroy(subjectId(mailboxId));
    await start();
    const other = await queue(['eve@example.org'], derivedId<MailboxId>('test', 'other'));
    await settled(other, 'delivered');
    expect(post.sent).toMatchObject([{ to: ['eve@example.org'] }]);
    expect((await states(id)).map(({ status }) => status)).toEqual(['queued']);
  });
});

describe('nobody knows', () => {
  const lost: Transmission = { type: 'unknown', host: 'mx.example.org', reply: 'Connection closed' };

  it('whether it arrived: by default a person decides', async () => {
    post.say = () => lost;
    await start();
    const id = await queue(['bob@example.org']);
    await settled(id, 'unknown');
    await expect.poll(rows).toBe(0);
    expect((await states(id))[0]).toMatchObject({ retryAt: null });
  });

  it('whether it arrived: by policy it is sent again', async () => {
    open({ EGRESS_UNKNOWN_POLICY: 'retry', EGRESS_RETRY_SCHEDULE: '50ms' });
    post.say = () => (post.sent.length === 0 ? lost : delivered);
    await start();
    const id = await queue(['bob@example.org']);
    await settled(id, 'delivered');
    expect(post.sent).toHaveLength(2);
  });

  it('what a sender that was cut off was in the middle of; when it is heard of after all, that counts', async () => {
    let release = (): void => undefined;
    post.afterBegin = () => new Promise((resolve) => (release = resolve));
    await start(platform, { ttlMs: 2_000, heartbeatMs: 60_000 });
    const id = await queue(['bob@example.org']);
    await settled(id, 'sending');
    // Its lease runs out while it hangs; another node takes over.
    await expect.poll(rows).toBe(1);
    await expect
      .poll(async () =>
        Number((await pool.query('select count(*)::int as n from egress.recipient where lease_token is not null')).rows[0]?.n),
      )
      .toBe(1);
    await pool.query("update projection.lease set owner = 'gone:1:x:y', expires_at = now() - interval '1 second'");
    const second = new Post();
    const service = await startSmtpEgress(
      memoryPlatform({
        ...{ log, pool, keys: platform.keys, blobs: platform.blobs, config: platform.config },
        now: () => Date.now() + ahead,
      }),
      {
        ...{ lease: quickly, transport: second },
      },
    );
    running.push(service);
    await settled(id, 'unknown');
    expect(second.sent).toEqual([]);
    release();
    await settled(id, 'delivered');
  });

  it('what it waits for does not keep a sender that lost its lease from sending again', async () => {
    let release = (): void => undefined;
    post.afterBegin = () => new Promise((resolve) => (release = resolve));
    await start();
    const slow = await queue(['bob@example.org']);
    await settled(slow, 'sending');
    post.afterBegin = () => Promise.resolve();
    // Another node has the lease, and is gone a moment later.
    await pool.query(
      `update projection.lease set owner = 'elsewhere:1:x:y', token = token + 1, expires_at = now() + interval '200 ms';
       update projection.checkpoint set lease_token = lease_token + 1`,
    );
    const owner = async () => (await pool.query<{ owner: string }>('select owner from projection.lease')).rows[0]?.owner;
    await expect.poll(owner, { timeout: 10_000, interval: 10 }).not.toContain('elsewhere');
    const next = await queue(['eve@example.net']);
    await settled(next, 'delivered');
    expect(await statuses(slow)).not.toContain('delivered');
    release();
    await settled(slow, 'delivered');
  });
});

describe('mail between mailboxes of ours', () => {
  const grace = derivedId<MailboxId>('test', 'grace');
  beforeEach(async () => {
    const claim = { type: 'ClaimAddress', address: 'grace@tidings.test' as EmailAddress, mailboxId: grace } as const;
    await platform.commands.transact(address, addressKey(claim.address), claim, { commandId: derivedId<CommandId>('test', 'claim') });
  });

  it('is received at once, without a network; an address that nobody has fails', async () => {
    await start();
    const id = await queue(['Grace@Tidings.test', 'nobody@tidings.test']);
    await settled(id, 'internal', 'failed');
    expect(post.sent).toEqual([]);
    const page = await platform.events.open((await log.readAll(0, START, 100, { types: ['EmailReceived'] })).events);
    expect(page.events).toMatchObject([
      {
        data: {
          blobId,
          origin: 'internal',
          recipients: [{ mailboxId: grace, envelope: { mailFrom: 'ada@tidings.test', rcptTo: ['Grace@Tidings.test'] } }],
        },
      },
    ]);
    expect((await events(id)).find(({ type }) => type === 'RecipientsFailed')?.data).toMatchObject({
      reply: expect.stringContaining('550 5.1.1'),
      enhancedCode: '5.1.1',
    });
  });
});

describe('limits', () => {
  it('hold what is too much until their time is over', async () => {
    open({ EGRESS_MAILBOX_LIMIT: '2/day' });
    await start();
    const first = await queue(['a@example.org', 'b@example.org']);
    await settled(first, 'delivered', 'delivered');
    const id = await queue(['c@example.org']);
    await settled(id, 'deferred');
    expect((await states(id))[0]).toMatchObject({ attempts: 0, retries: 0 });
    const said = (await events(id)).find(({ type }) => type === 'RecipientsDeferred')?.data;
    expect(said).toMatchObject({
      reply: expect.stringMatching(/^Held until \S+Z: this mailbox may send to 2 recipients in a day \(EGRESS_MAIL/),
    });
    ahead += 86_400_000;
    await queue(['d@example.org'], derivedId<MailboxId>('test', 'other')); // a clock that jumps wakes nobody
    await settled(id, 'delivered');
  });

  it('count all mailboxes of a domain together', async () => {
    open({ EGRESS_DOMAIN_LIMIT: '1/hour' });
    await start();
    await settled(await queue(['a@example.org']), 'delivered');
    const id = await queue(['b@example.org'], derivedId<MailboxId>('test', 'other'));
    await settled(id, 'deferred');
    const said = (await events(id)).find(({ type }) => type === 'RecipientsDeferred')?.data;
    expect(said).toMatchObject({
      reply: expect.stringContaining('all of tidings.test may send to 1 recipients in an hour (EGRESS_DOMAIN'),
    });
  });

  it('leave places for others: of destinations, and of mailboxes', async () => {
    open({ EGRESS_SESSIONS: '4', EGRESS_SESSIONS_PER_DESTINATION: '2' });
    let release = (): void => undefined;
    const gate = new Promise<void>((resolve) => (release = resolve));
    post.afterBegin = () => gate;
    await start();
    const crowd: EmailId[] = [];
    for (let n = 0; n < 12; n += 1) crowd.push(await queue([`r${n}@slow.example`]));
    const other = derivedId<MailboxId>('test', 'other');
    const quick = await queue(['bob@example.org'], other);
    const fair = await queue(['last@slow.example'], other);
    await settled(quick, 'sending');
    await expect.poll(() => post.running, { timeout: 40_000, interval: 10 }).toBe(3); // the second to the slow ones may begin later
    release();
    await settled(fair, 'delivered');
    await Promise.all(crowd.map((id) => settled(id, 'delivered')));
    expect(post.mostAtOnce).toBeLessThanOrEqual(4);
    // Of two mailboxes that want the same place, each has every second turn.
    expect(post.sent.findIndex(({ to }) => to[0] === 'last@slow.example')).toBeLessThan(7);
  }, 60_000);

  it('of a developer: nothing leaves the machine unless they say so', async () => {
    open({ EGRESS: 'auto' });
    await start();
    const id = await queue(['bob@example.org']);
    await settled(id, 'deferred');
    expect((await events(id)).at(-1)?.data).toMatchObject({ attempted: false, reply: expect.stringContaining('EGRESS=direct') });
    await stop();
    open({ EGRESS: 'direct' });
    await start();
    await settled(id, 'delivered');
  });
});
