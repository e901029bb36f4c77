/** From a draft to the bytes that are sent, and whom they go to. Every fault names its field. */
import type { DraftContent, OutgoingEnvelope, RecipientKind } from '@tidings/contracts/events/draft';
import { MAX_ATTACHMENT_BYTES, MOST_RECIPIENTS } from '@tidings/contracts/http/drafts';
import { type BlobId, type EmailId, type MailboxId } from '@tidings/contracts/ids';
import { BlobNotFound } from '@tidings/contracts/ports/blob-store';
import type { Timestamp } from '@tidings/contracts/time';
import { may } from '@tidings/domain/authorization/may';
import { domainOf, type EmailAddress } from '@tidings/domain/mail/address';
import { mailbox, mailboxKey, roleOf } from '@tidings/domain/mailbox/index';
import { accessOf, thread, threadKey } from '@tidings/domain/thread/index';
import { type Composer, ComposingFailed, type MailFile } from '@tidings/infra/compose/compose';
import type { Actor } from '../../../../http-kit/src/ctx.ts';
import { ApiError, invalid } from '../../../../http-kit/src/errors.ts';
import type { Platform } from '../../../../platform/src/platform.ts';
import { receiptAddressOf, returnPathSecret } from '../../../../platform/src/return-path.ts';
import { isOwnAddress } from './fields.ts';
import { signed } from './begin.ts';
import type { AssertRoom } from './room.ts';

export interface Composed {
  readonly rawBlobId: BlobId;
  readonly size: number;
  readonly messageId: string;
  readonly envelope: OutgoingEnvelope;
}

export interface ToCompose {
  readonly actor: Actor;
  readonly mailboxId: MailboxId;
  readonly emailId: EmailId;
  readonly content: DraftContent;
  readonly sendAt: Timestamp;
  readonly requestReceipt: boolean;
}

/** @throws ApiError 400, 403, 409 */
export const composeDraft = async (
  platform: Platform,
  composer: Composer,
  assertRoom: AssertRoom,
  { actor, mailboxId, emailId, content, sendAt, requestReceipt }: ToCompose,
): Promise<Composed> => {
  const recipients = recipientsOf([
    ...content.to.map(({ email }) => ({ address: email, kind: 'to' as const })),
    ...content.cc.map(({ email }) => ({ address: email, kind: 'cc' as const })),
    ...content.bcc.map(({ email }) => ({ address: email, kind: 'bcc' as const })),
  ]);
  await assertMaySendAs(platform, actor, mailboxId, content.from.email);
  await assertThread(platform, actor, mailboxId, content);
  const files = await filesOf(platform, content);
  // Stable: whenever the draft is sent, it is the same mail.
  const messageId = `${emailId}@${domainOf(content.from.email as EmailAddress)}`; // kept in normal form
  const { subject, unsubscribe, from, to, cc, inReplyTo: parent } = content;
  // Signed, so that a receipt proves which mail it is about (docs/decisions/041).
  const receiptTo = requestReceipt
    ? receiptAddressOf(await returnPathSecret(platform.keys), emailId, domainOf(from.email as EmailAddress))
    : null;
  const { text, html } = await signed(platform, { actor, mailboxId }, content);
  const mail = {
    ...{ messageId, date: sendAt, from, to, cc, subject, text, html, files, unsubscribe, receiptTo, autoSubmitted: null },
    inReplyTo: parent === null || parent.mode === 'forward' ? null : parent.messageId,
    references: parent?.references ?? [],
  };
  try {
    const { raw } = await composer.compose(mail);
    await assertRoom(mailboxId, raw.byteLength);
    const { id, size } = await platform.blobs.put(raw, { thenAppended: true });
    return { rawBlobId: id, size, messageId, envelope: { from: from.email, recipients } };
  } catch (error) {
    if (error instanceof ComposingFailed)
      throw invalid([{ path: 'html', message: 'cannot be written as a mail within the limits of time and memory' }]);
    throw error;
  }
};

/** @throws ApiError 403 for an address that is not the mailbox's (any more) */
export const assertMaySendAs = async (platform: Platform, actor: Actor, mailboxId: MailboxId, from: string): Promise<void> => {
  const [{ state }, isItsAddress] = await Promise.all([
    platform.commands.load(mailbox, mailboxKey(mailboxId)),
    isOwnAddress(platform, mailboxId, from),
  ]);
  if (!may(actor, 'send', { kind: 'mailbox', role: roleOf(state, actor.userId), isItsAddress })) throw notYours();
};

export const notYours = (): ApiError =>
  new ApiError('INSUFFICIENT_PERMISSIONS', 'The sender must be the address of the mailbox or one of its aliases.', {
    fields: [{ path: 'from.email', message: 'must be the address of the mailbox or one of its aliases' }],
  });

interface Recipient {
  readonly address: string;
  readonly kind: RecipientKind;
}

/** Each once, as it is named first. @throws ApiError 400 */
export const recipientsOf = (all: readonly Recipient[]): readonly Recipient[] => {
  const once = [...new Map(all.toReversed().map((one) => [one.address, one])).values()].toReversed();
  if (once.length === 0) throw invalid([{ path: 'recipients', message: 'must name somebody' }]);
  if (once.length > MOST_RECIPIENTS) throw invalid([{ path: 'recipients', message: `must be at most ${MOST_RECIPIENTS}` }]);
  return once;
};

/** Who may no longer write in a thread may not answer in it either; as a new message it can be sent. @throws ApiError 409 */
const assertThread = async (platform: Platform, actor: Actor, mailboxId: MailboxId, { inReplyTo }: DraftContent): Promise<void> => {
  if (inReplyTo === null || inReplyTo.mode === 'forward') return;
  const [{ state }, held] = await Promise.all([
    platform.commands.load(thread, threadKey(inReplyTo.threadId)),
    platform.commands.load(mailbox, mailboxKey(mailboxId)),
  ]);
  const link = { role: roleOf(held.state, actor.userId), access: accessOf(state, mailboxId) };
  if (may(actor, 'send', { kind: 'thread', links: [link] })) return;
  throw new ApiError(
    'CONFLICT',
    'This mailbox may no longer write in the thread. Save the draft with inReplyTo null to send it as a new message.',
    {
      fields: [{ path: 'inReplyTo', message: 'is in a thread that this mailbox may no longer write in' }],
    },
  );
};

/** @throws ApiError 400 */
const filesOf = async ({ blobs }: Pick<Platform, 'blobs'>, { attachments }: DraftContent): Promise<readonly MailFile[]> => {
  if (attachments.reduce((sum, { size }) => sum + size, 0) > MAX_ATTACHMENT_BYTES) {
    throw invalid([{ path: 'attachments', message: 'must be at most 20 MiB together' }]);
  }
  return Promise.all(
    attachments.map(async ({ blobId, name, type, cid }, at) => {
      try {
        return { name, type, cid, content: await blobs.read(blobId) };
      } catch (error) {
        if (error instanceof BlobNotFound) throw invalid([{ path: `attachments.${at}.blobId`, message: 'is no longer there' }]);
        throw error;
      }
    }),
  );
};
