/** Sends a read receipt (RFC 8098) once somebody has agreed to it. */
import type { ReceiptAnswered } from '@tidings/contracts/events/answering';
import type { Recorded } from '@tidings/contracts/events/index';
import { derivedId, type EmailId } from '@tidings/contracts/ids';
import { timestamp } from '@tidings/contracts/time';
import { domainOf, normaliseAddress } from '@tidings/domain/mail/address';
import { email, emailKey } from '@tidings/domain/email/index';
import { threadStartedBy } from '@tidings/domain/thread/index';
import { composeReceipt } from '@tidings/infra/compose/receipt';
import type { Mime } from '@tidings/infra/mime/mime';
import * as E from 'fp-ts/lib/Either.js';
import type { Platform } from '../../../platform/src/platform.ts';
import { headIn, isOwn } from './original.ts';
import { envelopeFor } from '../../../platform/src/received-envelope.ts';
import { queueAnswer } from './queue-answer.ts';

export interface ReceiptParts {
  readonly platform: Pick<Platform, 'commands' | 'blobs' | 'events' | 'now' | 'config'>;
  readonly mime: Mime;
}

/** Once more changes nothing. @throws for outages, which pass */
export const sendReceipt = async ({ platform, mime }: ReceiptParts, { id, data }: Recorded<ReceiptAnswered>): Promise<void> => {
  const { mailboxId, emailId: read, sent } = data;
  const { state } = await platform.commands.load(email, emailKey(read));
  if (!sent || state.kind === 'none') return;
  const envelope = await envelopeFor(platform, read, mailboxId);
  const from = await ownAmong(platform, mailboxId, envelope?.rcptTo ?? []);
  if (from === null) return; // closed meanwhile, or the address was given away
  const { content, details } = await mime.parse(await platform.blobs.read(state.blobId));
  const to = (details.receiptTo ?? []).flatMap(({ email: address }) => {
    const normal = normaliseAddress(address);
    return E.isRight(normal) ? [normal.right] : [];
  });
  if (to.length === 0) return;
  const emailId = derivedId<EmailId>('receipt', mailboxId, read);
  const messageId = `${emailId}@${domainOf(from)}`;
  // A thread of its own, which nobody sees: what becomes of a receipt is no news in that of the mail.
  const answer = { emailId, mailboxId, threadId: threadStartedBy(mailboxId, emailId), messageId, to, causationId: id };
  await queueAnswer(platform, answer, async () =>
    composeReceipt({
      ...{ messageId, date: timestamp(platform.now()), from, to, host: platform.config.mailHost },
      original: { messageId: content.messageId, subject: content.subject, head: await headIn(platform, state.blobId) },
    }),
  );
};

/** The address that the mail came to. */
const ownAmong = async (platform: Pick<Platform, 'commands'>, mailboxId: Parameters<typeof isOwn>[1], written: readonly string[]) => {
  for (const one of written) {
    const normal = normaliseAddress(one);
    if (E.isRight(normal) && (await isOwn(platform, mailboxId, one))) return normal.right;
  }
  return null;
};
