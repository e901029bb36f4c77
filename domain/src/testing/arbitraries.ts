/**
 * Any event, over so few people, rooms and mails that they meet all the time. The record is exhaustive by type: an event type that a
 * decider gets does not compile until it is here, and so comes under the laws.
 */
import type { MessageBody } from '@tidings/contracts/events/message';
import type { DraftContent, DraftSummary, OutgoingEnvelope } from '@tidings/contracts/events/draft';
import type { ImportError, ImportSource } from '@tidings/contracts/events/import';
import type { EmailContent, Envelope } from '@tidings/contracts/events/email';
import { type AttemptId, type ContactId, derivedId } from '@tidings/contracts/ids';
import type { JsonValue } from '@tidings/contracts/ports/event-log';
import { SHREDDED, type Sealed } from '@tidings/contracts/sealed';
import { timestamp } from '@tidings/contracts/time';
import * as fc from 'fast-check';
import type { Arbitrary } from 'fast-check';
import type { AddressEvent } from '../address/events.ts';
import type { ContactEvent } from '../contact/events.ts';
import type { DomainEvent as MailDomainEvent } from '../domain/events.ts';
import type { CommentEvent } from '../comment/events.ts';
import type { DraftEvent } from '../draft/events.ts';
import type { EmailEvent } from '../email/events.ts';
import type { FilingEvent } from '../filing/events.ts';
import type { EmailAddress } from '../mail/address.ts';
import type { FilingOutcome } from '../filing/index.ts';
import type { GatewayMailEvent } from '../gateway-mail/events.ts';
import type { GatewayEvent } from '../gateway/events.ts';
import type { ImportEvent } from '../import/events.ts';
import type { LabelEvent } from '../label/events.ts';
import type { MailboxEvent } from '../mailbox/events.ts';
import type { MailingEvent } from '../mailing/events.ts';
import type { MailClaimEvent } from '../mail-claim/events.ts';
import type { MappingEvent } from '../mapping/events.ts';
import type { MediaEvent } from '../media/events.ts';
import type { MessageEvent } from '../message/events.ts';
import type { AnswerSchedule } from '@tidings/contracts/events/answering';
import type { AnsweredEvent } from '../answered/events.ts';
import type { AnsweringEvent } from '../answering/events.ts';
import type { NoticesEvent } from '../notices/events.ts';
import type { NotificationEvent } from '../notification/events.ts';
import type { OutboundEvent } from '../outbound/events.ts';
import type { PushEvent } from '../push/events.ts';
import type { ReactionEvent } from '../reaction/events.ts';
import type { ReadReceiptEvent } from '../read-receipt/events.ts';
import type { RelationshipEvent } from '../relationship/events.ts';
import type { ReportEvent } from '../report/events.ts';
import type { RoomEvent } from '../room/events.ts';
import type { TemplateEvent } from '../template/events.ts';
import type { ThreadEvent } from '../thread/events.ts';
import type { UploadEvent } from '../upload/events.ts';
import type { UserEvent } from '../user/events.ts';
import type { WebhookEvent } from '../webhook/events.ts';
import {
  blobNo,
  commentNo,
  conversationNo,
  draftNo,
  emailNo,
  gatewayMailNo,
  importNo,
  labelNo,
  mailboxNo,
  mediaNo,
  messageNo,
  notificationNo,
  reportNo,
  roomNo,
  subscriptionNo,
  templateNo,
  threadNo,
  userNo,
  webhookNo,
} from './people.ts';

export type DomainEvent =
  | AddressEvent
  | ContactEvent
  | MailDomainEvent
  | CommentEvent
  | DraftEvent
  | EmailEvent
  | FilingEvent
  | GatewayEvent
  | GatewayMailEvent
  | MailClaimEvent
  | ImportEvent
  | LabelEvent
  | MailboxEvent
  | MailingEvent
  | MappingEvent
  | MediaEvent
  | MessageEvent
  | NoticesEvent
  | NotificationEvent
  | AnsweredEvent
  | AnsweringEvent
  | OutboundEvent
  | PushEvent
  | ReactionEvent
  | ReadReceiptEvent
  | RelationshipEvent
  | ReportEvent
  | RoomEvent
  | TemplateEvent
  | ThreadEvent
  | UploadEvent
  | UserEvent
  | WebhookEvent;
