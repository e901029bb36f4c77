/** One example per event type: for the golden files and the catalogue. A new type does not compile until it has one. */
import { derivedId, type BlobId, type Id } from '../ids.ts';
import { timestamp } from '../time.ts';
import type { EventType, TidingsEvent } from './index.ts';

type DataOf<T extends EventType> = Extract<TidingsEvent, { readonly type: T }>['data'];

const id = <I extends Id<string>>(name: string): I => derivedId<I>('sample', name);
const blob = (digit: string): BlobId => digit.repeat(64) as BlobId;

const [ada, grace] = [id<Id<'UserId'>>('Ada'), id<Id<'UserId'>>('Grace')];
const roomId = id<Id<'RoomId'>>('room');
const [firstMessage, secondMessage] = [id<Id<'MessageId'>>('first message'), id<Id<'MessageId'>>('second message')];
const mailboxId = id<Id<'MailboxId'>>('mailbox');
const emailId = id<Id<'EmailId'>>('email');
const subscriptionId = id<Id<'SubscriptionId'>>('subscription');
const webhookId = id<Id<'WebhookId'>>('webhook');
const reportId = id<Id<'ReportId'>>('report');
const threadId = id<Id<'ThreadId'>>('thread');
const commentId = id<Id<'CommentId'>>('comment');
const labelId = id<Id<'LabelId'>>('label');
const outbound = { emailId, mailboxId, threadId };
const attempt = { ...outbound, attemptId: id<Id<'AttemptId'>>('attempt') };
const draftId = id<Id<'DraftId'>>('draft');
const conversationId = id<Id<'ConversationId'>>('room');
const gatewayMailId = id<Id<'GatewayMailId'>>('gateway mail');
const importId = id<Id<'ImportId'>>('import');
const counts = { total: 1200, done: 250, filed: 240, duplicates: 9, failed: 1 };

const envelope = { mailFrom: 'grace@example.org', rcptTo: ['ada@tidings.test'], helo: 'mx.example.org', clientAddress: '192.0.2.7' };
const removal = { threadId, mailboxId, emailIds: [emailId], bytes: 1843 };
const person = (name: string | null, email: string) => ({ name, email });

