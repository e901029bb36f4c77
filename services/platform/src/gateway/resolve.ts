/** What an address means to the gateway, as the log says at this moment. Asked at each door, and once more when the mail is worked on. */
import type { ConversationId, MailboxId, RoomId, ThreadId } from '@tidings/contracts/ids';
import { isShredded } from '@tidings/contracts/sealed';
import { address, addressKey } from '@tidings/domain/address/index';
import { gateway, gatewayKey, recipientByNumber } from '@tidings/domain/gateway/index';
import type { GoodToken } from '@tidings/domain/gateway/judge';
import type { Claim } from '@tidings/domain/gateway/reply-token';
import { domainOf, normaliseAddress } from '@tidings/domain/mail/address';
import { isMember, room, roomKey } from '@tidings/domain/room/index';
import { thread, threadKey } from '@tidings/domain/thread/index';
import * as E from 'fp-ts/lib/Either.js';
import type { Platform } from '../platform.ts';
import type { ReplyAddresses } from './reply-addresses.ts';

export type GatewayAddress =
  /** An answer to a conversation. */
  | { readonly type: 'token'; readonly token: string; readonly good: GoodToken }
  /** At the reply domain, without a token: for the mailbox that takes such mail, where nothing else is found. */
  | { readonly type: 'gateway'; readonly mailboxId: MailboxId }
  | { readonly type: 'mailbox'; readonly mailboxId: MailboxId };

/** Null for an address that is nobody's: also for a token that is forged, expired, revoked, or of a conversation that is over. */
export type ResolveAddress = (written: string) => Promise<GatewayAddress | null>;

type Parts = Pick<Platform, 'commands' | 'config'>;

export const resolveAddressIn =
  (platform: Parts, replies: ReplyAddresses): ResolveAddress =>
  async (written) => {
    const token = replies.tokenIn(written);
    if (token !== null) {
      const good = await goodToken(platform, replies, token);
      return good === null ? null : { type: 'token', token, good };
    }
    const normal = normaliseAddress(written);
    if (E.isLeft(normal)) return null;
    const { gateway: settings, mailDomains } = platform.config;
    const domain = domainOf(normal.right);
    const isForGateway = domain === settings.replyDomain && !mailDomains.includes(domain);
    const mailboxId = await mailboxAt(platform, isForGateway ? settings.mailbox : normal.right);
    if (mailboxId === null || !(isForGateway || mailDomains.includes(domain))) return null;
    return { type: isForGateway ? 'gateway' : 'mailbox', mailboxId };
  };

const mailboxAt = async ({ commands }: Parts, written: string): Promise<MailboxId | null> => {
  const normal = normaliseAddress(written);
  if (E.isLeft(normal)) return null;
  const { state } = await commands.load(address, addressKey(normal.right));
  return state.kind === 'free' ? null : state.mailboxId;
};

const goodToken = async (platform: Parts, replies: ReplyAddresses, token: string): Promise<GoodToken | null> => {
  const read = replies.read(token);
  if (E.isLeft(read)) return null;
  if (read.right.version === 'v1') {
    const { conversationId } = read.right;
    return (await isOpen(platform, conversationId)) ? { conversationId, recipient: null } : null;
  }
  for (const claim of read.right.claims) {
    const good = await provenClaim(platform, claim);
    if (good !== null) return good;
  }
  return null;
};

/** It ends with the conversation, with its recipient's part in it, and when it is revoked. */
const provenClaim = async (platform: Parts, { conversationId, number, isFor }: Claim): Promise<GoodToken | null> => {
  const { commands } = platform;
  const [{ state }, { state: chat }] = await Promise.all([
    commands.load(gateway, gatewayKey(conversationId)),
    commands.load(room, roomKey(conversationId as string as RoomId)),
  ]);
  const recipient = recipientByNumber(state, number);
  if (recipient === null || recipient.revoked || isShredded(recipient.address) || !isFor(recipient.address)) return null;
  const takesPart = chat.kind === 'none' ? await isOpen(platform, conversationId) : isMember(chat, recipient.userId);
  return takesPart ? { conversationId, recipient: { userId: recipient.userId, address: recipient.address } } : null;
};

const isOpen = async (platform: Parts, conversationId: ConversationId): Promise<boolean> => {
  const kind = await kindOf(platform, conversationId);
  return kind === 'room' || kind === 'thread';
};

/** What a conversation is; null for what is none, or is over. */
export const kindOf = async ({ commands }: Pick<Parts, 'commands'>, conversationId: ConversationId): Promise<'room' | 'thread' | null> => {
  const { state: chat } = await commands.load(room, roomKey(conversationId as string as RoomId));
  if (chat.kind !== 'none') return chat.kind === 'open' ? 'room' : null;
  const { state: mails } = await commands.load(thread, threadKey(conversationId as string as ThreadId));
  return mails.holdings.size > 0 ? 'thread' : null;
};