type EventType = DomainEvent['type'];
type DataOf<T extends EventType> = Extract<DomainEvent, { readonly type: T }>['data'];

const few = <A>(numbered: (n: number) => A): Arbitrary<A> => fc.integer({ min: 1, max: 3 }).map(numbered);
export const users = few(userNo);
export const rooms = few(roomNo);
export const messages = few(messageNo);
export const mailboxes = few(mailboxNo);
export const fewEmails = [0, 1, 2].map(emailNo);
export const emails = few(emailNo);
export const threads = few(threadNo);
export const blobs = few(blobNo);
export const media = few(mediaNo);
export const notifications = few(notificationNo);
export const webhooks = few(webhookNo);
export const subscriptions = few(subscriptionNo);
export const reports = few(reportNo);
export const conversations = few(conversationNo);
export const gatewayMails = few(gatewayMailNo);
export const labels = few(labelNo);
export const comments = few(commentNo);
export const drafts = few(draftNo);
export const imports = few(importNo);
export const templates = few(templateNo);
export const templateKinds = fc.constantFrom('message', 'signature');
export const mailDomains = fc.constantFrom('tidings.test', 'town.test');
/** Within an hour of each other, or not. */
export const times = fc.constantFrom(0, 1_000, 3_600_000, 3_600_001).map((ms) => timestamp(ms));
export const someMailboxes = fc.array(mailboxes, { maxLength: 2 });
export const labelNames = fc.constantFrom('a', 'A', 'a/b', 'a / b/c', 'b', 'b/a', '/', 'é/a');
export const colors = fc.constantFrom('#E3E3FD', '#000000');
export const words = fc.constantFrom('Alice', 'Bob', 'a b', 'é', '😀');
export const optionalWords = fc.option(words, { nil: null });
export const seqs = fc.nat({ max: 5 });
export const userRoles = fc.constantFrom('USER', 'ADMIN');
export const roomTypes = fc.constantFrom('Single', 'Group');
export const roomRoles = fc.constantFrom('owner', 'admin', 'member');
export const roomImages = fc.option(fc.record({ blobId: few(blobNo), size: seqs, mimeType: words }), { nil: null });
export const mentions = fc.array(few(userNo), { maxLength: 3 });
export const contacts = few((n) => derivedId<ContactId>('contact', n));
export const mailboxKinds = fc.constantFrom('personal', 'shared');
export const mailboxRoles = fc.constantFrom('viewer', 'editor', 'sender', 'admin');
export const places = fc.constantFrom('inbox', 'archive', 'spam', 'trash', 'sent', 'drafts');
export const accesses = fc.constantFrom('viewer', 'editor');
export const keywords = fc.record(
  { $seen: fc.boolean(), $flagged: fc.boolean(), $answered: fc.boolean(), $forwarded: fc.boolean() },
  { requiredKeys: [] },
);
export const directions = fc.constantFrom('in', 'out');
export const addresses = few((n) => `user${n}@tidings.test` as EmailAddress);

/** So few that many meet, and so many that there are too many of them. */
export const emoji = fc.integer({ min: 0, max: 25 }).map((n) => `:emoji${n % 23}:`);
export const json = fc.constantFrom<JsonValue>(null, 1, 'a', [1, { a: null }], { a: 1, b: [] }, { b: [], a: 1 });
export const pushKeys = fc.record({ p256dh: words, auth: words });
export const eventNames = fc.array(words, { maxLength: 2 });
export const outcomesOfReports = fc.constantFrom('dismissed', 'removed');
export const pixels = fc.option(fc.integer({ min: 1, max: 9 }), { nil: null });

const sealed = <A>(values: Arbitrary<A>): Arbitrary<Sealed<A>> => fc.oneof({ weight: 3, arbitrary: values }, fc.constant(SHREDDED));

