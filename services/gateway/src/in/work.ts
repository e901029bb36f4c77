/**
 * What becomes of one mail that came in (gateway contract). Every step may be done again after a crash: ids derive from the mail, and what settles it
 * comes last.
 */
import type { Envelope } from '@tidings/contracts/events/email';
import type { MailMapped } from '@tidings/contracts/events/gateway';
import type { GatewayMailReceived, GatewayMailSettled } from '@tidings/contracts/events/gateway-mail';
import type { Recorded } from '@tidings/contracts/events/index';
import {
  type CommandId,
  type ConversationId,
  derivedId,
  type EmailId,
  type MailboxId,
  type MessageId,
  type RoomId,
  type ThreadId,
  type UserId,
} from '@tidings/contracts/ids';
import { reveal } from '@tidings/contracts/sealed';
import { currentRecipients, gateway, gatewayKey, mailPersonIdOf } from '@tidings/domain/gateway/index';
import { type Author, authorOf, type Match, matchOf } from '@tidings/domain/gateway/judge';
import { loopReason } from '@tidings/domain/gateway/loops';
import { messageIdHeader } from '@tidings/domain/gateway/message-id';
import { redacted } from '@tidings/domain/gateway/reply-token';
import { normalisedSubject } from '@tidings/domain/gateway/subject';
import { gatewayMail, gatewayMailKey } from '@tidings/domain/gateway-mail/index';
import { type EmailAddress, normaliseAddress } from '@tidings/domain/mail/address';
import { mailClaim, mailClaimKey } from '@tidings/domain/mail-claim/index';
import { isMember, room, roomKey } from '@tidings/domain/room/index';
import { thread, threadKey } from '@tidings/domain/thread/index';
import { user, userKey } from '@tidings/domain/user/index';
import type { CommandContext } from '@tidings/infra/event-store/event-store';
import type { Images } from '@tidings/infra/images/images';
import type { Mime, ReplyMail } from '@tidings/infra/mime/mime';
import * as E from 'fp-ts/lib/Either.js';
import { kindOf } from '../../../platform/src/gateway/resolve.ts';
import type { Platform } from '../../../platform/src/platform.ts';
import { receiveEmail } from '../../../platform/src/receive-email.ts';
import { type EvidenceParts, type Gathered, gatherEvidence, type Incoming } from './evidence.ts';
import type { Flood } from './flood.ts';
import { postMail } from './post.ts';
import { understand } from './trust.ts';

export interface WorkParts extends EvidenceParts {
  readonly mime: Mime;
  readonly images: Images;
  readonly flood: Flood;
}

type Settled = Omit<GatewayMailSettled['data'], 'senderId' | 'mailId'>;
interface Ending {
  readonly settled: Settled;
  /** What it is in its conversation; null where it is in none. */
  readonly mapped: MailMapped['data'] | null;
}

const nothing = { reason: null, conversationId: null, userId: null, messageIds: [], claim: null } as const;
const ended = (outcome: Settled['outcome'], reason: string, conversationId: ConversationId | null = null): Ending => ({
  settled: { ...nothing, outcome, reason: reason.slice(0, 200), conversationId },
  mapped: null,
});

const PREVIEW_CHARS = 500;

/** @param confirmed a member vouches for it: what it was held for holds it no more */
export const workOn = async (parts: WorkParts, event: Recorded<GatewayMailReceived>, confirmed: boolean): Promise<void> => {
  const { mailId, blobId } = event.data;
  const { commands, blobs } = parts.platform;
  const reading = blobs.read(blobId);
  reading.catch(() => undefined); // of a mail that was settled before, they may be gone
  const { state } = await commands.load(gatewayMail, gatewayMailKey(mailId));
  if (state.kind === 'none' || (confirmed ? state.decision !== 'confirmed' : state.settled !== null)) return;
  const { settled, mapped } = await becomes(parts, event, reading, confirmed);
  const done = await commands.transact(
    gatewayMail,
    gatewayMailKey(mailId),
    { type: 'SettleGatewayMail', settled: { ...settled, mailId }, mapped },
    { ...contextOf(event, confirmed ? 'settle confirmed' : 'settle'), patient: true }, // it has been said by now
  );
  if (E.isLeft(done)) throw new Error(`${done.left.type}: ${mailId}`);
  if (mapped === null) return;
  parts.own.mappedUpTo = done.right.position;
  parts.flood.count(mapped, Date.parse(event.recordedAt));
};

const contextOf = ({ id, data: { mailId }, meta }: Recorded<GatewayMailReceived>, what: string): CommandContext => ({
  commandId: derivedId<CommandId>('gateway', what, mailId),
  causationId: id,
  ...(meta.traceId === undefined ? {} : { traceId: meta.traceId }),
});

