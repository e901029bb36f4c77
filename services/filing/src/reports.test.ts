/** Which reports are believed, and about whom. */
import type { Authentication, EmailReceived } from '@tidings/contracts/events/email';
import { type BlobId, type CommandId, derivedId, type EmailId, type MailboxId, type ThreadId } from '@tidings/contracts/ids';
import { outbound, outboundKey, type OutboundReport } from '@tidings/domain/outbound/index';
import type { MailReport, Original, RecipientFate } from '@tidings/infra/mail-report/report';
import { readMail } from '@tidings/infra/mime/read-mail';
import { beforeAll, expect, it } from 'vitest';
import { memoryPlatform } from '../../http-kit/src/testing/memory-platform.ts';
import { cameBackTo, receiptAddressOf, returnPathOf } from '../../platform/src/return-path.ts';
import { reportsOn } from './reports.ts';

const secret = Buffer.alloc(32, 7);
const [mailboxId, other] = [derivedId<MailboxId>('mailbox'), derivedId<MailboxId>('other')];
const emailId = derivedId<EmailId>('sent');
const { commands } = memoryPlatform();

beforeAll(async () => {
  const to = ['bob@example.org', 'carol@mail.example.org', 'dave@example.com'].map((address) => ({ address, kind: 'to' as const }));
  const mail = {
    emailId,
    mailboxId,
    threadId: derivedId<ThreadId>('thread'),
    rawBlobId: 'a'.repeat(64) as BlobId,
    size: 1,
    queuedBy: null,
  };
  const command = {
    type: 'Queue',
    ...mail,
    messageId: `${emailId}@tidings.test`,
    envelopeFrom: 'ada@tidings.test',
    recipients: to,
  } as const;
  await commands.transact(outbound, outboundKey(emailId), command, { commandId: derivedId<CommandId>('queue') });
});

const fate = (recipient: string, kind: RecipientFate['fate'] = 'failed'): RecipientFate => ({
  ...{ recipients: [recipient], fate: kind, enhancedCode: '5.1.1', reply: '550 no', host: null },
});
const fates = (...all: readonly RecipientFate[]): MailReport => ({
  ...{ type: 'fates', fates: all, original: { messageId: `${emailId}@tidings.test`, returnPath: null } },
});
const toPath = (recipient: number): string => returnPathOf(secret, { emailId, recipient, isShared: false }, 'tidings.test');
/** Of a transmission to several of a recipient's domain. */
const toShared = (recipient: number): string => returnPathOf(secret, { emailId, recipient, isShared: true }, 'tidings.test');
const AUTHOR = 'postmaster@example.org';
const STATUS =
  'MIME-Version: 1.0\r\nContent-Type: multipart/report; boundary=r\r\n\r\n--r\r\nContent-Type: message/delivery-status\r\n\r\nx: y\r\n--r--\r\n';

interface Way {
  readonly rcptTo?: string;
  readonly mailFrom?: string;
  readonly into?: MailboxId;
  readonly verdict?: Authentication['verdict'];
  readonly from?: string;
}
const found = async (
  report: MailReport,
  { rcptTo = 'ada@tidings.test', mailFrom = '', into = mailboxId, verdict = 'none', from = AUTHOR }: Way,
): Promise<readonly OutboundReport[] | null> => {
  const reports = reportsOn({ commands, mime: { report: async () => report }, returning: cameBackTo(secret) });
  const recipient = { mailboxId: into, envelope: { mailFrom, rcptTo: [rcptTo], helo: '', clientAddress: '' } };
  const email: EmailReceived['data'] = { emailId: derivedId('report'), blobId: 'b'.repeat(64) as BlobId, size: 1, recipients: [recipient] };
  const raw = Buffer.from(`From: ${from}\r\n${STATUS}`);
  const authentication = { spf: 'none', dkim: 'none', dmarc: 'none', arc: 'none', verdict } as const;
  const reported = await reports.find({ email, recipient, raw, parsed: await readMail(raw), authentication });
  return reported?.command.reports ?? null;
};
const recipientsOf = async (...asked: Parameters<typeof found>): Promise<readonly (readonly number[])[] | null> =>
  (await found(...asked))?.map(({ recipients }) => recipients) ?? null;