const quotable = fc.oneof(
  fc.record({ type: fc.constant('Text'), text: words }),
  fc.record({ type: fc.constant('Media'), mediaUrl: words, mediaType: words, mimeType: optionalWords, altText: optionalWords }),
  fc.record({ type: fc.constant('Reply'), text: words }),
);
export const bodies: Arbitrary<MessageBody> = fc.oneof(
  fc.record({ type: fc.constant('Text'), text: words }),
  fc.record({ type: fc.constant('Media'), mediaUrl: words, mediaType: words, mimeType: optionalWords, altText: optionalWords }),
  fc.record({
    type: fc.constant('Reply'),
    text: words,
    quoted: fc.record({ messageId: messages, senderId: users, createdAt: fc.constant(timestamp(0)), body: quotable }),
  }),
);

export const envelopes: Arbitrary<Envelope> = fc.record({ mailFrom: words, rcptTo: fc.array(words), helo: words, clientAddress: words });
export const recipients = fc.array(fc.record({ mailboxId: mailboxes, envelope: sealed(envelopes) }), { maxLength: 3 });
export const contents: Arbitrary<EmailContent> = fc.record({
  messageId: optionalWords,
  subject: words,
  sentAt: optionalWords,
  preview: words,
  inReplyTo: fc.constant([]),
  references: fc.constant([]),
  from: fc.constant([]),
  to: fc.constant([]),
  cc: fc.constant([]),
  hasAttachments: fc.boolean(),
});
export const contentHashes = fc.constantFrom('1'.repeat(64), '2'.repeat(64));
export const gatewayMailsReceived = fc.record({
  ...{ mailId: gatewayMails, door: fc.constantFrom('smtp', 'webhook', 'imap'), blobId: blobs, size: seqs, senderId: users },
  ...{ envelope: sealed(envelopes), said: fc.constant(null) },
});
const optionalConversations = fc.option(conversations, { nil: null });
export const gatewaySettlements = {
  ...{
    mailId: gatewayMails,
    outcome: fc.constantFrom('posted', 'filed', 'held', 'held', 'duplicate', 'loop', 'refused'),
    reason: optionalWords,
  },
  ...{ conversationId: optionalConversations, userId: fc.option(users, { nil: null }), messageIds: fc.array(messages, { maxLength: 2 }) },
  claim: sealed(fc.option(fc.record({ name: optionalWords, email: words, subject: words, preview: words }), { nil: null })),
};
const heldDecisions = fc.record({ mailId: gatewayMails, senderId: users, by: users });
const strategies = fc.constantFrom('sent', 'token', 'in-reply-to', 'references', 'sender-subject', 'new');
export const mappedMails = fc.record({
  ...{ conversationId: conversations, direction: directions, userId: users, emailMessageId: optionalWords, senderEmail: words },
  ...{ subjectNormalized: words, replyToToken: optionalWords, strategy: strategies, sureness: fc.constantFrom('certain', 'high', 'low') },
  disagreeing: fc.array(fc.record({ strategy: strategies, conversationId: conversations }), { maxLength: 2 }),
  ...{ messageId: fc.option(messages, { nil: null }), mailId: fc.option(gatewayMails, { nil: null }) },
});
export const outcomes: Arbitrary<FilingOutcome> = fc.oneof(
  fc.record({ type: fc.constant('thread'), threadId: threads, by: words }),
  fc.record({ type: fc.constant('duplicate'), of: emails }),
  fc.record({ type: fc.constant('dropped'), by: words }),
  fc.record({ type: fc.constant('report'), of: emails }),
);
export const imported = fc.record({
  ...{ importId: imports, receivedAt: times, keywords, starred: fc.boolean() },
  labels: fc.uniqueArray(labels, { maxLength: 3 }),
});
export const emailsToFile = {
  threadId: threads,
  mailboxId: mailboxes,
  emailId: emails,
  blobId: blobs,
  bodyBlobId: blobs,
  size: seqs,
  direction: directions,
  place: places,
  messageIdReused: fc.boolean(),
  envelope: sealed(fc.option(envelopes, { nil: null })),
  content: sealed(contents),
  imported,
};
/** All but what only imported mail has. */
export const emailFields = [
  ...['threadId', 'mailboxId', 'emailId', 'blobId', 'bodyBlobId', 'size', 'direction', 'place', 'messageIdReused', 'envelope', 'content'],
] as const;

