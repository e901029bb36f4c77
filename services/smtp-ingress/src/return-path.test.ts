import { type BlobId, type CommandId, derivedId, type EmailId, type MailboxId, type ThreadId } from '@tidings/contracts/ids';
import type { EmailAddress } from '@tidings/domain/mail/address';
import { outbound, outboundKey } from '@tidings/domain/outbound/index';
import { expect, it } from 'vitest';
import { memoryPlatform } from '../../http-kit/src/testing/memory-platform.ts';
import { cameBackTo, receiptAddressOf, returnPathOf } from '../../platform/src/return-path.ts';
import { findRecipientIn, type Recipient } from './recipients.ts';

const secret = Buffer.alloc(32, 7);
const [emailId, mailboxId] = [derivedId<EmailId>('email'), derivedId<MailboxId>('mailbox')];
const { commands } = memoryPlatform();
const find = findRecipientIn(commands, {
  ...{ domains: ['tidings.test'], maxRecipients: 10, refuse: async () => undefined },
  returning: cameBackTo(secret),
});
const foundFor = async (address: string, mailFrom: string): Promise<readonly Recipient[]> => {
  const known = new Map<EmailAddress, Recipient>();
  await find(address, known, { mailFrom, size: 0, clientAddress: '192.0.2.1' });
  return [...known.values()];
};

it('what comes back to a signed return path goes to the mailbox that sent it, and from the null sender alone', async () => {
  const mail = {
    emailId,
    mailboxId,
    threadId: derivedId<ThreadId>('thread'),
    rawBlobId: 'a'.repeat(64) as BlobId,
    size: 1,
    queuedBy: null,
  };
  await commands.transact(
    outbound,
    outboundKey(emailId),
    { type: 'Queue', ...mail, messageId: 'm', envelopeFrom: 'ada@tidings.test', recipients: [{ address: 'bob@example.org', kind: 'to' }] },
    { commandId: derivedId<CommandId>('queue') },
  );
  const path = returnPathOf(secret, { emailId, recipient: 0, isShared: false }, 'tidings.test');
  expect(await foundFor(path.toUpperCase(), '')).toMatchObject([{ mailboxId }]);
  await expect(foundFor(path, 'eve@example.org')).rejects.toThrow('5.1.1');
  const other = returnPathOf(secret, { emailId: derivedId<EmailId>('unknown'), recipient: 0, isShared: false }, 'tidings.test');
  await expect(foundFor(other, '')).rejects.toThrow('5.1.1');
  await expect(foundFor(path.replace('bounce+', 'bounce+a'), '')).rejects.toThrow('5.1.1');
  // Receipts come as programs send them, and prove nothing about bounces.
  const receipts = receiptAddressOf(secret, emailId, 'tidings.test');
  expect(await foundFor(receipts, 'bob@example.org')).toMatchObject([{ mailboxId }]);
  expect(await foundFor(receipts, '')).toMatchObject([{ mailboxId }]);
  await expect(foundFor(receipts.replace('receipt+', 'bounce+'), '')).rejects.toThrow('5.1.1');
});
