/** Filing with checkers: what they say is kept, those that are away hold their mail and nothing else. */
import type { SpamVerdict } from '@tidings/contracts/events/email';
import type { Recorded } from '@tidings/contracts/events/index';
import type { EmailFiled } from '@tidings/contracts/events/thread';
import { derivedId, type CommandId, type EmailId, type MailboxId, type StreamId, type UserId } from '@tidings/contracts/ids';
import { START } from '@tidings/contracts/ports/event-log';
import { CheckerUnavailable, type SpamFinding, type VirusFinding } from '@tidings/contracts/ports/mail-checks';
import { memoryBlobs } from '@tidings/infra/blobs/memory';
import { loadConfig } from '@tidings/infra/config/config';
import { dnsOf } from '@tidings/infra/dns/zone';
import { openMailAuth } from '@tidings/infra/mail-auth/mail-auth';
import { openMime, readBodies } from '@tidings/infra/mime/mime';
import { pendingMails } from '@tidings/infra/pending-mail/pending-mail';
import { openPool } from '@tidings/infra/postgres/pools';
import { migrateProjector } from '@tidings/infra/projector/migrations';
import * as E from 'fp-ts/lib/Either.js';
import type { Pool } from 'pg';
import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createTestDatabase } from '../../../tests/kit/postgres.ts';
import { memoryPlatform } from '../../http-kit/src/testing/memory-platform.ts';
import type { Platform, Service } from '../../platform/src/platform.ts';
import type { Checkers, InboundRuling, InboundMail } from './checks.ts';
import { startFiling } from './index.ts';

const [inbox, other] = ['contact', 'other'].map((name) => derivedId<MailboxId>('test-mailbox', name)) as [MailboxId, MailboxId]; // two names
const HOUR = 3_600_000;

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

let platform: Platform;
let running: Service[];
let received: number;
let ahead: number;
beforeEach(async () => {
  await pool.query('drop schema if exists filing cascade');
  await pool.query('delete from projection.lease; delete from projection.checkpoint');
  ahead = 0;
  received = 0;
  running = [];
  const config = E.getOrElseW(() => {
    throw new Error('the configuration is wrong');
  })(loadConfig({ MAIL_CHECK_RETRY_FIRST_MS: '20', MAIL_CHECK_TIMEOUT_MS: '400' }));
  platform = memoryPlatform({ blobs: memoryBlobs(), pool, config, now: () => Date.now() + ahead });
});
afterEach(async () => {
  await Promise.all(running.map((service) => service.stop()));
  await platform.close();
});

const start = async (checkers: Checkers): Promise<Service> => {
  const service = await startFiling(platform, { lease: { ttlMs: 2_000, heartbeatMs: 200 }, mime, checkers });
  running.push(service);
  return service;
};
const receive = async (subject: string, to: readonly MailboxId[] = [inbox], headers = ''): Promise<EmailId> => {
  received += 1;
  const emailId = derivedId<EmailId>('test-email', received);
  const raw = `${headers}From: ada@town.example\r\nSubject: ${subject}\r\nMessage-ID: <${received}@town.example>\r\n\r\n${subject}\r\n`;
  const { id: blobId, size } = await platform.blobs.put(Buffer.from(raw));
  const envelope = {
    mailFrom: 'ada@town.example',
    rcptTo: ['contact@tidings.test'],
    helo: 'mx.town.example',
    clientAddress: '203.0.113.7',
  };
  const recipients = to.map((mailboxId) => ({ mailboxId, envelope }));
  const context = { commandId: derivedId<CommandId>('test-receive', emailId) };
  await platform.events.append(
    `email-${emailId}` as StreamId,
    'none',
    [{ type: 'EmailReceived', data: { emailId, blobId, size, recipients } }],
    context,
  );
  return emailId;
};
const events = async (): Promise<readonly Recorded[]> =>
  (await platform.events.open((await platform.log.readAll(0, START, 5_000)).events)).events;
const filed = async (): Promise<readonly Recorded<EmailFiled>[]> =>
  (await events()).filter((event): event is Recorded<EmailFiled> => event.type === 'EmailFiled');
const untilFiled = async (count: number): Promise<readonly Recorded<EmailFiled>[]> => {
  await expect.poll(async () => (await filed()).length, { timeout: 15_000, interval: 10 }).toBe(count);
  return filed();
};
const untilPending = async (count: number): Promise<void> => {
  await expect.poll(async () => (await pendingMails(pool, 100)).length, { timeout: 15_000, interval: 10 }).toBe(count);
};
const detailsOf = async ({ data }: Recorded<EmailFiled>) => (await readBodies(platform.blobs, data.bodyBlobId)).details;

