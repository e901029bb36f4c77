/**
 * The email gateway. Stream `gateway-<conversationId>`: who may answer a conversation by mail, and at which address. Stream
 * `mapping-<conversationId>.<id>`: one mail of ours that belongs to the conversation, so that answers to it find their way; of one that came in, its own stream says so.
 */
import * as t from 'io-ts';
import { int, nullable, oneOf, text } from '../codec.ts';
import { ConversationId, GatewayMailId, MessageId, UserId } from '../ids.ts';
import { sealed } from '../sealed.ts';
import { defineEvent, type EventOf } from './definition.ts';

/** How many people may have a reply address in one conversation: the number is two bytes of the token. */
export const MOST_REPLY_ADDRESSES = 65_535;
const ReplyNumber = int(1, MOST_REPLY_ADDRESSES);

export const ReplyAddressIssued = defineEvent({
  type: 'ReplyAddressIssued',
  doc: 'Someone may answer a conversation by mail, at an address of their own, whose token names `number`. An outsider takes part by mail only.',
  data: t.readonly(
    t.type({ conversationId: ConversationId, number: ReplyNumber, userId: UserId, address: sealed(text(3, 320)), outsider: t.boolean }),
  ),
  personal: [{ subject: 'userId', fields: ['address'] }],
});
export type ReplyAddressIssued = EventOf<typeof ReplyAddressIssued>;

export const ReplyAddressRevoked = defineEvent({
  type: 'ReplyAddressRevoked',
  doc: 'A reply address is no longer good: mail to it is refused.',
  data: t.readonly(t.type({ conversationId: ConversationId, number: ReplyNumber, userId: UserId, by: nullable(UserId) })),
});
export type ReplyAddressRevoked = EventOf<typeof ReplyAddressRevoked>;

/** Which rule found the conversation that a mail belongs to; `sent` for mail of our own, `new` when none did. */
export const Strategy = oneOf('sent', 'token', 'in-reply-to', 'references', 'sender-subject', 'new');
export type Strategy = t.TypeOf<typeof Strategy>;
export const Sureness = oneOf('certain', 'high', 'low');
export type Sureness = t.TypeOf<typeof Sureness>;
/** A lower strategy that would have chosen another conversation. */
export const Disagreement = t.readonly(t.type({ strategy: Strategy, conversationId: ConversationId }));
export type Disagreement = t.TypeOf<typeof Disagreement>;

export const MailMapped = defineEvent({
  type: 'MailMapped',
  doc: 'A mail belongs to a conversation: one that came in (`userId` wrote it), or one of ours that went out to `userId`, who is the sender of what comes back.',
  data: t.readonly(
    t.type({
      conversationId: ConversationId,
      direction: oneOf('in', 'out'),
      userId: UserId,
      /** As in its header, in angle brackets; null for a mail without one. */
      emailMessageId: sealed(nullable(text(1, 1000))),
      senderEmail: sealed(text(1, 1000)),
      subjectNormalized: sealed(text(0, 1000)),
      /** So much of the token as tells it from others, and is of no use to anybody. */
      replyToToken: nullable(text(1, 20)),
      strategy: Strategy,
      sureness: Sureness,
      disagreeing: t.readonlyArray(Disagreement),
      /** The chat message that was made of it, or that it tells of. */
      messageId: nullable(MessageId),
      /** Null for mail of our own. */
      mailId: nullable(GatewayMailId),
    }),
  ),
  personal: [{ subject: 'userId', fields: ['emailMessageId', 'senderEmail', 'subjectNormalized'] }],
});
export type MailMapped = EventOf<typeof MailMapped>;

export const gatewayEvents = [ReplyAddressIssued, ReplyAddressRevoked, MailMapped] as const;
export type GatewayEvent = EventOf<(typeof gatewayEvents)[number]>;
