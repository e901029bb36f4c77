/**
 * The automatic reply of a mailbox (RFC 3834): to mail from people that came into its inbox, once a day for each. It is decided on a stream of the
 * sender's, so it survives restarts and is never sent twice; what follows is done by commands whose ids derive from the mail.
 */
import type { Recorded } from '@tidings/contracts/events/index';
import type { EmailFiled } from '@tidings/contracts/events/thread';
import { type CommandId, derivedId, type EmailId } from '@tidings/contracts/ids';
import { isShredded, reveal } from '@tidings/contracts/sealed';
import { msOf, timestamp } from '@tidings/contracts/time';
import { answered, answeredToKey } from '@tidings/domain/answered/index';
import { answering, answeringKey, type Guard, guardOf, isActiveAt } from '@tidings/domain/answering/index';
import { referencesOf } from '@tidings/domain/mail/answer';
import { domainOf, type EmailAddress, normaliseAddress } from '@tidings/domain/mail/address';
import { mailbox, mailboxKey } from '@tidings/domain/mailbox/index';
import type { Composer } from '@tidings/infra/compose/compose';
import { type Mime, readBodies } from '@tidings/infra/mime/mime';
import * as E from 'fp-ts/lib/Either.js';
import type { Logger } from 'pino';
import type { Platform } from '../../../platform/src/platform.ts';
import { envelopeFor } from '../../../platform/src/received-envelope.ts';
import { fileSent } from '../file-sent.ts';
import { headersIn, headIn, isOwn } from './original.ts';
import { queueAnswer } from './queue-answer.ts';

export interface AutoreplyParts {
  readonly platform: Pick<Platform, 'commands' | 'blobs' | 'events' | 'now'>;
  readonly composer: Composer;
  readonly mime: Mime;
  readonly logger: Logger;
  /** What became of a mail to a mailbox with an automatic reply that is on. */
  readonly count: (outcome: Guard | 'sent' | 'answered-today' | 'late') => void;
}

/** After an outage nobody wants to hear of last week. */
const LATE_MS = 24 * 3_600_000;

/** Once more changes nothing. @throws for outages, which pass */
export const answerAutomatically = async (parts: AutoreplyParts, event: Recorded<EmailFiled>): Promise<void> => {
  const { platform, count } = parts;
  const { mailboxId, emailId, threadId, direction, place, imported, movedFrom } = event.data;
  if (direction !== 'in' || place !== 'inbox' || imported !== undefined || movedFrom !== undefined) return;
  const { autoreply } = (await platform.commands.load(answering, answeringKey(mailboxId))).state;
  if (autoreply === null || isShredded(autoreply.content) || !isActiveAt(autoreply, event.recordedAt)) return;
  if (platform.now() - msOf(event.recordedAt) > LATE_MS) return count('late');
  const mail = await understood(parts, event);
  if (mail === null) return;
  if (mail.guard !== null) return count(mail.guard);

  const command = { type: 'Autoreply', mailboxId, emailId, threadId, at: timestamp(platform.now()) } as const;
  const context = { commandId: derivedId<CommandId>('autoreply', mailboxId, emailId), causationId: event.id };
  const decided = await platform.commands.transact(answered, answeredToKey(mailboxId, mail.sender), command, context);
  if (E.isLeft(decided)) return count('answered-today');
  await reply(parts, event, autoreply.content, mail);
  count('sent');
};

interface Understood {
  readonly guard: Guard | null;
  /** Its author in normal form: who has had a reply today. Return paths differ from mail to mail. */
  readonly sender: string;
  /** RFC 3834 §4: where replies go. */
  readonly returnPath: string;
}

/** Null for what did not come by SMTP, and what is gone meanwhile. */
const understood = async ({ platform }: AutoreplyParts, { data }: Recorded<EmailFiled>): Promise<Understood | null> => {
  const { mailboxId, emailId, blobId, bodyBlobId } = data;
  const content = reveal(data.content, null);
  const envelope = await envelopeFor(platform, emailId, mailboxId);
  if (content === null || envelope === null) return null;
  const { details } = await readBodies(platform.blobs, bodyBlobId);
  const authors = [...new Set([...content.from, ...details.replyTo].map(({ email }) => email))];
  const anyIsOwn = async (addresses: readonly string[]): Promise<boolean> =>
    (await Promise.all(addresses.map((one) => isOwn(platform, mailboxId, one)))).includes(true);
  const [isFromUs, isAddressedToUs, head] = await Promise.all([
    anyIsOwn([...authors, envelope.mailFrom]),
    anyIsOwn([...content.to, ...content.cc].map(({ email }) => email)),
    headIn(platform, blobId),
  ]);
  const verdict = details.authentication?.verdict ?? 'none';
  const mail = { returnPath: envelope.mailFrom, authors, headers: headersIn(head), isFromUs, isAddressedToUs, verdict };
  const sender = normaliseAddress(content.from[0]?.email ?? '');
  return { guard: guardOf(mail), sender: E.isRight(sender) ? sender.right : envelope.mailFrom, returnPath: envelope.mailFrom };
};

interface Said {
  readonly subject: string;
  readonly text: string;
  readonly html: string;
}

const reply = async (
  { platform, composer, mime, logger }: AutoreplyParts,
  { id, data }: Recorded<EmailFiled>,
  { subject, text, html }: Said,
  { returnPath }: Understood,
): Promise<void> => {
  const { mailboxId, emailId: to, threadId } = data;
  const { state } = await platform.commands.load(mailbox, mailboxKey(mailboxId));
  const content = reveal(data.content, null);
  if (state.kind !== 'open' || isShredded(state.address) || content === null) return; // closed meanwhile
  const from = { name: reveal(state.name, null), email: state.address };
  const emailId = derivedId<EmailId>('autoreply', mailboxId, to);
  const messageId = `${emailId}@${domainOf(from.email as EmailAddress)}`; // kept as it was claimed
  const answer = { emailId, mailboxId, threadId, messageId, to: [returnPath], causationId: id };
  const { rawBlobId, size } = await queueAnswer(platform, answer, async () => {
    const { raw } = await composer.compose({
      ...{ messageId, date: timestamp(platform.now()), from, to: [{ name: null, email: returnPath }], cc: [], files: [] },
      // RFC 3834 §3.1.5
      ...{ subject: subject === '' ? `Auto: ${content.subject}`.slice(0, 900).toWellFormed() : subject, text, html },
      ...{ inReplyTo: content.messageId, references: referencesOf(content), unsubscribe: null, receiptTo: null },
      autoSubmitted: 'auto-replied',
    });
    return raw;
  });
  const sent = { threadId, mailboxId, emailId, rawBlobId, size, from: '', recipients: [returnPath] };
  const context = { commandId: derivedId<CommandId>('file-autoreply', emailId), causationId: id };
  const refused = await fileSent(platform, mime, sent, context);
  if (refused !== null) logger.error({ emailId, refused }, 'an automatic reply cannot be filed in its thread');
};