const spamIs = (finding: SpamFinding) => ({ check: async () => finding });
const virusIs = (finding: VirusFinding) => ({ scan: async () => finding });
const hooks = (answer: (mail: InboundMail) => InboundRuling) => ({ ask: async (mail: InboundMail) => answer(mail) });
const SPAM: SpamFinding = { type: 'judged', spam: true, score: 21.5, reasons: ['GTUBE (21)'] };
const HAM: SpamFinding = { type: 'judged', spam: false, score: -0.5, reasons: [] };

describe('what checkers say', () => {
  it('is kept beside the bodies, and spam goes to spam', async () => {
    const dns = dnsOf({ 'town.example TXT': ['v=spf1 ip4:203.0.113.7 -all'], '_dmarc.town.example TXT': ['v=DMARC1; p=reject'] });
    const authenticator = openMailAuth({ dns, threads: 1 });
    await start({ authenticator, spam: spamIs(SPAM), virus: virusIs({ type: 'clean' }) });
    await receive('bargain', [inbox, other], 'Authentication-Results: tidings; dmarc=fail\r\n');
    const both = await untilFiled(2);
    expect(both.map(({ data }) => [data.place, data.bodyBlobId])).toEqual([0, 1].map(() => ['spam', both[0]?.data.bodyBlobId]));
    const [first] = both;
    expect(first && (await detailsOf(first))).toMatchObject({
      authentication: { spf: 'pass', dkim: 'none', dmarc: 'pass', arc: 'none', verdict: 'pass' },
      spam: { verdict: 'spam', score: 21.5, reasons: ['GTUBE (21)'] },
    });
    await authenticator.close();
  });

  it.each<[string, Checkers, EmailFiled['data']['place'], SpamVerdict | undefined]>([
    ['nobody is asked', {}, 'inbox', undefined],
    ['it is no spam', { spam: spamIs(HAM) }, 'inbox', { verdict: 'ham', score: -0.5, reasons: [] }],
    [
      'it carries a virus',
      { spam: spamIs(HAM), virus: virusIs({ type: 'infected', name: 'Eicar' }) },
      'spam',
      { verdict: 'spam', score: -0.5, reasons: ['virus: Eicar'] },
    ],
    [
      'it is too large to scan',
      { virus: virusIs({ type: 'unscanned', reason: 'large' }) },
      'inbox',
      { verdict: 'none', score: null, reasons: ['unchecked: clamd: large'] },
    ],
    [
      'a webhook knows better',
      { spam: spamIs(SPAM), inbound: hooks(() => ({ spam: false, actions: [] })) },
      'inbox',
      { verdict: 'ham', score: 21.5, reasons: ['GTUBE (21)'] },
    ],
    [
      'a webhook calls it spam',
      { inbound: hooks(() => ({ spam: true, actions: [] })) },
      'spam',
      { verdict: 'spam', score: null, reasons: [] },
    ],
    [
      'a webhook does not mind',
      { spam: spamIs(HAM), inbound: hooks(() => ({ spam: null, actions: [] })) },
      'inbox',
      { verdict: 'ham', score: -0.5, reasons: [] },
    ],
    [
      'a webhook excuses a virus',
      { virus: virusIs({ type: 'infected', name: 'Eicar' }), inbound: hooks(() => ({ spam: false, actions: [] })) },
      'spam',
      { verdict: 'spam', score: null, reasons: ['virus: Eicar'] },
    ],
  ])('where %s', async (_, checkers, place, spam) => {
    await start(checkers);
    await receive('hello');
    const [one] = await untilFiled(1);
    expect(one?.data.place).toBe(place);
    expect(one && (await detailsOf(one)).spam).toEqual(spam);
  });

  it('may drop a mail from one mailbox, on record', async () => {
    await start({
      inbound: hooks(({ mailboxId }) => (mailboxId === other ? { drop: 'https://hook.example' } : { spam: null, actions: [] })),
    });
    await receive('hello', [inbox, other]);
    await receive('again');
    expect((await untilFiled(2)).map(({ data }) => data.mailboxId)).toEqual([inbox, inbox]);
    const outcomes = (await events()).flatMap((event) => (event.type === 'FilingDecided' ? [event.data.outcome] : []));
    expect(outcomes).toContainEqual({ type: 'dropped', by: 'https://hook.example' });
  });

  it('may have a mail put away, read, starred and labelled, in the name of who asked', async () => {
    const by = derivedId<UserId>('hook-admin');
    const asked = { by, labels: ['Bills/Water', 'bills/water', ''], assignTo: [derivedId<UserId>('nobody')], read: true, starred: true };
    await start({ inbound: hooks(() => ({ spam: null, actions: [{ ...asked, archived: true, trashed: false }] })) });
    const emailId = await receive('bill');
    const done = async (): Promise<readonly Recorded[]> => (await events()).filter(({ meta }) => meta.causationId !== undefined);
    await expect.poll(async () => (await done()).map(({ type }) => type), { timeout: 15_000, interval: 10 }).toContain('ThreadStarred');
    const all = await done();
    expect(all.map(({ type }) => type)).toEqual([
      ...['FilingDecided', 'EmailFiled', 'LabelCreated', 'LabelCreated', 'ThreadLabelled', 'EmailKeywordsSet', 'ThreadStarred'],
    ]);
    expect(all.find(({ type }) => type === 'EmailFiled')?.data).toMatchObject({ emailId, place: 'archive' });
    expect(all.find(({ type }) => type === 'EmailKeywordsSet')?.data).toMatchObject({ set: { $seen: true }, by });
  });
});

