/** Mail from the wire to its place in a mailbox, on the real log, blob store and workers: none refused, none lost, none filed twice. */
import type { Recorded } from '@tidings/contracts/events/index';
import { derivedId, type CommandId, type MailboxId } from '@tidings/contracts/ids';
import { START } from '@tidings/contracts/ports/event-log';
import { address, addressKey } from '@tidings/domain/address/index';
import type { EmailAddress } from '@tidings/domain/mail/address';
import { loadConfig } from '@tidings/infra/config/config';
import { contentHash } from '@tidings/infra/mime/head';
import * as E from 'fp-ts/lib/Either.js';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { migrate } from '../../services/cli/src/migrate.ts';
import { startFiling } from '../../services/filing/src/index.ts';
import { openPlatform } from '../../services/platform/src/open.ts';
import type { Platform, Service } from '../../services/platform/src/platform.ts';
import { startSmtpIngress, type SmtpIngress } from '../../services/smtp-ingress/src/index.ts';
import { createTestDatabase } from '../kit/postgres.ts';
import { ownMail, realMail, sendOver, type Sample, type Sent } from './mail-in-sender.ts';

const logger = pino({ level: 'silent' });
let database: Awaited<ReturnType<typeof createTestDatabase>>;
let platform: Platform;
let door: SmtpIngress;
let filing: Service;

beforeAll(async () => {
  database = await createTestDatabase();
  await migrate(database.url, logger);
  const config = loadConfig({ DATABASE_URL: database.url, SMTP_PORT: '0', MAIL_DOMAINS: 'tidings.test' });
  if (E.isLeft(config)) throw new Error(config.left.join('; '));
  platform = await openPlatform(config.right, { process: 'test', logger });
  door = await startSmtpIngress(platform);
  filing = await startFiling(platform, { checkers: {} }); // no projector runs here, so nobody could say which webhooks there are
});
afterAll(async () => {
  await door.stop();
  await filing.stop();
  await platform.close();
  await database.drop();
});

/** A mailbox of its own for each test. */
const openAddress = async (name: string): Promise<string> => {
  const claimed = `${name}@tidings.test` as EmailAddress;
  const mailboxId = derivedId<MailboxId>('test-mailbox', name);
  await platform.commands.transact(
    address,
    addressKey(claimed),
    { type: 'ClaimAddress', address: claimed, mailboxId },
    { commandId: derivedId<CommandId>('claim', name) },
  );
  return claimed;
};

const everything = async (): Promise<readonly Recorded[]> => {
  const events: Recorded[] = [];
  for (let after = START; ;) {
    const page = await platform.log.readAll(0, after, 2_000);
    events.push(...(await platform.events.open(page.events)).events);
    if (page.atHead) return events;
    after = page.next;
  }
};

/** What became of each accepted mail: the thread it is in, or the earlier mail it repeats. */
const outcomes = async (sent: readonly Sent[]): Promise<ReadonlyMap<string, string>> => {
  const wanted = new Set(sent.flatMap(({ emailId }) => emailId ?? []));
  const found = new Map<string, string>();
  await expect
    .poll(
      async () => {
        for (const event of await everything()) {
          if (event.type === 'EmailFiled' && wanted.has(event.data.emailId)) found.set(event.data.emailId, event.data.threadId);
          if (event.type === 'FilingDecided' && event.data.outcome.type === 'duplicate' && wanted.has(event.data.emailId))
            found.set(event.data.emailId, `again ${event.data.outcome.of}`);
        }
        return found.size;
      },
      { timeout: 90_000, interval: 250 },
    )
    .toBe(wanted.size);
  return found;
};

const expectAllKept = async (sent: readonly Sent[]): Promise<void> => {
  const became = await outcomes(sent);
  const byId = new Map(sent.map((one) => [one.emailId, one]));
  const received = new Map(
    (await everything()).flatMap((event) => (event.type === 'EmailReceived' ? [[event.data.emailId as string, event.data] as const] : [])),
  );
  for (const { emailId, name, raw } of sent) {
    if (emailId === null) continue;
    const event = received.get(emailId);
    expect([name, (await platform.blobs.read(event!.blobId)).equals(raw)]).toEqual([name, true]);
    const outcome = became.get(emailId) ?? '';
    if (outcome.startsWith('again ')) {
      const first = byId.get(outcome.slice('again '.length));
      expect([name, first === undefined ? 'unknown' : contentHash(first.raw)]).toEqual([name, contentHash(raw)]);
    }
  }
  const filed = (await everything()).flatMap((event) =>
    event.type === 'EmailFiled' ? [`${event.data.mailboxId} ${event.data.emailId}`] : [],
  );
  expect(new Set(filed).size).toBe(filed.length);
  expect((await platform.pool.query('select * from filing.set_aside')).rows).toEqual([]);
};

describe('mail coming in', () => {
  it('takes all of our own mail, byte for byte', async () => {
    const samples = ownMail();
    const sent = await sendOver(3, door.port, await openAddress('own'), samples);
    expect(sent.filter(({ emailId }) => emailId === null)).toEqual([]);
    expect(sent).toHaveLength(samples.length);
    await expectAllKept(sent);
  });

  it('takes all real mail there is', async ({ annotate }) => {
    const { folder, samples } = realMail();
    await annotate(
      samples.length > 0
        ? `sent ${samples.length} real mails of ${folder} over SMTP`
        : `no real mail in ${folder}: only the project's own was sent`,
    );
    const sent = await sendOver(8, door.port, await openAddress('real'), samples);
    expect(sent.filter(({ emailId }) => emailId === null).map(({ name, reply }) => `${name}: ${reply}`)).toEqual([]);
    expect(sent).toHaveLength(samples.length);
    await expectAllKept(sent);
  });

  it('loses nothing that it accepted when every connection to the database breaks, again and again', async () => {
    const samples = Array.from({ length: 600 }, (_, n): Sample => {
      const raw = Buffer.from(
        `From: storm@example.org\r\nSubject: Storm ${n}\r\nMessage-ID: <storm-${n}@example.org>\r\n\r\n${'words '.repeat(n)}\r\n`,
      );
      return { name: `storm ${n}`, raw };
    });
    const to = await openAddress('storm');
    const broken: Promise<unknown>[] = [];
    const breakConnections = (): void => {
      const kill = 'select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()';
      broken.push(platform.pool.query(kill).catch(() => undefined)); // it may break its own connection's pool
    };
    /** Breaks all connections at every hundredth mail. */
    function* stormy(mails: readonly Sample[]): Generator<Sample> {
      for (const [at, mail] of mails.entries()) {
        if (at % 100 === 50) breakConnections();
        yield mail;
      }
    }
    let left: readonly Sample[] = samples;
    const accepted: Sent[] = [];
    // A peer keeps what got a 4xx and comes back with it.
    for (let tries = 0; left.length > 0 && tries < 50; tries += 1) {
      const sent = await sendOver(4, door.port, to, stormy(left));
      for (const one of sent) if (one.emailId === null) expect(one.reply).toMatch(/^4/);
      accepted.push(...sent.filter(({ emailId }) => emailId !== null));
      const done = new Set(accepted.map(({ name }) => name));
      left = left.filter(({ name }) => !done.has(name));
    }
    await Promise.all(broken);
    expect(broken.length).toBeGreaterThan(5);
    expect(left).toEqual([]);
    await expectAllKept(accepted);
    await expect.poll(() => filing.health().state, { timeout: 10_000 }).toBe('idle');
  });
});
