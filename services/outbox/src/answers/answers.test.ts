/** Automatic replies and receipts by the log: once, whatever is cut short or started anew. */
import type { Recorded } from '@tidings/contracts/events/index';
import type { ReceiptAnswered } from '@tidings/contracts/events/answering';
import type { EmailFiled } from '@tidings/contracts/events/thread';
import { type CommandId, derivedId, type EmailId, type MailboxId, type UserId } from '@tidings/contracts/ids';
import { START } from '@tidings/contracts/ports/event-log';
import { address, addressKey } from '@tidings/domain/address/index';
import { answered, receiptKey } from '@tidings/domain/answered/index';
import { answering, answeringKey } from '@tidings/domain/answering/index';
import type { EmailAddress } from '@tidings/domain/mail/address';
import { mailbox, mailboxKey } from '@tidings/domain/mailbox/index';
import { outbound, outboundKey } from '@tidings/domain/outbound/index';
import { thread, threadKey, threadStartedBy } from '@tidings/domain/thread/index';
import { memoryBlobs } from '@tidings/infra/blobs/memory';
import { openComposer } from '@tidings/infra/compose/compose';
import { openMime, storeBodies } from '@tidings/infra/mime/mime';
import { pino } from 'pino';
import { afterAll, beforeEach, expect, it } from 'vitest';
import { memoryPlatform } from '../../../http-kit/src/testing/memory-platform.ts';
import type { Platform } from '../../../platform/src/platform.ts';
import { receiveEmail } from '../../../platform/src/receive-email.ts';
import { answerAutomatically } from './autoreply.ts';
import { sendReceipt } from './read-receipt.ts';

const mailboxId = derivedId<MailboxId>('mailbox');
const by = derivedId<UserId>('ann');
const ours = 'ann@tidings.test' as EmailAddress; // in normal form
const mime = openMime({ threads: 1 });
const composer = openComposer({ threads: 1 });
afterAll(async () => {
  await Promise.all([mime.close(), composer.close()]);
});

const DAY_MS = 24 * 3_600_000;
let now: number;
let platform: Platform;
let told: string[];
let count: number;
const context = (): { commandId: CommandId } => ({ commandId: derivedId<CommandId>('test', (count += 1)) });

beforeEach(async () => {
  [now, told, count] = [Date.now(), [], 0];
  platform = memoryPlatform({ blobs: memoryBlobs(), now: () => now });
  const { commands } = platform;
  await commands.transact(address, addressKey(ours), { type: 'ClaimAddress', address: ours, mailboxId }, context());
  const open = {
    type: 'OpenMailbox',
    mailboxId,
    kind: 'personal',
    address: ours,
    name: 'Ann',
    members: [{ userId: by, role: 'admin' }],
  } as const;
  await commands.transact(mailbox, mailboxKey(mailboxId), open, context());
  const content = { subject: '', text: 'Back on Monday.', html: '' };
  const reply = { type: 'SetAutoreply', mailboxId, isActive: true, schedule: { type: 'always' }, content, by } as const;
  await commands.transact(answering, answeringKey(mailboxId), reply, context());
});

/** As SMTP and filing leave it. */
const filed = async (subject: string, headers: readonly string[] = [], mailFrom = 'bob@example.org'): Promise<Recorded<EmailFiled>> => {
  const raw = [
    'From: Bob <bob@example.org>',
    `To: ${ours}`,
    `Subject: ${subject}`,
    `Message-ID: <${subject}@example.org>`,
    ...headers,
    '',
    'x',
    '',
  ];
  const blob = await platform.blobs.put(Buffer.from(raw.join('\r\n')));
  const emailId = derivedId<EmailId>('in', subject);
  await receiveEmail(platform, { emailId, blob, mailFrom, helo: '', clientAddress: '', recipients: [{ mailboxId, address: ours }] });
  const { content, details, bodies } = await mime.parse(await platform.blobs.read(blob.id));
  const threadId = threadStartedBy(mailboxId, emailId);
  const bodyBlobId = await storeBodies(platform.blobs, { details, bodies });
  const email = {
    ...{ threadId, mailboxId, emailId, blobId: blob.id, bodyBlobId, size: blob.size, messageIdReused: false, envelope: null },
    ...({ direction: 'in', place: 'inbox', content: { ...content, preview: '' } } as const),
  };
  await platform.commands.transact(thread, threadKey(threadId), { type: 'FileEmail', email }, context());
  const event = (await everything()).findLast((one) => one.type === 'EmailFiled');
  if (event?.type !== 'EmailFiled') throw new Error('it was not filed');
  return event;
};
const everything = async (): Promise<readonly Recorded[]> =>
  (await platform.events.open((await platform.log.readAll(0, START, 1_000)).events)).events;