const becomes = async (
  parts: WorkParts,
  event: Recorded<GatewayMailReceived>,
  reading: Promise<Uint8Array>,
  confirmed: boolean,
): Promise<Ending> => {
  const envelope = reveal(event.data.envelope, null);
  if (envelope === null) return ended('refused', 'its sender was erased');
  const raw = await reading;
  const { mail, checked } = await understand(parts, raw, envelope, event.data);
  const [author, another] = mail.content.from;
  const from = normaliseAddress(author?.email ?? '');
  // Which of two authors was checked, and which is shown, must never be different ones.
  const isOneAuthors = another === undefined && mail.fields.filter(({ name }) => name === 'from').length === 1;
  const loop = loopReason(mail.fields, envelope.mailFrom, author?.email ?? null);
  const incoming =
    loop === null && isOneAuthors && E.isRight(from)
      ? { event, envelope, raw, mail, checked, from: from.right, receivedAt: Date.parse(event.recordedAt) }
      : null;
  // Claiming is a write, the rest are looks: none waits for another.
  const [duplicateOf, evidence] = await Promise.all([
    confirmed ? null : claimedBefore(parts.platform, event, mail),
    incoming === null ? null : gatherEvidence(parts, incoming),
  ]);
  if (duplicateOf !== null) return ended('duplicate', duplicateOf);
  if (loop !== null) return ended('loop', loop);
  if (incoming === null || evidence === null) return ended('refused', 'it has no single author');
  return place(parts, incoming, evidence, confirmed);
};

const claimedBefore = async ({ commands }: Platform, event: Recorded<GatewayMailReceived>, mail: ReplyMail): Promise<string | null> => {
  const key = mailClaimKey(messageIdHeader(mail.content.messageId), mail.sameness);
  const { mailId } = event.data;
  const claimed = await commands.transact(
    mailClaim,
    key,
    { type: 'ClaimMail', mailId, contentHash: mail.sameness },
    contextOf(event, 'claim'),
  );
  return E.isLeft(claimed) ? claimed.left.by : null;
};

const place = async (parts: WorkParts, incoming: Incoming, evidence: Gathered, confirmed: boolean): Promise<Ending> => {
  const { platform } = parts;
  const { mail, from, receivedAt } = incoming;
  const { token, found, isOwn, authenticated } = evidence;
  if (isOwn) return ended('loop', 'mail of our own');
  const match = matchOf({ token: token?.good ?? null, found });
  const kind = match === null ? null : await kindOf(platform, match.conversationId);
  if (match === null || kind === null) return fileWithoutMatch(parts, incoming);
  const { conversationId, strategy } = match;
  const takesPart = await participant(platform, conversationId, kind, from);
  const author = authorOf({ from, token: token?.good ?? null, found, authenticated }, strategy, takesPart);
  const { strangers } = platform.config.gateway;
  const isExternal = author.userId === null && !confirmed;
  const hold = confirmed || (author.hold === 'stranger' && strangers === 'post') ? null : author.hold;
  const senderId = author.userId ?? (isExternal ? unverifiedIdOf(from) : mailPersonIdOf(from));
  if (await parts.flood.is({ conversationId, userId: senderId }, receivedAt)) {
    return ended('loop', 'too many mails of one author within an hour', conversationId);
  }
  if (hold !== null) return held(match, author, hold, mail);
  return deliver(parts, incoming, { match, kind, author, senderId, isExternal, token: token?.token ?? null });
};

/** Who in the conversation has this address, as far as the gateway was told. */
const participant = async (
  { commands }: Platform,
  conversationId: ConversationId,
  kind: 'room' | 'thread',
  from: EmailAddress,
): Promise<UserId | null> => {
  const [{ state }, { state: chat }] = await Promise.all([
    commands.load(gateway, gatewayKey(conversationId)),
    commands.load(room, roomKey(conversationId as string as RoomId)),
  ]);
  const known = currentRecipients(state).find(({ address, userId }) => address === from && (kind === 'thread' || isMember(chat, userId)));
  return known?.userId ?? null;
};

/** Somebody whom nobody vouches for is never the same person as somebody who takes part. */
const unverifiedIdOf = (from: EmailAddress): UserId => derivedId<UserId>('unverified-mail-person', from);

const held = ({ conversationId }: Match, { userId }: Author, reason: string, { content, reply }: ReplyMail): Ending => {
  const [author] = content.from;
  const claim = {
    name: author?.name ?? null,
    email: author?.email ?? '',
    subject: content.subject,
    preview: reply.slice(0, PREVIEW_CHARS).toWellFormed(),
  };
  return { settled: { ...nothing, outcome: 'held', reason, conversationId, userId, claim }, mapped: null };
};