export const emailsToShare = {
  ...{ emailId: emails, blobId: blobs, bodyBlobId: blobs, size: seqs, direction: directions, place: places },
  content: sealed(contents),
  imported,
};

export const attempts = few((n) => derivedId<AttemptId>('attempt', n));
export const recipientNos = fc.array(fc.nat({ max: 3 }), { maxLength: 3 });
export const outboundRecipients = fc.array(fc.record({ address: addresses, kind: fc.constantFrom('to', 'cc', 'bcc') }), { maxLength: 3 });
export const enhancedCodes = fc.constantFrom(null, '5.1.1');
export const mailToSend = {
  ...{ emailId: emails, mailboxId: mailboxes, threadId: threads, rawBlobId: blobs, size: seqs },
  queuedBy: fc.option(users, { nil: null }),
};
export const schedules: Arbitrary<AnswerSchedule> = fc.oneof(
  fc.record({ type: fc.constant('always') }),
  fc.record({ type: fc.constant('range'), from: times, to: times }),
  fc.record({ type: fc.constant('weekly'), timeZone: fc.constant('Europe/Paris'), hours: fc.constant([]) }),
);
export const answerTexts = fc.record({ subject: words, text: words, html: words });
export const receiptPolicies = fc.constantFrom('ask', 'never');
export const fates = fc.constantFrom('failed', 'delayed', 'delivered', 'relayed', 'expanded');
const ofOutbound = { emailId: emails, mailboxId: mailboxes, threadId: threads, recipients: recipientNos };
const attempted = { ...ofOutbound, attemptId: attempts };
const reported = { ...ofOutbound, reportId: emails, reportBlobId: blobs };
const answered = { ...attempted, host: optionalWords, reply: sealed(words), enhancedCode: enhancedCodes };
const addressed = fc.record({ name: optionalWords, email: addresses });
export const draftSummaries: Arbitrary<DraftSummary> = fc.record({
  from: addressed,
  to: fc.constant([]),
  subject: words,
  preview: words,
  hasAttachments: fc.boolean(),
});
export const draftContents: Arbitrary<DraftContent> = fc.record({
  from: addressed,
  to: fc.array(addressed, { maxLength: 1 }),
  cc: fc.constant([]),
  bcc: fc.constant([]),
  subject: words,
  text: words,
  html: fc.constant(''),
  attachments: fc.constant([]),
  inReplyTo: fc.constant(null),
  signatureId: fc.constant(null),
  unsubscribe: fc.constant(null),
});
export const someBlobs = fc.array(blobs, { maxLength: 2 });
export const optionalThreads = fc.option(threads, { nil: null });
export const messageIds = fc.constantFrom('a@tidings.test', 'b@tidings.test');
export const outgoingEnvelopes: Arbitrary<OutgoingEnvelope> = fc.record({ from: addresses, recipients: fc.constant([]) });
export const outgoing = { emailId: emails, rawBlobId: blobs, size: fc.constant(1), messageId: messageIds, sendAt: times };
export const templateTexts = fc.record({ name: words, subject: words, text: words, html: words });
const aTemplate = {
  ...{ templateId: templates, kind: templateKinds, isActive: fc.boolean(), isForced: fc.boolean(), isDefault: fc.boolean(), by: users },
};
const aDraft = { draftId: drafts, mailboxId: mailboxes, threadId: optionalThreads };

export const mediaFields = {
  mediaId: media,
  uploadedBy: users,
  blobId: blobs,
  mimeType: words,
  size: seqs,
  width: pixels,
  height: pixels,
};
export const mailPolicies = fc.constantFrom('at-once', 'digest', 'when-away', 'never');
export const optionalMailPolicies = fc.option(mailPolicies, { nil: null });
export const clockTimes = fc.array(fc.constantFrom('00:00', '08:00', '17:30'), { maxLength: 3 });
export const timeZones = fc.constantFrom('UTC', 'Europe/Paris');
export const mailingRecipients = fc.array(fc.record({ userId: users, policy: mailPolicies, dueAt: times }), { maxLength: 3 });
export const reasonsNotToMail = fc.constantFrom('deleted', 'left');
export const mailedStatuses = fc.constantFrom('queued', 'delivered', 'deferred', 'failed');
const mailedMessage = { roomId: rooms, messageId: messages, userId: users };

