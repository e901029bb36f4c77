/**
 * Telling one member of one message. Recorded before it is done: first that this email is the one, then which conversation answers to it belong to,
 * then it is queued. All by ids that derive from message and member, so that doing it again after a crash changes nothing and nobody is told twice.
 */
import {
  type ConversationId,
  derivedId,
  type CommandId,
  type EmailId,
  type MailboxId,
  type RoomId,
  type ThreadId,
  type UserId,
} from '@tidings/contracts/ids';
import { timestamp } from '@tidings/contracts/time';
import { gateway, gatewayKey, replyAddressFor } from '@tidings/domain/gateway/index';
import { messageIdHeader } from '@tidings/domain/gateway/message-id';
import { normalisedSubject } from '@tidings/domain/gateway/subject';
import type { EmailAddress } from '@tidings/domain/mail/address';
import { mailing, mailingKey } from '@tidings/domain/mailing/index';
import { mailbox, mailboxKey } from '@tidings/domain/mailbox/index';
import { mapping, type MappingCommand, mappingKey } from '@tidings/domain/mapping/index';
import { outbound, type OutboundCommand, outboundKey } from '@tidings/domain/outbound/index';
import { appendAfter } from '@tidings/infra/blobs/append-after';
import type { MailToCompose } from '@tidings/infra/compose/mail';
import type { CommandContext } from '@tidings/infra/event-store/event-store';
import { outsidersIn } from '@tidings/projections/mail-policies/index';
import { lastMailWith, mailOfMessage } from '@tidings/projections/mappings/index';
import * as E from 'fp-ts/lib/Either.js';
import type { ReplyAddress } from '../../../platform/src/gateway/reply-addresses.ts';
import { receivedAs } from '../../../smtp-egress/src/internal.ts';
import type { DueNotice } from './due.ts';
import { type Facts, lookAt, messageSaid, previousSaid } from './facts.ts';
import { rememberMailed } from './mailed.ts';
import { noticeMail } from './notice.ts';
import type { OutParts } from './parts.ts';

const MAPPED_BUDGET_MS = 2_000;

export const contextOf = (step: string, ...of: readonly string[]): CommandContext => ({
  commandId: derivedId<CommandId>('gateway-out', step, ...of),
});

export const conversationIdOf = (room: RoomId): ConversationId => room as string as ConversationId; // a room is one

/** @throws for outages, which pass */
export const sendNotice = async (parts: OutParts, due: DueNotice): Promise<void> => {
  const { commands } = parts.platform;
  const { roomId, messageId, userId } = due;
  const { state } = await commands.load(mailing, mailingKey(roomId, messageId));
  const standing = state.recipients.get(userId);
  if (standing === undefined || standing.kind === 'not-mailed') return;
  const emailId = standing.kind === 'mailed' ? standing.emailId : derivedId<EmailId>('notice', messageId, userId);
  if (await isQueued(parts, emailId)) return;
  const look = await lookAt(parts, due);
  if (look.type === 'no-mail') return giveUp(parts, due, emailId, look.because);

  const reply = await replyAddressOf(parts, roomId, userId, look.facts.address);
  const mail = await wordedFor(parts, due, emailId, look.facts, reply);
  const command = { type: 'Mail', roomId, messageId, userId, emailId, insteadOf: null } as const;
  const claimed = await commands.transact(mailing, mailingKey(roomId, messageId), command, contextOf('mail', messageId, userId));
  if (E.isLeft(claimed)) return;
  await rememberMailed(parts.platform.pool, [{ emailId, messageId, roomId, userId, receivedAs: receivedAs(emailId, [0]) }]);
  await mapAndQueue(parts, { emailId, userId, address: look.facts.address, mail, mapped: [{ roomId, messageId, reply }] });
};

/** There was a reason not to; or, where it was claimed and a crash came between, it is called off. */
const giveUp = async (
  { platform: { commands } }: OutParts,
  { roomId, messageId, userId }: DueNotice,
  emailId: EmailId,
  because: Extract<Awaited<ReturnType<typeof lookAt>>, { readonly type: 'no-mail' }>['because'],
): Promise<void> => {
  const of = { roomId, messageId, userId };
  const key = mailingKey(roomId, messageId);
  await commands.transact(mailing, key, { type: 'DoNotMail', ...of, because }, contextOf('do-not', messageId, userId));
  const called = { type: 'RecordMailStatus', ...of, emailId, status: 'cancelled' } as const;
  await commands.transact(mailing, key, called, contextOf('called-off', messageId, userId));
};