interface Delivery {
  readonly match: Match;
  readonly kind: 'room' | 'thread';
  readonly author: Author;
  readonly senderId: UserId;
  /** Nobody vouches for it. */
  readonly isExternal: boolean;
  readonly token: string | null;
}

const deliver = async (parts: WorkParts, incoming: Incoming, delivery: Delivery): Promise<Ending> => {
  const { platform, mime, images } = parts;
  const { event, mail, raw } = incoming;
  const { match, kind, author, senderId } = delivery;
  const { mailId } = event.data;
  const { conversationId } = match;
  if (author.userId === null) await register(platform, incoming, delivery);
  if (kind === 'thread') {
    const has = await fileInThread(platform, incoming, conversationId as string as ThreadId);
    if (!has) return ended('refused', 'nobody holds the thread');
    return { settled: { ...nothing, outcome: 'filed', conversationId, userId: senderId }, mapped: mappedAs(incoming, delivery, null) };
  }
  const roomId = conversationId as string as RoomId;
  const context = contextOf(event, 'deliver');
  const posted = await postMail(platform, { mime, images }, { mailId, roomId, senderId, mail, raw, context });
  if (posted.type === 'refused') return ended('refused', posted.reason, conversationId);
  const { messageIds } = posted;
  return {
    settled: { ...nothing, outcome: 'posted', conversationId, userId: senderId, messageIds },
    mapped: mappedAs(incoming, delivery, messageIds[0] ?? null),
  };
};

const mappedAs = (
  { event, mail, from }: Incoming,
  { match: { conversationId, strategy, disagreeing }, author, senderId, token }: Delivery,
  messageId: MessageId | null,
): MailMapped['data'] => ({
  ...{ conversationId, direction: 'in', userId: senderId, emailMessageId: messageIdHeader(mail.content.messageId), senderEmail: from },
  ...{ subjectNormalized: normalisedSubject(mail.content.subject), replyToToken: token === null ? null : redacted(token) },
  ...{ strategy, sureness: author.sureness, disagreeing, messageId, mailId: event.data.mailId },
});

/** Whoever writes is somebody, so that names, timelines and erasure know them. */
const register = async (platform: Platform, { event, mail, from }: Incoming, { senderId, isExternal }: Delivery): Promise<void> => {
  const name = mail.content.from[0]?.name?.trim() ?? '';
  const shown = isExternal ? `${from} (unverified)` : name === '' ? from : name;
  await platform.commands.transact(
    user,
    userKey(senderId),
    { type: 'RegisterUser', userId: senderId, displayName: [...shown].slice(0, 200).join(''), email: from, role: 'USER' },
    contextOf(event, 'register'),
  );
};

/** It belongs to no conversation: to the mailboxes that it names, as if it had come there by SMTP. */
const fileWithoutMatch = async ({ platform, resolve }: WorkParts, { event, envelope }: Incoming): Promise<Ending> => {
  const resolved = await Promise.all(envelope.rcptTo.map(async (address) => ({ address, found: await resolve(address) })));
  const recipients = resolved.flatMap(({ address, found }) =>
    found === null || found.type === 'token' ? [] : [{ mailboxId: found.mailboxId, address }],
  );
  const has = await receive(platform, event, envelope, recipients);
  return has ? { settled: { ...nothing, outcome: 'filed' }, mapped: null } : ended('refused', 'no conversation and no mailbox of ours');
};

/** In those of its mailboxes that own it. */
const fileInThread = async (platform: Platform, { event, envelope }: Incoming, threadId: ThreadId): Promise<boolean> => {
  const { state } = await platform.commands.load(thread, threadKey(threadId));
  const owners = [...state.holdings.keys()].filter((mailbox) => !state.shares.has(mailbox)).slice(0, 1);
  const [address = ''] = envelope.rcptTo;
  return receive(
    platform,
    event,
    envelope,
    owners.map((mailboxId) => ({ mailboxId, address })),
    threadId,
  );
};

const receive = async (
  platform: Platform,
  { data: { mailId, blobId, size }, meta }: Recorded<GatewayMailReceived>,
  { mailFrom, helo, clientAddress }: Envelope,
  recipients: readonly { readonly mailboxId: MailboxId; readonly address: string }[],
  threadId?: ThreadId,
): Promise<boolean> => {
  if (recipients.length === 0) return false;
  const has = await receiveEmail(platform, {
    ...{ emailId: derivedId<EmailId>('gateway-email', mailId), blob: { id: blobId, size }, mailFrom, helo, clientAddress, recipients },
    ...(threadId === undefined ? {} : { threadId }),
    ...(meta.traceId === undefined ? {} : { traceId: meta.traceId }),
  });
  return has.length > 0;
};