const reaction = fc.record({ roomId: rooms, messageId: messages, userId: users, emoji });
const pin = fc.record({ roomId: rooms, messageId: messages, by: users });
const byTo = fc.record({ by: users, to: users });
const label = fc.record({
  ...{ mailboxId: mailboxes, labelId: labels, name: sealed(labelNames), color: colors },
  ...{ description: sealed(optionalWords), auto: fc.boolean(), by: users },
});
const anImport = { importId: imports, mailboxId: mailboxes };
export const importCounts = { total: fc.option(seqs, { nil: null }), done: seqs, filed: seqs, duplicates: seqs, failed: seqs };
export const importSources: Arbitrary<ImportSource> = fc.oneof(
  fc.record({ type: fc.constant('file'), format: fc.constantFrom('mbox', 'eml', 'zip'), blobId: blobs, size: seqs }),
  fc.record({
    ...{ type: fc.constant('imap'), host: words, port: fc.constant(143) },
    tls: fc.constantFrom('implicit', 'starttls', 'none'),
  }),
);
export const importedFolderNames = fc.option(fc.array(words, { maxLength: 2 }), { nil: null });
export const importedFolders = fc.array(fc.record({ name: words, uidValidity: words, lastUid: seqs, total: seqs, done: seqs }), {
  maxLength: 2,
});
export const importFailures = fc.array(fc.record({ place: words, reason: words }), { maxLength: 2 });
export const importErrors: Arbitrary<ImportError> = fc.record({
  code: fc.constantFrom('login', 'file'),
  field: optionalWords,
  message: words,
});
export const importRequest = { ...anImport, by: users, source: importSources };
const aComment = { commentId: comments, threadId: threads, mailboxIds: someMailboxes, by: users };
export const remainders = fc.option(fc.record({ snippet: words, participants: fc.constant([]), hasAttachments: fc.boolean() }), {
  nil: null,
});
const removal = {
  ...{ threadId: threads, mailboxId: mailboxes, emailIds: fc.array(emails, { maxLength: 4 }), bytes: seqs, left: fc.nat(3) },
  ...{ remainder: sealed(remainders), heldBy: someMailboxes },
};
const inThread = { threadId: threads, mailboxId: mailboxes, by: users };

