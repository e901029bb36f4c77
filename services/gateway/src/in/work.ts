/**
 * What becomes of one mail that came in (gateway contract). Every step may be done again after a crash: ids derive from the mail, and what settles it
 * comes last.
 */
import type { Envelope } from '@tidings/contracts/events/email';
import type { GatewayMailReceived, GatewayMailSettled } from '@tidings/contracts/events/gateway-mail';
import type { Recorded } from '@tidings/contracts/events/index';
import {
  type CommandId,
  type ConversationId,
  derivedId,
  type EmailId,
  type MailboxId,
  type RoomId,
  type ThreadId,
  type UserId,
} from '@tidings/contracts/ids';
import { reveal } from '@tidings/contracts/sealed';
import { currentRecipients, gateway, gatewayKey, mailPersonIdOf } from '@tidings/domain/gateway/index';
import { type Author, authorOf, type Evidence, type GoodToken, type Match, matchOf } from '@tidings/domain/gateway/judge';
import { loopReason } from '@tidings/domain/gateway/loops';
import { messageIdHeader } from '@tidings/domain/gateway/message-id';
import { redacted } from '@tidings/domain/gateway/reply-token';
import { normalisedSubject } from '@tidings/domain/gateway/subject';
import { gatewayMail, gatewayMailKey } from '@tidings/domain/gateway-mail/index';
import { type EmailAddress, normaliseAddress } from '@tidings/domain/mail/address';
import { mailClaim, mailClaimKey } from '@tidings/domain/mail-claim/index';
import { mapping, mappingKey } from '@tidings/domain/mapping/index';
import { isMember, room, roomKey } from '@tidings/domain/room/index';
import { thread, threadKey } from '@tidings/domain/thread/index';
import { user, userKey } from '@tidings/domain/user/index';
import type { CommandContext } from '@tidings/infra/event-store/event-store';
import type { Images } from '@tidings/infra/images/images';
import type { Mime, ReplyMail } from '@tidings/infra/mime/mime';
import { either as E } from 'fp-ts';
import { kindOf, type ResolveAddress } from '../../../platform/src/gateway/resolve.ts';
import type { Platform } from '../../../platform/src/platform.ts';
import { receiveEmail } from '../../../platform/src/receive-email.ts';
import { findConversations, isFlood } from './matching.ts';
import { postMail } from './post.ts';
import { isAuthenticated, type TrustParts } from './trust.ts';

export interface WorkParts extends TrustParts {
  readonly platform: Platform;
  readonly mime: Mime;
  readonly images: Images;
  readonly resolve: ResolveAddress;
  readonly tokenIn: (address: string) => string | null;
}

type Settled = Omit<GatewayMailSettled['data'], 'senderId' | 'mailId'>;

const nothing = { reason: null, conversationId: null, userId: null, messageIds: [], claim: null } as const;
const ended = (outcome: Settled['outcome'], reason: string): Settled => ({ ...nothing, outcome, reason: reason.slice(0, 200) });

const PREVIEW_CHARS = 500;
const CATCH_UP_MS = 5_000;

/** @param confirmed a member vouches for it: what it was held for holds it no more */
export const workOn = async (parts: WorkParts, event: Recorded<GatewayMailReceived>, confirmed: boolean): Promise<void> => {
  const { mailId } = event.data;
  const { commands } = parts.platform;
  const { state } = await commands.load(gatewayMail, gatewayMailKey(mailId));
  if (state.kind === 'none' || (confirmed ? state.decision !== 'confirmed' : state.settled !== null)) return;
  const settled = await becomes(parts, event, confirmed);
  const done = await commands.transact(
    gatewayMail,
    gatewayMailKey(mailId),
    { type: 'SettleGatewayMail', settled: { ...settled, mailId } },
    contextOf(event, confirmed ? 'settle confirmed' : 'settle'),
  );
  if (E.isLeft(done)) throw new Error(`${done.left.type}: ${mailId}`);
};