export const isQueued = async ({ platform: { commands } }: OutParts, emailId: EmailId): Promise<boolean> =>
  (await commands.load(outbound, outboundKey(emailId))).state.kind === 'queued';

/** Where a member answers by mail: given out once for each of their addresses. */
export const replyAddressOf = async (
  { platform: { commands, read, liveSchema }, replyAddresses }: OutParts,
  roomId: RoomId,
  userId: UserId,
  address: EmailAddress,
): Promise<ReplyAddress> => {
  const conversationId = conversationIdOf(roomId);
  const outsider = (await read.any(outsidersIn(liveSchema('mail-policies'), [roomId]))).some((one) => one.userId === userId);
  const command = { type: 'IssueReplyAddress', conversationId, userId, address, outsider } as const;
  // A revoked one is followed by another, so the context may not be the same for ever: what there is already, the decider knows.
  const { revision } = await commands.load(gateway, gatewayKey(conversationId));
  const issued = await commands.transact(
    gateway,
    gatewayKey(conversationId),
    command,
    contextOf('reply-address', roomId, userId, address, String(revision)),
  );
  if (E.isLeft(issued)) throw new Error(`a reply address was refused: ${issued.left.type}`);
  const recipient = replyAddressFor(issued.right.state, userId, address);
  if (recipient === null) throw new Error('a reply address was given out and is not there');
  return replyAddresses.addressFor({ conversationId, number: recipient.number, address });
};

/** Of our own making, so that it is the same whenever it is asked for. Without angle brackets. */
export const messageIdOf = ({ platform: { config } }: OutParts, emailId: EmailId): string => `${emailId}@${config.gateway.replyDomain}`;

const wordedFor = async (
  parts: OutParts,
  { roomId, userId }: DueNotice,
  emailId: EmailId,
  facts: Facts,
  reply: ReplyAddress,
): Promise<MailToCompose> => {
  const { platform, links, publicUrl } = parts;
  const { from, fromName } = platform.config.gatewayOut;
  const [message, previous, thread] = await Promise.all([
    messageSaid(parts, facts, true),
    previousSaid(parts, roomId, userId, facts),
    threadOf(parts, { roomId, userId, emailId }, facts),
  ]);
  const unsubscribeUrl = `${publicUrl}${links.unsubscribePath({ userId, rooms: [roomId] })}`;
  const worded = noticeMail({
    ...{ service: fromName, fromAddress: from, conversation: facts.conversation, message, previous, unsubscribeUrl },
    ...{ timeZone: facts.said.digest.timeZone, isFollowUp: thread.inReplyTo !== null },
  });
  return {
    ...worded,
    ...thread,
    ...{ messageId: messageIdOf(parts, emailId), date: timestamp(platform.now()), to: [{ name: null, email: facts.address }], cc: [] },
    ...{ unsubscribe: unsubscribeUrl, autoSubmitted: null, receiptTo: null, replyTo: { name: null, email: reply.address } },
    headers: gatewayHeaders(roomId),
  };
};

/** By which the way in knows mail of ours that comes back by some other way: it ends there. */
export const gatewayHeaders = (room: RoomId): Readonly<Record<string, string>> => ({
  'X-Tidings-Gateway': derivedId<string>('gateway-conversation', room),
});

/**
 * What it goes on from: the mail that stands for the message it answers, else the last one between this member and the conversation. All name one id that no
 * mail has, so that programs keep the whole conversation together from its first mail on.
 */