it('the return path of one recipient is about them, whoever the report names', async () => {
  const passedOn = fates(fate('list-member@elsewhere.example', 'delivered'), fate('bob@elsewhere.example'));
  expect(await found(passedOn, { rcptTo: toPath(0) })).toMatchObject([
    { recipients: [0], fate: 'failed' },
    { recipients: [0], fate: 'delivered' },
  ]);
});

it('the return path of several is about those at their domain whom the report names', async () => {
  const told = fates(fate('BOB@EXAMPLE.org'), fate('eve@example.org'));
  expect(await recipientsOf(told, { rcptTo: toShared(0) })).toEqual([[0]]);
  expect(await recipientsOf(fates(fate('eve@example.org')), { rcptTo: toShared(0) })).toBeNull();
  // Of somebody elsewhere they cannot know anything.
  expect(await recipientsOf(fates(fate('dave@example.com'), fate('carol@mail.example.org')), { rcptTo: toShared(0) })).toBeNull();
});

it('a return path that was not given out proves nothing', async () => {
  const forged = returnPathOf(Buffer.alloc(32, 8), { emailId, recipient: 0, isShared: false }, 'tidings.test');
  expect(await found(fates(fate('bob@example.org')), { rcptTo: forged })).toBeNull();
  // Of a delivery only the null sender brings reports.
  expect(await found(fates(fate('bob@example.org')), { rcptTo: toPath(0), mailFrom: 'eve@example.org' })).toBeNull();
});

it('without one a report counts if the recipient’s own domain vouches for it, to the mailbox that sent the mail', async () => {
  const report = fates(fate('bob@example.org'), fate('carol@mail.example.org'), fate('dave@example.com'));
  expect(await recipientsOf(report, { verdict: 'pass' })).toEqual([[0], [1]]);
  expect(await recipientsOf(report, { verdict: 'pass', from: 'x@mail.example.org' })).toEqual([[1]]);
  expect(await found(report, { verdict: 'none' })).toBeNull();
  expect(await found(report, { verdict: 'forged' })).toBeNull();
  expect(await found(report, { verdict: 'pass', into: other })).toBeNull();
  expect(await found(report, { verdict: 'pass', from: 'eve@evil.example' })).toBeNull();
  expect(await found(report, { verdict: 'pass', from: `${AUTHOR}, x@example.com` })).toBeNull();
  const unknown = { ...report, original: { messageId: 'who@knows.example', returnPath: null } };
  expect(await found(unknown, { verdict: 'pass' })).toBeNull();
});

it('a complaint is proven by the return path that it quotes, wherever it comes in', async () => {
  const complaint = (original: Original, ...recipients: readonly string[]): MailReport => ({
    ...{ type: 'complaint', feedback: 'abuse', recipients, original },
  });
  const way = { into: other, mailFrom: 'fbl@provider.example' };
  expect(await found(complaint({ messageId: null, returnPath: toPath(1) }), way)).toEqual([
    { type: 'complaint', feedback: 'abuse', recipients: [1] },
  ]);
  const toSeveral = { messageId: null, returnPath: toShared(2) };
  expect(await recipientsOf(complaint(toSeveral, 'dave@example.com'), way)).toEqual([[2]]);
  expect(await recipientsOf(complaint(toSeveral, 'bob@example.org'), way)).toBeNull();
  expect(await recipientsOf(complaint(toSeveral), way)).toBeNull();
  expect(await found(complaint({ messageId: `${emailId}@tidings.test`, returnPath: 'bounce+x@tidings.test' }), way)).toBeNull();
});

it('a receipt is about who sends it, by the address that the mail asked to send it to', async () => {
  const receipt = (...recipients: readonly string[]): MailReport => ({
    ...{ type: 'receipt', disposition: 'displayed', isAutomatic: false, recipients, original: { messageId: null, returnPath: null } },
  });
  const rcptTo = receiptAddressOf(secret, emailId, 'tidings.test');
  const read = { type: 'receipt', disposition: 'displayed', isAutomatic: false };
  expect(await found(receipt('dave@example.com'), { rcptTo, mailFrom: 'dave@example.com' })).toEqual([{ ...read, recipients: [2] }]);
  expect(await found(receipt('eve@example.com'), { rcptTo })).toBeNull();
  expect(await found(receipt('dave@example.com'), {})).toBeNull();
});

it('who may send a receipt may not bounce', async () => {
  const rcptTo = receiptAddressOf(secret, emailId, 'tidings.test');
  expect(await found(fates(fate('bob@example.org')), { rcptTo })).toBeNull();
});