export const samples: { readonly [T in EventType]: DataOf<T> } = {
  UserRegistered: { userId: ada, displayName: 'Ada Lovelace', email: 'ada@tidings.test', role: 'USER' },
  UserProfileChanged: {
    userId: ada,
    displayName: 'Ada King',
    description: 'Countess of Lovelace 🧮',
    profilePicture: 'https://example.org/ada.png',
    role: 'ADMIN',
  },
  UserIdentityNoted: { userId: ada, displayName: 'Ada Byron', role: null },
  SubjectErased: { userId: grace, by: ada },
  FriendshipRequested: { by: ada, to: grace },
  FriendshipAccepted: { by: grace, to: ada },
  FriendshipRejected: { by: grace, to: ada },
  FriendshipEnded: { by: ada, to: grace },
  UserBlocked: { by: ada, to: grace },
  UserUnblocked: { by: ada, to: grace },
  RoomCreated: { roomId, roomType: 'Group', name: 'Analytical Engine', createdBy: ada, members: [ada, grace] },
  RoomJoined: { roomId, userId: grace, invitedBy: ada },
  RoomLeft: { roomId, roomType: 'Group', userId: grace, by: ada },
  RoomClosed: { roomId },
  RoomRenamed: { roomId, name: 'Difference Engine No. 2', by: ada },
  RoomImageChanged: { roomId, by: ada, image: { blobId: blob('d'), size: 20480, mimeType: 'image/jpeg' } },
  MemberRoleChanged: { roomId, userId: grace, role: 'admin', by: ada },
  MessagePinned: { roomId, messageId: firstMessage, by: ada },
  MessageUnpinned: { roomId, messageId: firstMessage, by: grace },
  MessageSent: {
    roomId,
    messageId: secondMessage,
    senderId: grace,
    body: {
      type: 'Reply',
      text: 'It is easier to ask forgiveness than permission.',
      quoted: { messageId: firstMessage, senderId: ada, createdAt: timestamp(0), body: { type: 'Text', text: 'May we?' } },
    },
    mentions: [ada],
    threadId: firstMessage,
  },
  MediaShown: { roomId, messageId: firstMessage, senderId: ada, mediaId: id<Id<'MediaId'>>('media') },
  MessageEdited: { roomId, messageId: firstMessage, senderId: ada, body: { type: 'Text', text: 'May we, @Grace?' }, mentions: [grace] },
  MessageDeleted: { roomId, messageId: firstMessage, senderId: ada, deletedBy: grace },
  ReactionAdded: { roomId, messageId: firstMessage, userId: grace, emoji: '👩🏽‍💻' },
  ReactionRemoved: { roomId, messageId: firstMessage, userId: grace, emoji: ':ship_it:' },
  RoomRead: { roomId, userId: ada, upToSeq: 2, upTo: secondMessage },
  RoomDelivered: { roomId, userId: ada, upToSeq: 2, upTo: secondMessage },
  MediaUploaded: {
    mediaId: id<Id<'MediaId'>>('media'),
    uploadedBy: ada,
    blobId: blob('e'),
    mimeType: 'image/webp',
    size: 40960,
    width: 640,
    height: 480,
    name: 'Nœud.webp',
  },
  NotificationSent: { notificationId: id<Id<'NotificationId'>>('notification'), toUser: ada, message: { kind: 'invoice', due: [1, null] } },
  PushSubscribed: {
    subscriptionId,
    userId: ada,
    endpoint: 'https://push.example.net/wpush/v2/gAAAA',
    keys: { p256dh: 'BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcx', auth: 'BTBZMqHH6r4Tts7J_aSIgg' },
  },
  PushUnsubscribed: { subscriptionId, userId: ada },
  MailPolicySet: { userId: ada, roomId, policy: 'digest', by: 'user' },
  DigestTimesSet: { userId: ada, timeZone: 'Europe/London', times: ['08:00', '17:30'] },
  MailingPlanned: {
    ...{ roomId, messageId: firstMessage, senderId: ada },
    recipients: [{ userId: grace, policy: 'at-once', dueAt: timestamp(10_000) }],
  },
  MessageMailed: { roomId, messageId: firstMessage, userId: grace, emailId },
  MessageNotMailed: { roomId, messageId: firstMessage, userId: grace, because: 'read' },
  MessageMailStatusChanged: { roomId, messageId: firstMessage, userId: grace, emailId, status: 'delivered' },
  WebhookRegistered: {
    webhookId,
    url: 'https://example.org/hooks/tidings',
    events: ['MessageSent', 'RoomCreated'],
    secret: 'c2VjcmV0LW9mLWEtc2FtcGxl',
    by: ada,
  },
  WebhookRemoved: { webhookId, by: grace },
  MessageReported: { reportId, roomId, messageId: firstMessage, senderId: ada, reportedBy: grace, reason: 'Advertising' },
  ReportResolved: { reportId, by: ada, outcome: 'dismissed' },
  ReplyAddressIssued: { conversationId, number: 1, userId: grace, address: 'grace@example.org', outsider: true },
  ReplyAddressRevoked: { conversationId, number: 1, userId: grace, by: ada },
  MailMapped: {
    conversationId,
    direction: 'in',
    userId: grace,
    emailMessageId: '<answer@example.org>',
    senderEmail: 'grace@example.org',
    subjectNormalized: 'analytical engine',
    replyToToken: 'x4q2zd…',
    strategy: 'token',
    sureness: 'certain',
    disagreeing: [{ strategy: 'references', conversationId: id<Id<'ConversationId'>>('another room') }],
    messageId: secondMessage,
    mailId: gatewayMailId,
  },
  GatewayMailReceived: {
    ...{ mailId: gatewayMailId, door: 'smtp', blobId: blob('e'), size: 2048, senderId: grace },
    envelope: { ...envelope, rcptTo: ['reply+token@inbox.tidings.test'] },
    said: { spf: 'pass', dkim: 'pass', dmarc: 'pass', arc: 'none', verdict: 'pass' },
    emailId,
  },
  GatewayMailClaimed: { mailId: gatewayMailId, contentHash: 'f'.repeat(64), messageIdReused: false },
  GatewayMailSettled: {
    ...{
      mailId: gatewayMailId,
      senderId: grace,
      outcome: 'held',
      reason: 'unauthenticated',
      conversationId,
      userId: grace,
      messageIds: [],
    },
    claim: { name: 'Grace Hopper', email: 'grace@example.org', subject: 'Re: Analytical Engine', preview: 'Yes, it can.' },
  },
  HeldMailConfirmed: { mailId: gatewayMailId, senderId: grace, by: ada },
  HeldMailRefused: { mailId: gatewayMailId, senderId: grace, by: ada },
  AddressClaimed: { mailboxId, address: 'ada@tidings.test' },
  AddressReleased: { mailboxId, address: 'ada@tidings.test' },
  MailboxOpened: { mailboxId, kind: 'personal', address: 'ada@tidings.test', name: 'Ada Lovelace' },
  MailboxRenamed: { mailboxId, name: 'Ada King' },
  MailboxMemberSet: { mailboxId, userId: ada, role: 'admin' },
  MailboxMemberRemoved: { mailboxId, userId: grace },
  SenderBlocked: { mailboxId, sender: 'spam.example', by: ada },
  SenderUnblocked: { mailboxId, sender: 'spam.example', by: ada },
  MailboxQuotaSet: { mailboxId, bytes: 5_000_000_000, by: ada },
  MailboxClosed: { mailboxId, by: ada },
  ContactSaved: { mailboxId, contactId: id<Id<'ContactId'>>('contact'), email: 'grace@navy.example', name: 'Grace Hopper', by: ada },
  ContactRemoved: { mailboxId, contactId: id<Id<'ContactId'>>('contact'), by: ada },
  DomainAdminAdded: { domain: 'tidings.test', userId: grace, by: ada },
  DomainAdminRemoved: { domain: 'tidings.test', userId: grace, by: ada },
  EmailReceived: { emailId, blobId: blob('a'), size: 1843, recipients: [{ mailboxId, envelope }] },
  FilingDecided: { mailboxId, emailId, outcome: { type: 'thread', threadId, by: 'references' } },
  EmailQueued: {
    ...outbound,
    rawBlobId: blob('f'),
    size: 2048,
    messageId: '0193b6f2-2b51-7c4d-9a33-6a2f6f0f3c11@tidings.test',
    envelopeFrom: 'ada@tidings.test',
    recipients: [
      { address: 'grace@navy.example', kind: 'to' },
      { address: 'Øyvind@example.org', kind: 'bcc' },
    ],
    recipientCount: 2,
    queuedBy: ada,
  },
  TransmissionBegun: { ...attempt, recipients: [0, 1], host: 'mx.navy.example', leaseToken: '7' },
  RecipientsDelivered: {
    ...{ ...attempt, recipients: [0], host: 'mx.navy.example', tls: 'TLSv1.3 dane' },
    ...{ reply: '250 2.0.0 Ok: queued as 4Xz', enhancedCode: '2.0.0' },
  },
  RecipientsDeliveredInternally: { ...attempt, recipients: [1], receivedAs: id<Id<'EmailId'>>('received email') },
  RecipientsDeferred: {
    ...{ ...attempt, recipients: [1], host: 'mx.example.org', reply: '450 4.2.0 Greylisted, see you later', enhancedCode: '4.2.0' },
    ...{ retryAt: timestamp(900_000), attempted: true },
  },
  RecipientsFailed: {
    ...{ ...attempt, recipients: [1], host: 'mx.example.org' },
    ...{ reply: '550 5.1.1 <Øyvind@example.org> is not known here', enhancedCode: '5.1.1' },
  },
  RecipientsOutcomeUnknown: { ...attempt, recipients: [0], reply: 'The connection broke before the reply.', retryAt: null },
  RecipientsRetried: { ...outbound, recipients: [1], by: ada },
  RecipientsCancelled: { ...outbound, recipients: [1], by: grace },
  RecipientsDismissed: { ...outbound, recipients: [0], by: ada },
  RecipientsReported: {
    ...{ ...outbound, recipients: [1], reportId: id<Id<'EmailId'>>('report'), reportBlobId: blob('9'), fate: 'failed', moves: true },
    ...{ host: 'mx.example.org', reply: '550 5.2.2 <Øyvind@example.org> has no room', enhancedCode: '5.2.2' },
  },
  RecipientsAcknowledged: {
    ...{ ...outbound, recipients: [0], reportId: id<Id<'EmailId'>>('report'), reportBlobId: blob('9') },
    ...{ disposition: 'displayed', isAutomatic: false },
  },
  RecipientsComplained: {
    ...{ ...outbound, recipients: [0], reportId: id<Id<'EmailId'>>('report'), reportBlobId: blob('9'), feedback: 'abuse' },
  },
  EmailFiled: {
    threadId,
    mailboxId,
    emailId,
    blobId: blob('a'),
    bodyBlobId: blob('b'),
    size: 1843,
    direction: 'in',
    place: 'inbox',
    startsThread: true,
    messageIdReused: false,
    envelope,
    content: {
      messageId: 'compiler@example.org',
      inReplyTo: [],
      references: [],
      from: [person('Grace Hopper', 'grace@example.org')],
      to: [person(null, 'ada@tidings.test')],
      cc: [],
      subject: 'Der Übersetzer läuft',
      sentAt: '1952-05-01T09:00:00.000Z',
      preview: 'Nobody believed that…',
      hasAttachments: true,
    },
    imported: { importId, receivedAt: timestamp(0), keywords: { $seen: true, $flagged: true }, starred: true, labels: [labelId] },
  },
  ThreadRead: { threadId, mailboxId, upTo: emailId, by: ada },
  EmailsMoved: { threadId, mailboxId, emailIds: [emailId], place: 'archive', by: ada },
  ThreadStarred: { threadId, mailboxId, starred: true, by: ada },
  ThreadLabelled: { threadId, mailboxId, labelId, labelled: true, by: ada },
  ThreadAssigned: { threadId, mailboxIds: [mailboxId], userId: grace, by: ada },
  ThreadUnassigned: { threadId, mailboxIds: [mailboxId], userId: grace, by: null },
  EmailKeywordsSet: { threadId, mailboxId, emailId, set: { $seen: false, $flagged: true }, by: ada },
  ThreadShared: { threadId, mailboxId, role: 'viewer', assignees: [grace], heldBy: [id<Id<'MailboxId'>>('other mailbox')], by: ada },
  EmailsDestroyed: { ...removal, left: 0, remainder: null, heldBy: [], by: null },
  EmailsSplitOff: {
    ...{ ...removal, into: id<Id<'ThreadId'>>('split thread'), by: ada },
    ...{
      left: 1,
      remainder: { snippet: 'Nobody believed that…', participants: [person(null, 'grace@example.org')], hasAttachments: false },
    },
    heldBy: [mailboxId],
  },
  ThreadSplitOff: { threadId, from: id<Id<'ThreadId'>>('whole thread'), mailboxIds: [mailboxId], by: ada },
  ThreadUnshared: { threadId, mailboxId, heldBy: [id<Id<'MailboxId'>>('other mailbox')], by: ada },
  CommentPosted: {
    ...{ commentId, threadId, mailboxIds: [mailboxId], by: ada, content: 'Can you take this one, Grace?', mentions: [grace] },
    postedAt: timestamp(0),
  },
  CommentEdited: { commentId, threadId, mailboxIds: [mailboxId], by: ada, content: 'I take this one.', mentions: [] },
  CommentDeleted: { commentId, threadId, mailboxIds: [mailboxId], by: ada },
  LabelCreated: {
    mailboxId,
    labelId,
    name: 'Bâtiments/Écoles',
    color: '#E3E3FD',
    description: 'Toits, portes, chauffage',
    auto: false,
    by: ada,
  },
  LabelChanged: { mailboxId, labelId, name: 'Travaux/Écoles', color: '#C9E7C1', description: null, auto: true, by: grace },
  LabelDeleted: { mailboxId, labelId, by: ada },
  DraftSaved: {
    ...{ draftId, mailboxId, movedFrom: null, revision: 2, threadId },
    summary: {
      from: person('Ada Lovelace', 'ada@tidings.test'),
      to: [person('Grace Hopper', 'grace@example.org')],
      subject: 'Re: Der Übersetzer läuft',
      preview: 'I do believe it…',
      hasAttachments: true,
    },
    content: {
      from: person('Ada Lovelace', 'ada@tidings.test'),
      to: [person('Grace Hopper', 'grace@example.org')],
      cc: [],
      bcc: [person(null, 'charles@tidings.test')],
      subject: 'Re: Der Übersetzer läuft',
      text: 'I do believe it.',
      html: '<p>I do <b>believe</b> it.</p>',
      attachments: [{ blobId: blob('f'), name: 'Nœud.pdf', type: 'application/pdf', size: 4096, cid: null }],
      inReplyTo: { emailId, threadId, mode: 'reply', messageId: 'compiler@example.org', references: ['first@example.org'] },
      signatureId: id<Id<'TemplateId'>>('signature'),
      unsubscribe: null,
    },
    ...{ contentBlobId: null, blobIds: [blob('f')], releases: [], by: ada },
  },
  DraftDiscarded: { draftId, mailboxId, threadId: null, releases: [blob('f')], by: ada },
  DraftSubmitted: {
    ...{ draftId, mailboxId, submission: 1, revision: 2, emailId, threadId, rawBlobId: blob('a'), size: 5120 },
    ...{ messageId: 'sent@tidings.test', sendAt: timestamp(0), by: ada },
    envelope: { from: 'ada@tidings.test', recipients: [{ address: 'grace@example.org', kind: 'to' }] },
  },
  DraftSendUndone: { draftId, mailboxId, threadId, submission: 1, releases: [blob('a')], by: ada },
  DraftDispatched: { draftId, mailboxId, submission: 2, emailId, threadId, releases: [blob('f')] },
  BlobUploaded: { mailboxId, blobId: blob('f'), size: 4096, type: 'application/pdf', name: 'Nœud.pdf', by: ada },
  UploadForgotten: { mailboxId, blobId: blob('f') },
  ImportRequested: {
    ...{ importId, mailboxId, by: ada, name: 'ada', folders: ['INBOX', 'Sent'] },
    source: { type: 'imap', host: 'imap.example.org', port: 993, tls: 'implicit' },
  },
  ImportPasswordGiven: { importId, password: 'the analytical engine' },
  ImportProgressed: {
    ...{ importId, mailboxId, ...counts, next: 0 },
    folders: [{ name: 'INBOX', uidValidity: '1700000000', lastUid: 250, total: 1200, done: 250 }],
    failures: [{ place: 'INBOX, uid 17', reason: 'larger than 100 MiB' }],
  },
  ImportFinished: { importId, mailboxId, ...counts, total: 250 },
  ImportFailed: {
    ...{ importId, mailboxId, ...counts },
    error: { code: 'login', field: 'imap.password', message: 'The server does not take this user name and password.' },
  },
  ImportCancelled: { importId, mailboxId, ...counts, by: grace },
  AutoreplySet: {
    ...{ mailboxId, isActive: true, by: ada },
    schedule: {
      ...{ type: 'weekly', timeZone: 'Europe/Paris' },
      hours: [{ from: { day: 5, time: '18:00' }, to: { day: 1, time: '08:30' } }],
    },
    content: { subject: 'Closed', text: 'We read this on Monday.', html: '<p>We read this on Monday.</p>' },
  },
  AutoreplyRemoved: { mailboxId, by: ada },
  ReceiptPolicySet: { mailboxId, policy: 'never', by: ada },
  AutoreplyDecided: { mailboxId, emailId, threadId, at: timestamp(1_800_000_000_000) },
  ReceiptAnswered: { mailboxId, emailId, threadId, sent: true, by: grace },
  TemplateSaved: {
    ...{
      mailboxId,
      templateId: id<Id<'TemplateId'>>('signature'),
      kind: 'signature',
      isActive: true,
      isForced: false,
      isDefault: true,
      by: ada,
    },
    content: { name: 'Formal', subject: '', text: 'Kind regards\n{{name}}', html: '<p>Kind regards<br />{{name}}</p>' },
  },
  TemplateRemoved: { mailboxId, templateId: id<Id<'TemplateId'>>('signature'), by: ada },
  DomainTemplateSaved: {
    ...{ domain: 'tidings.test', templateId: id<Id<'TemplateId'>>('imprint'), kind: 'signature', isActive: true, isForced: true },
    ...{ isDefault: false, by: ada, content: { name: 'Imprint', subject: '', text: 'Town of Tidings', html: '' } },
  },
  DomainTemplateRemoved: { domain: 'tidings.test', templateId: id<Id<'TemplateId'>>('imprint'), by: ada },
  CommandAccepted: { commandId: id<Id<'CommandId'>>('command'), contentHash: 'c'.repeat(64) },
};