const threadOf = async (
  parts: OutParts,
  { roomId, userId, emailId }: { readonly roomId: RoomId; readonly userId: UserId; readonly emailId: EmailId },
  { body }: Facts,
): Promise<Pick<MailToCompose, 'inReplyTo' | 'references'>> => {
  const { read, liveSchema, config } = parts.platform;
  const [schema, conversation] = [liveSchema('mappings'), conversationIdOf(roomId)];
  const answered = body.type === 'Reply' ? await read.maybeOne(mailOfMessage(schema, conversation, userId, body.quoted.messageId)) : null;
  const last = await read.maybeOne(lastMailWith(schema, conversation, userId));
  const root = `${derivedId<string>('gateway-thread', roomId, userId)}@${config.gateway.replyDomain}`;
  // Not from itself, where a crash came between recording and sending it.
  const own = messageIdOf(parts, emailId);
  const ids = [last, answered].flatMap((row) => (row?.emailMessageId == null ? [] : [bare(row.emailMessageId)])).filter((id) => id !== own);
  return { inReplyTo: ids.at(-1) ?? null, references: [...new Set([root, ...ids])] };
};

const bare = (header: string): string => header.replaceAll(/^<|>$/g, '');

export interface Going {
  readonly emailId: EmailId;
  readonly userId: UserId;
  readonly address: EmailAddress;
  readonly mail: MailToCompose;
  /** The conversation that answers to it belong to; none where it tells of several. */
  readonly mapped: readonly {
    readonly roomId: RoomId;
    readonly messageId: DueNotice['messageId'];
    readonly reply: ReplyAddress;
  }[];
}

/** The bytes are durable before anybody is told of them. */
export const mapAndQueue = async (parts: OutParts, { emailId, userId, address, mail, mapped }: Going): Promise<void> => {
  const { commands, blobs, freshness } = parts.platform;
  const { raw } = await parts.composer.compose(mail);
  const { id: rawBlobId, size } = await blobs.put(Buffer.from(raw));
  for (const { roomId, messageId, reply } of mapped) {
    const conversationId = conversationIdOf(roomId);
    const command: MappingCommand = {
      type: 'MapMail',
      mail: {
        ...{ conversationId, userId, messageId, mailId: null, emailMessageId: messageIdHeader(mail.messageId), senderEmail: address },
        ...{ subjectNormalized: normalisedSubject(mail.subject), replyToToken: reply.redacted, disagreeing: [] },
        direction: 'out',
        strategy: 'sent',
        sureness: 'certain',
      },
    };
    const context = contextOf('map', emailId, roomId);
    const done = await commands.transact(mapping, mappingKey(conversationId, 'out', emailId), command, context);
    // The next mail of the conversation goes on from this one.
    if (E.isRight(done)) await freshness.waitFor(done.right.position, ['mappings'], MAPPED_BUDGET_MS);
  }
  const mailboxId = await openGatewayMailbox(parts);
  const command: OutboundCommand = {
    ...{ type: 'Queue', emailId, mailboxId, threadId: derivedId<ThreadId>('gateway-out', emailId), rawBlobId, size },
    ...{ messageId: mail.messageId, envelopeFrom: mail.from.email, queuedBy: null, recipients: [{ address, kind: 'to' }] },
  };
  const queued = await appendAfter(blobs, rawBlobId, () =>
    commands.transact(outbound, outboundKey(emailId), command, contextOf('queue', emailId)),
  );
  // Queued with other bytes: by another node, a moment ago. It goes out once all the same.
  if (E.isLeft(queued) && queued.left.type !== 'QueuedDifferently') throw new Error(`queueing was refused: ${queued.left.type}`);
};

/** Whose mail it is, as far as sending asks. Only what bounces is filed there; what is said in rooms is in no mailbox but its reader's. */
const GATEWAY_MAILBOX = derivedId<MailboxId>('gateway-mailbox');

/** There from the first mail on. It has no address that anybody could write to. */
const openGatewayMailbox = async ({ platform: { commands, config } }: OutParts): Promise<MailboxId> => {
  const mailboxId = GATEWAY_MAILBOX;
  if ((await commands.load(mailbox, mailboxKey(mailboxId))).state.kind !== 'none') return mailboxId;
  const command = {
    type: 'OpenMailbox',
    mailboxId,
    kind: 'shared',
    address: config.gatewayOut.from,
    name: 'Email gateway',
    members: [],
  } as const;
  await commands.transact(mailbox, mailboxKey(mailboxId), command, contextOf('mailbox'));
  return mailboxId;
};
