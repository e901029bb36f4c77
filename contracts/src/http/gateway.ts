/** Chat by mail, on the way in: who takes part by mail, which mail belongs where and why, and what waits for a member. */
import * as t from 'io-ts';
import { int, nullable, text } from '../codec.ts';
import { Disagreement, Strategy, Sureness } from '../events/gateway.ts';
import { ConversationId, GatewayMailId, MessageId, RoomId, UserId } from '../ids.ts';
import { Timestamp } from '../time.ts';
import { defineRoute, type Route } from './route.ts';

export const MAPPINGS_PAGE = 1_000;
export const HELD_PAGE = 200;

export const AddEmailParticipant = t.readonly(
  t.intersection([t.type({ email: text(3, 320) }), t.partial({ name: nullable(text(1, 200)) })]),
);
export const EmailParticipant = t.readonly(t.type({ userId: UserId, email: t.string, displayName: t.string }));

/** One mail of a conversation, as the seed shows it, and how it was found. */
export const EmailThreadMapping = t.readonly(
  t.type({
    threadId: ConversationId,
    /** Null for a mail without one, and once its author is erased. */
    emailMessageId: nullable(t.string),
    senderEmail: nullable(t.string),
    subjectNormalized: nullable(t.string),
    /** The end of it: enough to tell tokens apart, and of no use to anybody. */
    replyToToken: nullable(t.string),
    /** `sent` for mail of our own. */
    strategy: Strategy,
    sureness: Sureness,
    /** Lower strategies that would have chosen another conversation, among those that the caller may see. */
    disagreeing: t.readonlyArray(Disagreement),
    messageId: nullable(MessageId),
    /** Its whole mail is at `/gateway/mails/{mailId}/raw`; null for mail of our own. */
    mailId: nullable(GatewayMailId),
    createdAt: Timestamp,
  }),
);
export type EmailThreadMapping = t.TypeOf<typeof EmailThreadMapping>;

export const HeldMail = t.readonly(
  t.type({
    mailId: GatewayMailId,
    threadId: ConversationId,
    /** Why it waits: `unauthenticated`, or `stranger` for who takes no part in the conversation. */
    reason: nullable(t.string),
    /** Whom it claims to be from, where that is someone of the conversation. */
    userId: nullable(UserId),
    from: nullable(t.readonly(t.type({ name: nullable(t.string), email: t.string }))),
    subject: nullable(t.string),
    preview: nullable(t.string),
    receivedAt: Timestamp,
  }),
);
export type HeldMail = t.TypeOf<typeof HeldMail>;

export const GatewayStats = t.readonly(
  t.type({
    inboundEnabled: t.boolean,
    outboundEnabled: t.boolean,
    /** When an IMAP account was last fetched from; elsewhere when the last mail came in. */
    lastSync: nullable(Timestamp),
    /** Of this day in UTC. */
    processedToday: int(0),
    failedToday: int(0),
  }),
);

export const Success = t.readonly(t.type({ success: t.literal(true), message: t.string }));

const shared = { tag: 'Gateway' } as const;
const mailParams = t.readonly(t.type({ mailId: GatewayMailId }));
const ofConversation = t.readonly(t.type({ threadId: ConversationId }));

export const addEmailParticipant = defineRoute({
  ...shared,
  id: 'addEmailParticipant',
  method: 'POST',
  path: '/api/rooms/{roomId}/email-participants',
  summary:
    'Takes somebody into a group who writes by mail: they get its messages by mail, and their answers become messages. They are a member like others, and leave or are removed as such.',
  params: t.readonly(t.type({ roomId: RoomId })),
  body: AddEmailParticipant,
  response: EmailParticipant,
  errors: [403, 409],
});

export const listMappings = defineRoute({
  ...shared,
  id: 'listMappings',
  method: 'GET',
  path: '/gateway/mappings',
  summary: 'The mails of a conversation (a room or a mail thread), the oldest first; none of one that is unknown or not yours.',
  query: ofConversation,
  response: t.readonlyArray(EmailThreadMapping),
});

export const listHeldMails = defineRoute({
  ...shared,
  id: 'listHeldMails',
  method: 'GET',
  path: '/gateway/held',
  summary:
    'Mails of a conversation that wait for a member, because nothing proves who wrote them; none of one that is unknown or not yours.',
  query: ofConversation,
  response: t.readonlyArray(HeldMail),
});

export const confirmHeldMail = defineRoute({
  ...shared,
  id: 'confirmHeldMail',
  method: 'POST',
  path: '/gateway/held/{mailId}/confirm',
  summary: 'Vouches for a held mail: it is posted. One that claims to be from a member can be confirmed by that member alone.',
  params: mailParams,
  errors: [403, 404, 409],
});

export const refuseHeldMail = defineRoute({
  ...shared,
  id: 'refuseHeldMail',
  method: 'POST',
  path: '/gateway/held/{mailId}/refuse',
  summary: 'Refuses a held mail: it goes no further, and its bytes are removed.',
  params: mailParams,
  errors: [404, 409],
});

export const getGatewayMail = defineRoute({
  ...shared,
  id: 'getGatewayMail',
  method: 'GET',
  path: '/gateway/mails/{mailId}/raw',
  summary: 'The whole mail behind a message, with what was quoted, as it came (`message/rfc822`). For members of its conversation.',
  params: mailParams,
  response: t.string,
  produces: 'rfc822',
  errors: [404],
});

export const getGatewayStats = defineRoute({
  ...shared,
  id: 'getGatewayStats',
  method: 'GET',
  path: '/gateway/stats',
  summary: 'What the gateway does, and how much of it today (UTC). A mail counts once, however often it came.',
  response: GatewayStats,
});

export const syncGateway = defineRoute({
  ...shared,
  id: 'syncGateway',
  method: 'POST',
  path: '/gateway/sync',
  summary: 'Fetches new mail from the IMAP account at once; 409 where there is none.',
  response: Success,
  errors: [409],
});

export const gatewayRoutes: readonly Route[] = [
  addEmailParticipant,
  listMappings,
  listHeldMails,
  confirmHeldMail,
  refuseHeldMail,
  getGatewayMail,
  getGatewayStats,
  syncGateway,
];