const dataOf: { readonly [T in EventType]: Arbitrary<DataOf<T>> } = {
  UserRegistered: fc.record({
    userId: users,
    displayName: sealed(words),
    email: sealed(fc.option(addresses, { nil: null })),
    role: userRoles,
  }),
  UserProfileChanged: fc.record({
    userId: users,
    displayName: sealed(words),
    description: sealed(optionalWords),
    profilePicture: sealed(optionalWords),
    role: userRoles,
  }),
  UserIdentityNoted: fc.record({
    userId: users,
    displayName: sealed(optionalWords),
    role: fc.option(userRoles, { nil: null }),
  }),
  SubjectErased: fc.record({ userId: users, by: users }),
  FriendshipRequested: byTo,
  FriendshipAccepted: byTo,
  FriendshipRejected: byTo,
  FriendshipEnded: byTo,
  UserBlocked: byTo,
  UserUnblocked: byTo,
  RoomCreated: fc.record({
    roomId: rooms,
    roomType: roomTypes,
    name: sealed(optionalWords),
    createdBy: users,
    members: fc.array(users, { maxLength: 4 }),
  }),
  RoomJoined: fc.record({ roomId: rooms, userId: users, invitedBy: users }),
  RoomLeft: fc.record({ roomId: rooms, roomType: roomTypes, userId: users, by: users }),
  RoomClosed: fc.record({ roomId: rooms }),
  RoomRenamed: fc.record({ roomId: rooms, name: sealed(optionalWords), by: users }),
  RoomImageChanged: fc.record({ roomId: rooms, by: users, image: roomImages }),
  MemberRoleChanged: fc.record({ roomId: rooms, userId: users, role: roomRoles, by: users }),
  MessagePinned: pin,
  MessageUnpinned: pin,
  MessageSent: fc.record({
    roomId: rooms,
    messageId: messages,
    senderId: users,
    body: sealed(bodies),
    mentions,
    threadId: fc.option(messages, { nil: null }),
  }),
  MediaShown: fc.record({ roomId: rooms, messageId: messages, senderId: users, mediaId: media }),
  MessageEdited: fc.record({ roomId: rooms, messageId: messages, senderId: users, body: sealed(bodies), mentions }),
  MessageDeleted: fc.record({ roomId: rooms, messageId: messages, senderId: users, deletedBy: users }),
  RoomRead: fc.record({ roomId: rooms, userId: users, upToSeq: seqs, upTo: fc.option(messages, { nil: null }) }),
  RoomDelivered: fc.record({ roomId: rooms, userId: users, upToSeq: seqs, upTo: messages }),
  ReactionAdded: reaction,
  ReactionRemoved: reaction,
  MediaUploaded: fc.record({ ...mediaFields, name: sealed(optionalWords) }),
  NotificationSent: fc.record({ notificationId: notifications, toUser: users, message: sealed(json) }),
  MailPolicySet: fc.record({
    userId: users,
    roomId: fc.option(rooms, { nil: null }),
    policy: optionalMailPolicies,
    by: fc.constantFrom('user', 'unsubscribe'),
  }),
  DigestTimesSet: fc.record({ userId: users, timeZone: timeZones, times: clockTimes }),
  MailingPlanned: fc.record({ roomId: rooms, messageId: messages, senderId: users, recipients: mailingRecipients }),
  MessageMailed: fc.record({ ...mailedMessage, emailId: emails }),
  MessageNotMailed: fc.record({ ...mailedMessage, because: reasonsNotToMail }),
  MessageMailStatusChanged: fc.record({ ...mailedMessage, emailId: emails, status: mailedStatuses }),
  PushSubscribed: fc.record({ subscriptionId: subscriptions, userId: users, endpoint: sealed(words), keys: sealed(pushKeys) }),
  PushUnsubscribed: fc.record({ subscriptionId: subscriptions, userId: users }),
  WebhookRegistered: fc.record({ webhookId: webhooks, url: words, events: eventNames, secret: sealed(words), by: users }),
  WebhookRemoved: fc.record({ webhookId: webhooks, by: users }),
  ReplyAddressIssued: fc.record({
    ...{
      conversationId: conversations,
      number: fc.constantFrom(1, 2, 65_535),
      userId: users,
      address: sealed(addresses),
      outsider: fc.boolean(),
    },
  }),
  ReplyAddressRevoked: fc.record({
    conversationId: conversations,
    number: fc.constantFrom(1, 2),
    userId: users,
    by: fc.option(users, { nil: null }),
  }),
  MailMapped: mappedMails,
  GatewayMailReceived: gatewayMailsReceived,
  GatewayMailClaimed: fc.record({ mailId: gatewayMails, contentHash: contentHashes, messageIdReused: fc.boolean() }),
  GatewayMailSettled: fc.record({ ...gatewaySettlements, senderId: users }),
  HeldMailConfirmed: heldDecisions,
  HeldMailRefused: heldDecisions,
  MessageReported: fc.record({
    reportId: reports,
    roomId: rooms,
    messageId: messages,
    senderId: users,
    reportedBy: users,
    reason: sealed(words),
  }),
  ReportResolved: fc.record({ reportId: reports, by: users, outcome: outcomesOfReports }),
  AddressClaimed: fc.record({ mailboxId: mailboxes, address: sealed(addresses) }),
  AddressReleased: fc.record({ mailboxId: mailboxes, address: sealed(addresses) }),
  ContactSaved: fc.record({
    mailboxId: mailboxes,
    contactId: contacts,
    email: sealed(addresses),
    name: sealed(fc.option(words, { nil: null })),
    by: users,
  }),
  ContactRemoved: fc.record({ mailboxId: mailboxes, contactId: contacts, by: users }),
  DomainAdminAdded: fc.record({ domain: fc.constant('tidings.test'), userId: users, by: users }),
  DomainAdminRemoved: fc.record({ domain: fc.constant('tidings.test'), userId: users, by: users }),
  MailboxOpened: fc.record({ mailboxId: mailboxes, kind: mailboxKinds, address: sealed(addresses), name: sealed(words) }),
  MailboxRenamed: fc.record({ mailboxId: mailboxes, name: sealed(words) }),
  MailboxMemberSet: fc.record({ mailboxId: mailboxes, userId: users, role: mailboxRoles }),
  MailboxMemberRemoved: fc.record({ mailboxId: mailboxes, userId: users }),
  SenderBlocked: fc.record({ mailboxId: mailboxes, sender: sealed(addresses), by: users }),
  SenderUnblocked: fc.record({ mailboxId: mailboxes, sender: sealed(addresses), by: users }),
  MailboxQuotaSet: fc.record({ mailboxId: mailboxes, bytes: fc.option(fc.nat(3), { nil: null }), by: users }),
  MailboxClosed: fc.record({ mailboxId: mailboxes, by: users }),
  EmailReceived: fc.record({ emailId: emails, blobId: blobs, size: seqs, recipients }),
  FilingDecided: fc.record({ mailboxId: mailboxes, emailId: emails, outcome: outcomes }),
  EmailQueued: fc.record({
    ...{ ...mailToSend, messageId: sealed(words), envelopeFrom: sealed(words), recipients: sealed(outboundRecipients) },
    recipientCount: fc.integer({ min: 1, max: 3 }),
  }),
  TransmissionBegun: fc.record({ ...attempted, host: words, leaseToken: words }),
  RecipientsDelivered: fc.record({ ...answered, host: words, tls: optionalWords }),
  RecipientsDeliveredInternally: fc.record({ ...attempted, receivedAs: emails }),
  RecipientsDeferred: fc.record({ ...answered, retryAt: times, attempted: fc.boolean() }),
  RecipientsFailed: fc.record(answered),
  RecipientsOutcomeUnknown: fc.record({ ...attempted, reply: sealed(words), retryAt: fc.option(times, { nil: null }) }),
  RecipientsRetried: fc.record({ ...ofOutbound, by: users }),
  RecipientsCancelled: fc.record({ ...ofOutbound, by: users }),
  RecipientsDismissed: fc.record({ ...ofOutbound, by: users }),
  AutoreplySet: fc.record({ mailboxId: mailboxes, isActive: fc.boolean(), schedule: schedules, content: sealed(answerTexts), by: users }),
  AutoreplyRemoved: fc.record({ mailboxId: mailboxes, by: users }),
  ReceiptPolicySet: fc.record({ mailboxId: mailboxes, policy: receiptPolicies, by: users }),
  AutoreplyDecided: fc.record({ mailboxId: mailboxes, emailId: emails, threadId: threads, at: times }),
  ReceiptAnswered: fc.record({ mailboxId: mailboxes, emailId: emails, threadId: threads, sent: fc.boolean(), by: users }),
  RecipientsReported: fc.record({
    ...{ ...reported, fate: fates, moves: fc.boolean(), host: optionalWords, reply: sealed(words), enhancedCode: enhancedCodes },
  }),
  RecipientsComplained: fc.record({ ...reported, feedback: words }),
  RecipientsAcknowledged: fc.record({ ...reported, disposition: words, isAutomatic: fc.boolean() }),
  EmailFiled: fc.record({ ...emailsToFile, startsThread: fc.boolean() }, { requiredKeys: [...emailFields, 'startsThread'] }),
  ThreadRead: fc.record({ ...inThread, upTo: fc.option(emails, { nil: null }) }),
  EmailsMoved: fc.record({ ...inThread, emailIds: fc.array(emails, { maxLength: 4 }), place: places }),
  ThreadStarred: fc.record({ ...inThread, starred: fc.boolean() }),
  ThreadLabelled: fc.record({ ...inThread, labelId: labels, labelled: fc.boolean() }),
  EmailKeywordsSet: fc.record({ ...inThread, emailId: emails, set: keywords }),
  ThreadShared: fc.record({ ...inThread, role: accesses, assignees: mentions, heldBy: someMailboxes }),
  EmailsDestroyed: fc.record({ ...removal, by: fc.option(users, { nil: null }) }),
  EmailsSplitOff: fc.record({ ...removal, into: threads, by: users }),
  ThreadSplitOff: fc.record({ threadId: threads, from: threads, mailboxIds: someMailboxes, by: users }),
  ThreadUnshared: fc.record({ ...inThread, heldBy: someMailboxes }),
  ThreadAssigned: fc.record({ threadId: threads, mailboxIds: someMailboxes, userId: users, by: users }),
  ThreadUnassigned: fc.record({ threadId: threads, mailboxIds: someMailboxes, userId: users, by: fc.option(users, { nil: null }) }),
  CommentPosted: fc.record({ ...aComment, content: sealed(words), mentions, postedAt: times }),
  CommentEdited: fc.record({ ...aComment, content: sealed(words), mentions }),
  CommentDeleted: fc.record(aComment),
  DraftSaved: fc.record({
    ...aDraft,
    movedFrom: fc.option(mailboxes, { nil: null }),
    revision: fc.integer({ min: 1, max: 3 }),
    summary: sealed(draftSummaries),
    content: sealed(fc.option(draftContents, { nil: null })),
    contentBlobId: fc.option(blobs, { nil: null }),
    blobIds: someBlobs,
    releases: someBlobs,
    by: users,
  }),
  DraftDiscarded: fc.record({ ...aDraft, releases: someBlobs, by: users }),
  DraftSubmitted: fc.record({
    ...aDraft,
    ...outgoing,
    submission: fc.integer({ min: 1, max: 2 }),
    revision: seqs,
    envelope: sealed(outgoingEnvelopes),
    by: users,
  }),
  DraftSendUndone: fc.record({ ...aDraft, submission: fc.integer({ min: 1, max: 2 }), releases: someBlobs, by: users }),
  DraftDispatched: fc.record({
    ...{ draftId: drafts, mailboxId: mailboxes, submission: fc.integer({ min: 1, max: 2 }), emailId: emails, threadId: threads },
    releases: someBlobs,
  }),
  TemplateSaved: fc.record({ mailboxId: mailboxes, ...aTemplate, content: sealed(templateTexts) }),
  TemplateRemoved: fc.record({ mailboxId: mailboxes, templateId: templates, by: users }),
  DomainTemplateSaved: fc.record({ domain: mailDomains, ...aTemplate, content: templateTexts }),
  DomainTemplateRemoved: fc.record({ domain: mailDomains, templateId: templates, by: users }),
  BlobUploaded: fc.record({ mailboxId: mailboxes, blobId: blobs, size: seqs, type: words, name: sealed(optionalWords), by: users }),
  UploadForgotten: fc.record({ mailboxId: mailboxes, blobId: blobs }),
  LabelCreated: label,
  LabelChanged: label,
  LabelDeleted: fc.record({ mailboxId: mailboxes, labelId: labels, by: users }),
  ImportRequested: fc.record({ ...importRequest, name: sealed(optionalWords), folders: sealed(importedFolderNames) }),
  ImportPasswordGiven: fc.record({ importId: imports, password: sealed(words) }),
  ImportProgressed: fc.record({
    ...{ ...anImport, total: importCounts.total, done: seqs, filed: seqs, duplicates: seqs, failed: seqs, next: seqs },
    ...{ folders: sealed(importedFolders), failures: sealed(importFailures) },
  }),
  ImportFinished: fc.record({ ...anImport, ...importCounts }),
  ImportFailed: fc.record({ ...anImport, ...importCounts, error: importErrors }),
  ImportCancelled: fc.record({ ...anImport, ...importCounts, by: users }),
};

/** Any event of any decider. */
export const events: Arbitrary<DomainEvent> = fc.oneof(
  ...Object.entries(dataOf).map(([type, data]) =>
    // The record above pairs each type with its data; Object.entries forgets the pairing.
    (data as Arbitrary<unknown>).map((value) => ({ type, data: value }) as DomainEvent),
  ),
);