describe('a checker that is down', () => {
  const flaky = () => {
    const state = { up: false, asked: 0 };
    const check = async (raw: Uint8Array): Promise<SpamFinding> => {
      state.asked += 1;
      if (!state.up && Buffer.from(raw).includes('Subject: held')) throw new CheckerUnavailable('rspamd does not answer');
      return HAM;
    };
    return { state, spam: { check } };
  };

  it('holds its mail, visibly, while all others are filed in order, and files it when it answers', async () => {
    const { state, spam } = flaky();
    const service = await start({ spam });
    const held = await receive('held');
    for (const subject of ['one', 'two', 'three']) await receive(subject);
    expect((await untilFiled(3)).map(({ data }) => 'subject' in data.content && data.content.subject)).toEqual(['one', 'two', 'three']);
    await untilPending(1);
    await expect.poll(async () => (await pendingMails(pool, 1))[0]?.attempts ?? 0, { interval: 10 }).toBeGreaterThan(1);
    expect(await pendingMails(pool, 1)).toMatchObject([
      { emailId: held, mailboxId: inbox, step: 'rspamd', reason: 'rspamd does not answer' },
    ]);
    expect(service.health()).toMatchObject({ state: 'idle', waitingOn: '1 mail waits for rspamd; all others are filed' });
    expect(await platform.metrics.getSingleMetricAsString('tidings_filing_pending_mails')).toContain('{shard="0"} 1');
    state.up = true;
    const last = (await untilFiled(4)).at(-1);
    expect(last?.data.emailId).toBe(held);
    await untilPending(0);
    await expect.poll(() => service.health().waitingOn, { interval: 10 }).toBeNull();
  });

  it('does not keep its mail beyond its time: then it is filed, and says so', async () => {
    const { spam } = flaky();
    await start({ spam });
    await receive('held');
    await untilPending(1);
    ahead = 47 * HOUR;
    await expect.poll(async () => (await pendingMails(pool, 1))[0]?.attempts ?? 0, { interval: 10 }).toBeGreaterThan(2);
    expect(await filed()).toEqual([]);
    ahead = 48 * HOUR;
    const [one] = await untilFiled(1);
    expect(one?.data.place).toBe('inbox');
    expect(one && (await detailsOf(one)).spam).toEqual({
      verdict: 'none',
      score: null,
      reasons: ['unchecked: rspamd: rspamd does not answer'],
    });
    await untilPending(0);
  });

  it('that asks for patience gets it, as does one that is silent', async () => {
    let asked = 0;
    const later = {
      check: async (): Promise<SpamFinding> => {
        asked += 1;
        return asked > 3 ? HAM : { type: 'later', reason: 'greylist' };
      },
    };
    const silent = {
      ask: (mail: InboundMail, signal: AbortSignal) =>
        asked > 3
          ? Promise.resolve({ spam: null, actions: [] })
          : new Promise<InboundRuling>((_, reject) =>
              signal.addEventListener('abort', () => reject(new CheckerUnavailable(`no answer for ${mail.emailId}`))),
            ),
    };
    await start({ spam: later, inbound: silent });
    await receive('hello');
    await untilFiled(1);
    await untilPending(0);
    expect(asked).toBeGreaterThan(3);
  });

  it('holds a mail over the end of its owner, and for one mailbox alone', async () => {
    const down = {
      ask: async ({ mailboxId }: InboundMail): Promise<InboundRuling> => {
        if (mailboxId === other) throw new CheckerUnavailable('answered 503');
        return { spam: null, actions: [] };
      },
    };
    const first = await start({ inbound: down });
    await receive('held', [inbox, other]);
    expect((await untilFiled(1))[0]?.data.mailboxId).toBe(inbox);
    await untilPending(1);
    await first.stop();
    running.length = 0;
    await start({ inbound: hooks(() => ({ spam: null, actions: [] })) });
    expect((await untilFiled(2)).map(({ data }) => data.mailboxId)).toEqual([inbox, other]);
    await untilPending(0);
  });
});