const queued = async () => (await everything()).flatMap((event) => (event.type === 'EmailQueued' ? [event.data] : []));
const answer = (event: Recorded<EmailFiled>, on: Platform = platform): Promise<void> =>
  answerAutomatically(
    { platform: on, composer, mime, logger: pino({ level: 'silent' }), count: (outcome) => void told.push(outcome) },
    event,
  );

it('a sender is answered once a day, also by a node that starts anew', async () => {
  await answer(await filed('one'));
  await answer(await filed('two'), memoryPlatform({ log: platform.log, blobs: platform.blobs, keys: platform.keys, now: () => now }));
  expect(told).toEqual(['sent', 'answered-today']);
  now += DAY_MS;
  const [mail, ...more] = await queued();
  expect([mail?.envelopeFrom, mail?.recipients, more]).toEqual(['', [{ address: 'bob@example.org', kind: 'to' }], []]);
  const raw = Buffer.from(await platform.blobs.read(mail?.rawBlobId ?? ('' as never))).toString();
  for (const line of ['Subject: Auto: one', 'Auto-Submitted: auto-replied', 'In-Reply-To: <one@example.org>', 'To: bob@example.org'])
    expect(raw).toContain(line);
});

it('an answer that was cut short anywhere is finished, and none is sent twice', async () => {
  const event = await filed('cut');
  const inner = platform.log;
  for (const [cutAt, isWritten] of [1, 2, 3].flatMap((at) => [[at, false] as const, [at, true] as const])) {
    let appends = 0;
    const log = {
      ...inner,
      append: async (...args: Parameters<typeof inner.append>) => {
        appends += 1;
        if (appends !== cutAt) return inner.append(...args);
        if (isWritten) await inner.append(...args);
        throw new Error('the power went');
      },
    };
    await answer(event, memoryPlatform({ log, blobs: platform.blobs, keys: platform.keys, now: () => now })).catch(() => undefined);
  }
  await answer(event);
  await answer(event);
  const events = await everything();
  const many = (type: Recorded['type']): number => events.filter((one) => one.type === type).length;
  expect([many('AutoreplyDecided'), many('EmailQueued'), many('EmailFiled')]).toEqual([1, 1, 2]);
});

it('machines, spam, what is late and what is off get nothing', async () => {
  await answer(await filed('machine', ['Auto-Submitted: auto-replied']));
  await answer(await filed('null', [], ''));
  const spam = await filed('spam');
  await answer({ ...spam, data: { ...spam.data, place: 'spam' } });
  const late = await filed('late');
  now += DAY_MS + 60_000;
  await answer(late);
  await platform.commands.transact(answering, answeringKey(mailboxId), { type: 'RemoveAutoreply', mailboxId, by }, context());
  await answer(await filed('off'));
  expect([told, await queued()]).toEqual([['automatic', 'null-sender', 'late'], []]);
});

it('a receipt goes out once, to who asked for it, and only after a yes', async () => {
  const { data } = await filed('receipt', ['Disposition-Notification-To: bob@example.org']);
  const { emailId, threadId } = data;
  const say = async (sent: boolean): Promise<Recorded<ReceiptAnswered>> => {
    const command = { type: 'AnswerReceipt', mailboxId, emailId, threadId, sent, by } as const;
    await platform.commands.transact(answered, receiptKey(mailboxId, emailId), command, context());
    const event = (await everything()).findLast((one) => one.type === 'ReceiptAnswered');
    if (event?.type !== 'ReceiptAnswered') throw new Error('it was not answered');
    return event;
  };
  const yes = await say(true);
  await sendReceipt({ platform, mime }, { ...yes, data: { ...yes.data, sent: false } });
  expect(await queued()).toEqual([]);
  await sendReceipt({ platform, mime }, yes);
  await sendReceipt({ platform, mime }, yes);
  const [mail, ...more] = await queued();
  expect([mail?.envelopeFrom, mail?.recipients, more]).toEqual(['', [{ address: 'bob@example.org', kind: 'to' }], []]);
  const { state } = await platform.commands.load(outbound, outboundKey(mail?.emailId ?? ('' as never)));
  expect(state).toMatchObject({ kind: 'queued' });
});