const contextOf = ({ id, data: { mailId }, meta }: Recorded<GatewayMailReceived>, what: string): CommandContext => ({
  commandId: derivedId<CommandId>('gateway', what, mailId),
  causationId: id,
  ...(meta.traceId === undefined ? {} : { traceId: meta.traceId }),
});

/** A mail as far as it is understood. */
interface Incoming {
  readonly event: Recorded<GatewayMailReceived>;
  readonly envelope: Envelope;
  readonly raw: Uint8Array;
  readonly mail: ReplyMail;
  readonly from: EmailAddress;
  readonly receivedAt: number;
}

const becomes = async (parts: WorkParts, event: Recorded<GatewayMailReceived>, confirmed: boolean): Promise<Settled> => {
  const envelope = reveal(event.data.envelope, null);
  if (envelope === null) return ended('refused', 'its sender was erased');
  const raw = await parts.platform.blobs.read(event.data.blobId);
  const mail = await parts.mime.reply(raw);
  const [author, another] = mail.content.from;
  const from = normaliseAddress(author?.email ?? '');
  // Which of two authors was checked, and which is shown, must never be different ones.
  const headers = mail.fields.filter(({ name }) => name === 'from').length;
  const duplicateOf = confirmed ? null : await claimedBefore(parts.platform, event, mail);
  if (duplicateOf !== null) return ended('duplicate', duplicateOf);
  const loop = loopReason(mail.fields, envelope.mailFrom, author?.email ?? null);
  if (loop !== null) return ended('loop', loop);
  if (E.isLeft(from) || another !== undefined || headers !== 1) return ended('refused', 'it has no single author');
  return place(parts, { event, envelope, raw, mail, from: from.right, receivedAt: Date.parse(event.recordedAt) }, confirmed);
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

const place = async (parts: WorkParts, incoming: Incoming, confirmed: boolean): Promise<Settled> => {
  const { platform } = parts;
  const { event, mail, from, receivedAt } = incoming;
  const token = await tokenOf(parts, incoming);
  // What a mail answers was recorded before it; with a token that is known without a look.
  if (token === null && !(await platform.freshness.waitFor(event.position, ['mappings'], CATCH_UP_MS))) {
    throw new Error('the read model of mappings is too far behind');
  }
  const { found, isOwn } = await findConversations(platform, mail, from, receivedAt);
  if (isOwn) return ended('loop', 'mail of our own');
  const match = matchOf({ token: token?.good ?? null, found });
  const kind = match === null ? null : await kindOf(platform, match.conversationId);
  if (match === null || kind === null) return fileWithoutMatch(parts, incoming);
  const evidence: Evidence = { from, token: token?.good ?? null, found, authenticated: await authenticated(parts, incoming) };
  const author = authorOf(evidence, match.strategy, await participant(platform, match.conversationId, kind, from));
  const { strangers } = platform.config.gateway;
  const isExternal = author.userId === null && !confirmed;
  const hold = confirmed || (author.hold === 'stranger' && strangers === 'post') ? null : author.hold;
  const senderId = author.userId ?? (isExternal ? unverifiedIdOf(from) : mailPersonIdOf(from));
  if (await isFlood(platform, { conversationId: match.conversationId, userId: senderId, receivedAt })) {
    return { ...ended('loop', 'too many mails of one author within an hour'), conversationId: match.conversationId };
  }
  if (hold !== null) return held(match, author, hold, mail);
  return deliver(parts, incoming, { match, kind, author, senderId, isExternal, token: token?.token ?? null });
};

const authenticated = (
  { authenticator, trustedAuthservIds }: WorkParts,
  { event, envelope, mail, raw, from }: Incoming,
): Promise<boolean> => isAuthenticated({ authenticator, trustedAuthservIds }, event.data, { fields: mail.fields, raw, from, envelope });

/** Envelope first, then where mail systems write it down, then the header of the author's program. */
const tokenOf = async (
  { resolve, tokenIn }: WorkParts,
  { envelope, mail: { fields, content } }: Incoming,
): Promise<{ readonly token: string; readonly good: GoodToken } | null> => {
  const named = (name: string): readonly string[] =>
    fields.flatMap((field) => (field.name === name ? [field.value.replace(/^<|>$/g, '')] : []));
  const listed = [...content.to, ...content.cc].map(({ email }) => email);
  const written = [...envelope.rcptTo, ...named('delivered-to'), ...named('x-original-to'), ...listed].filter(
    (one) => tokenIn(one) !== null,
  );
  for (const one of [...new Set(written)].slice(0, 20)) {
    const found = await resolve(one);
    if (found?.type === 'token') return found;
  }
  return null;
};

/** Who in the conversation has this address, as far as the gateway was told. */
const participant = async (
  { commands }: Platform,
  conversationId: ConversationId,
  kind: 'room' | 'thread',
  from: EmailAddress,
): Promise<UserId | null> => {
  const { state } = await commands.load(gateway, gatewayKey(conversationId));
  const { state: chat } = await commands.load(room, roomKey(conversationId as string as RoomId));
  const known = currentRecipients(state).find(({ address, userId }) => address === from && (kind === 'thread' || isMember(chat, userId)));
  return known?.userId ?? null;
};

/** Somebody whom nobody vouches for is never the same person as somebody who takes part. */
const unverifiedIdOf = (from: EmailAddress): UserId => derivedId<UserId>('unverified-mail-person', from);

const held = ({ conversationId }: Match, { userId }: Author, reason: string, { content, reply }: ReplyMail): Settled => {
  const [author] = content.from;
  const claim = {
    name: author?.name ?? null,
    email: author?.email ?? '',
    subject: content.subject,
    preview: reply.slice(0, PREVIEW_CHARS).toWellFormed(),
  };
  return { ...nothing, outcome: 'held', reason, conversationId, userId, claim };
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

const deliver = async (parts: WorkParts, incoming: Incoming, delivery: Delivery): Promise<Settled> => {
  const { platform, mime, images } = parts;
  const { event, mail, raw, from } = incoming;
  const { match, kind, author, senderId } = delivery;
  const { mailId } = event.data;
  const { conversationId } = match;
  const context = contextOf(event, 'deliver');
  if (author.userId === null) await register(platform, incoming, delivery);
  if (kind === 'thread') {
    if (!(await fileInThread(platform, incoming, conversationId as string as ThreadId))) return ended('refused', 'nobody holds the thread');
  }
  const posted =
    kind === 'room'
      ? await postMail(platform, { mime, images }, { mailId, roomId: conversationId as string as RoomId, senderId, mail, raw, context })
      : { type: 'posted' as const, messageIds: [] };
  if (posted.type === 'refused') return { ...ended('refused', posted.reason), conversationId };
  const emailMessageId = messageIdHeader(mail.content.messageId);
  const { strategy, disagreeing } = match;
  await platform.commands.transact(
    mapping,
    mappingKey(conversationId, 'in', mailId),
    {
      type: 'MapMail',
      mail: {
        ...{ conversationId, direction: 'in', userId: senderId, emailMessageId, senderEmail: from, strategy, disagreeing, mailId },
        subjectNormalized: normalisedSubject(mail.content.subject),
        replyToToken: delivery.token === null ? null : redacted(delivery.token),
        ...{ sureness: author.sureness, messageId: posted.messageIds[0] ?? null },
      },
    },
    contextOf(event, 'map'),
  );
  return { ...nothing, outcome: kind === 'room' ? 'posted' : 'filed', conversationId, userId: senderId, messageIds: posted.messageIds };
};

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
const fileWithoutMatch = async ({ platform, resolve }: WorkParts, { event, envelope }: Incoming): Promise<Settled> => {
  const resolved = await Promise.all(envelope.rcptTo.map(async (address) => ({ address, found: await resolve(address) })));
  const recipients = resolved.flatMap(({ address, found }) =>
    found === null || found.type === 'token' ? [] : [{ mailboxId: found.mailboxId, address }],
  );
  const has = await receive(platform, event, envelope, recipients);
  return has ? { ...nothing, outcome: 'filed' } : ended('refused', 'no conversation and no mailbox of ours');
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
