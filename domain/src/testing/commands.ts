/** Any command of each decider, exhaustive by type; most of them over the same few ids, so that they meet what others left behind. */
import type { MailboxRole } from '@tidings/contracts/events/mailbox';
import type { UserId } from '@tidings/contracts/ids';
import * as fc from 'fast-check';
import type { Arbitrary } from 'fast-check';
import type { AddressCommand } from '../address/index.ts';
import type { ContactCommand } from '../contact/index.ts';
import type { DomainCommand } from '../domain/index.ts';
import type { CommentCommand } from '../comment/index.ts';
import type { DraftCommand } from '../draft/index.ts';
import type { EmailCommand } from '../email/index.ts';
import type { FilingCommand } from '../filing/index.ts';
import type { GatewayMailCommand } from '../gateway-mail/index.ts';
import type { GatewayCommand } from '../gateway/index.ts';
import type { ImportCommand } from '../import/index.ts';
import type { LabelCommand } from '../label/index.ts';
import type { MailboxCommand } from '../mailbox/index.ts';
import type { MailingCommand } from '../mailing/index.ts';
import type { MailClaimCommand } from '../mail-claim/index.ts';
import type { MappingCommand } from '../mapping/index.ts';
import type { MediaCommand } from '../media/index.ts';
import type { AnsweredCommand } from '../answered/index.ts';
import type { AnsweringCommand } from '../answering/index.ts';
import type { MessageCommand } from '../message/index.ts';
import type { NoticesCommand } from '../notices/index.ts';
import type { NotificationCommand } from '../notification/index.ts';
import type { OutboundCommand, OutboundReport, Outcome } from '../outbound/index.ts';
import type { PushCommand } from '../push/index.ts';
import type { ReactionCommand } from '../reaction/index.ts';
import type { ReadReceiptCommand } from '../read-receipt/index.ts';
import type { RelationshipCommand } from '../relationship/index.ts';
import type { ReportCommand } from '../report/index.ts';
import type { RoomCommand } from '../room/index.ts';
import type { TemplateCommand } from '../template/index.ts';
import type { ThreadCommand } from '../thread/index.ts';
import type { UploadCommand } from '../upload/index.ts';
import type { UserCommand } from '../user/index.ts';
import type { WebhookCommand } from '../webhook/index.ts';
import * as any from './arbitraries.ts';

type Fields<Command extends { readonly type: string }> = {
  readonly [Type in Command['type']]: Arbitrary<Omit<Extract<Command, { readonly type: Type }>, 'type'>>;
};

const oneOfThese = <Command extends { readonly type: string }>(fields: Fields<Command>): Arbitrary<Command> =>
  fc.oneof(
    ...Object.entries(fields).map(([type, rest]) =>
      // `Fields` pairs each type with the rest of its command; Object.entries forgets the pairing.
      (rest as Arbitrary<object>).map((values) => ({ type, ...values }) as Command),
    ),
  );

export const userCommands: Arbitrary<UserCommand> = oneOfThese<UserCommand>({
  RegisterUser: fc.record({
    userId: any.users,
    displayName: any.words,
    email: fc.option(any.addresses, { nil: null }),
    role: any.userRoles,
  }),
  ProvideUser: fc.record({
    userId: any.users,
    displayName: any.words,
    email: fc.option(any.addresses, { nil: null }),
    description: any.optionalWords,
    profilePicture: any.optionalWords,
    role: any.userRoles,
  }),
  FollowIdentity: fc.record({ userId: any.users, displayName: any.words, role: any.userRoles }),
  ChangeProfile: fc.record(
    { userId: any.users, displayName: any.words, description: any.optionalWords, profilePicture: any.optionalWords, role: any.userRoles },
    { requiredKeys: ['userId'] },
  ),
  EraseUser: fc.record({ userId: any.users, by: any.users }),
});

export const relationshipCommands: Arbitrary<RelationshipCommand> = fc.record({
  type: fc.constantFrom('RequestFriendship', 'AcceptFriendship', 'RejectFriendship', 'EndFriendship', 'BlockUser', 'UnblockUser'),
  by: any.users,
  to: any.users,
});

const someUsers = fc.array(any.users, { maxLength: 4 });

export const roomCommands: Arbitrary<RoomCommand> = oneOfThese<RoomCommand>({
  CreateRoom: fc.record({
    by: any.users,
    roomType: any.roomTypes,
    name: any.optionalWords,
    invited: someUsers,
    blocked: fc.oneof(fc.constant([]), someUsers),
    groupId: any.rooms,
  }),
  InviteToRoom: fc.record({ roomId: any.rooms, by: any.users, userId: any.users, blocked: fc.boolean() }),
  LeaveRoom: fc.record({ roomId: any.rooms, userId: any.users }),
  ReopenRoom: fc.record({ roomId: any.rooms, userId: any.users, by: any.users }),
  RenameRoom: fc.record({ roomId: any.rooms, by: any.users, name: any.optionalWords }),
  ChangeRoomImage: fc.record({ roomId: any.rooms, by: any.users, image: any.roomImages }),
  RemoveMember: fc.record({ roomId: any.rooms, by: any.users, userId: any.users }),
  SetMemberRole: fc.record({ roomId: any.rooms, by: any.users, userId: any.users, role: any.roomRoles }),
  PinMessage: fc.record({
    roomId: any.rooms,
    by: any.users,
    messageId: any.messages,
    messageExists: fc.boolean(),
    isBlocked: fc.boolean(),
  }),
  UnpinMessage: fc.record({ roomId: any.rooms, by: any.users, messageId: any.messages, isBlocked: fc.boolean() }),
  UnpinDeleted: fc.record({ roomId: any.rooms, by: any.users, messageId: any.messages }),
});

/** Facts that mostly allow what is commanded, so that lives get long. */
const mostly = fc.constantFrom(true, true, true, false);
const mostlyNone = fc.oneof(fc.constant([]), any.mentions);

export const messageCommands: Arbitrary<MessageCommand> = oneOfThese<MessageCommand>({
  SendMessage: fc.record({
    roomId: any.rooms,
    messageId: any.messages,
    senderId: any.users,
    body: any.bodies,
    mentions: any.mentions,
    notMembers: mostlyNone,
    threadId: fc.option(any.messages, { nil: null }),
    threadRoot: fc.constantFrom('message', 'in-thread', 'none'),
    isMember: fc.boolean(),
    isBlocked: fc.boolean(),
  }),
  EditMessage: fc.record({
    roomId: any.rooms,
    messageId: any.messages,
    by: any.users,
    text: any.words,
    mentions: fc.option(any.mentions, { nil: null }),
    notMembers: mostlyNone,
    isMember: fc.boolean(),
    isBlocked: fc.boolean(),
  }),
  DeleteMessage: fc.record({
    roomId: any.rooms,
    messageId: any.messages,
    by: any.users,
    isMember: fc.boolean(),
    mayModerate: fc.boolean(),
  }),
});

export const reactionCommands: Arbitrary<ReactionCommand> = fc.record({
  type: fc.constantFrom('AddReaction', 'AddReaction', 'RemoveReaction'),
  roomId: any.rooms,
  messageId: any.messages,
  userId: any.users,
  emoji: any.emoji,
  isMember: mostly,
  messageExists: mostly,
  isBlocked: fc.boolean(),
});

export const notificationCommands: Arbitrary<NotificationCommand> = oneOfThese<NotificationCommand>({
  SendNotification: fc.record({ notificationId: any.notifications, toUser: any.users, message: any.json }),
});

export const mediaCommands: Arbitrary<MediaCommand> = oneOfThese<MediaCommand>({
  UploadMedia: fc.record({ ...any.mediaFields, name: any.optionalWords }),
});

export const webhookCommands: Arbitrary<WebhookCommand> = oneOfThese<WebhookCommand>({
  RegisterWebhook: fc.record({
    webhookId: any.webhooks,
    mailboxId: fc.option(any.mailboxes, { nil: null }),
    url: any.words,
    events: any.eventNames,
    secret: any.words,
    by: any.users,
  }),
  RemoveWebhook: fc.record({ webhookId: any.webhooks, by: any.users }),
});

export const noticesCommands: Arbitrary<NoticesCommand> = oneOfThese<NoticesCommand>({
  SetMailPolicy: fc.record({ userId: any.users, roomId: fc.option(any.rooms, { nil: null }), policy: any.optionalMailPolicies }),
  Unsubscribe: fc.record({ userId: any.users, roomId: any.rooms }),
  SetDigestTimes: fc.record({ userId: any.users, timeZone: any.timeZones, times: any.clockTimes }),
});

export const mailingCommands: Arbitrary<MailingCommand> = oneOfThese<MailingCommand>({
  PlanMailing: fc.record({ roomId: any.rooms, messageId: any.messages, senderId: any.users, recipients: any.mailingRecipients }),
  Mail: fc.record({
    ...{ roomId: any.rooms, messageId: any.messages, userId: any.users, emailId: any.emails },
    insteadOf: fc.option(any.emails, { nil: null }),
  }),
  DoNotMail: fc.record({ roomId: any.rooms, messageId: any.messages, userId: any.users, because: any.reasonsNotToMail }),
  RecordMailStatus: fc.record({
    ...{ roomId: any.rooms, messageId: any.messages, userId: any.users },
    ...{ emailId: any.emails, status: any.mailedStatuses },
  }),
});
export const gatewayCommands: Arbitrary<GatewayCommand> = oneOfThese<GatewayCommand>({
  IssueReplyAddress: fc.record({ conversationId: any.conversations, userId: any.users, address: any.addresses, outsider: fc.boolean() }),
  RevokeReplyAddress: fc.record({ conversationId: any.conversations, userId: any.users, by: fc.option(any.users, { nil: null }) }),
});

export const gatewayMailCommands: Arbitrary<GatewayMailCommand> = oneOfThese<GatewayMailCommand>({
  ReceiveGatewayMail: fc.record({ mail: any.gatewayMailsReceived }),
  SettleGatewayMail: fc.record({
    settled: fc.record(any.gatewaySettlements),
    mapped: fc.option(any.mappedMails, { nil: null }),
  }),
  ConfirmHeldMail: fc.record({ mailId: any.gatewayMails, by: any.users }),
  RefuseHeldMail: fc.record({ mailId: any.gatewayMails, by: any.users }),
});

export const mailClaimCommands: Arbitrary<MailClaimCommand> = oneOfThese<MailClaimCommand>({
  ClaimMail: fc.record({ mailId: any.gatewayMails, contentHash: any.contentHashes }),
});

export const mappingCommands: Arbitrary<MappingCommand> = oneOfThese<MappingCommand>({ MapMail: fc.record({ mail: any.mappedMails }) });

export const pushCommands: Arbitrary<PushCommand> = oneOfThese<PushCommand>({
  SubscribeToPush: fc.record({ subscriptionId: any.subscriptions, userId: any.users, endpoint: any.words, keys: any.pushKeys }),
  UnsubscribeFromPush: fc.record({ subscriptionId: any.subscriptions, userId: any.users }),
});

export const reportCommands: Arbitrary<ReportCommand> = oneOfThese<ReportCommand>({
  ReportMessage: fc.record({
    roomId: any.rooms,
    messageId: any.messages,
    senderId: fc.option(any.users, { nil: null }),
    reportedBy: any.users,
    reason: any.words,
    isMember: mostly,
  }),
  ResolveReport: fc.record({ reportId: any.reports, by: any.users, outcome: any.outcomesOfReports }),
});

export const readReceiptCommands: Arbitrary<ReadReceiptCommand> = oneOfThese<ReadReceiptCommand>({
  MarkRoomRead: fc.record({
    roomId: any.rooms,
    userId: any.users,
    upToSeq: any.seqs,
    upTo: fc.option(any.messages, { nil: null }),
    isMember: fc.boolean(),
  }),
  MarkRoomDelivered: fc.record({
    roomId: any.rooms,
    userId: any.users,
    upToSeq: any.seqs,
    upTo: any.messages,
    isMember: fc.boolean(),
  }),
});

const members: Arbitrary<readonly { readonly userId: UserId; readonly role: MailboxRole }[]> = fc.uniqueArray(
  fc.record({ userId: any.users, role: any.mailboxRoles }),
  { maxLength: 3, selector: ({ userId }) => userId },
);

export const mailboxCommands: Arbitrary<MailboxCommand> = oneOfThese<MailboxCommand>({
  OpenMailbox: fc.record({ mailboxId: any.mailboxes, kind: any.mailboxKinds, address: any.addresses, name: any.words, members }),
  RenameMailbox: fc.record({ mailboxId: any.mailboxes, name: any.words }),
  SetMailboxMember: fc.record({ mailboxId: any.mailboxes, userId: any.users, role: any.mailboxRoles }),
  RemoveMailboxMember: fc.record({ mailboxId: any.mailboxes, userId: any.users }),
  RemoveErasedMember: fc.record({ mailboxId: any.mailboxes, userId: any.users }),
  BlockSender: fc.record({ mailboxId: any.mailboxes, sender: any.addresses, by: any.users }),
  UnblockSender: fc.record({ mailboxId: any.mailboxes, sender: any.addresses, by: any.users }),
  SetMailboxQuota: fc.record({ mailboxId: any.mailboxes, bytes: fc.option(fc.nat(3), { nil: null }), by: any.users }),
  CloseMailbox: fc.record({ mailboxId: any.mailboxes, by: any.users }),
});

const inContacts = { mailboxId: any.mailboxes, contactId: any.contacts, by: any.users };
export const contactCommands: Arbitrary<ContactCommand> = oneOfThese<ContactCommand>({
  SaveContact: fc.record({ ...inContacts, email: any.addresses, name: fc.option(any.words, { nil: null }) }),
  RemoveContact: fc.record(inContacts),
});

const domainAdmin = { domain: fc.constant('tidings.test'), userId: any.users, by: any.users };
export const domainCommands: Arbitrary<DomainCommand> = oneOfThese<DomainCommand>({
  AddDomainAdmin: fc.record(domainAdmin),
  RemoveDomainAdmin: fc.record(domainAdmin),
});

export const addressCommands: Arbitrary<AddressCommand> = oneOfThese<AddressCommand>({
  ClaimAddress: fc.record({ address: any.addresses, mailboxId: any.mailboxes }),
  ReleaseAddress: fc.record({ address: any.addresses, mailboxId: any.mailboxes }),
});

export const emailCommands: Arbitrary<EmailCommand> = oneOfThese<EmailCommand>({
  ReceiveEmail: fc.record(
    { emailId: any.emails, blobId: any.blobs, size: any.seqs, recipients: any.recipients, origin: fc.constant('internal') },
    { requiredKeys: ['emailId', 'blobId', 'size', 'recipients'] },
  ),
});

export const answeringCommands: Arbitrary<AnsweringCommand> = oneOfThese<AnsweringCommand>({
  SetAutoreply: fc.record({
    mailboxId: any.mailboxes,
    isActive: fc.boolean(),
    schedule: any.schedules,
    content: any.answerTexts,
    by: any.users,
  }),
  RemoveAutoreply: fc.record({ mailboxId: any.mailboxes, by: any.users }),
  SetReceiptPolicy: fc.record({ mailboxId: any.mailboxes, policy: any.receiptPolicies, by: any.users }),
});

export const answeredCommands: Arbitrary<AnsweredCommand> = oneOfThese<AnsweredCommand>({
  Autoreply: fc.record({ mailboxId: any.mailboxes, emailId: any.emails, threadId: any.threads, at: any.times }),
  AnswerReceipt: fc.record({ mailboxId: any.mailboxes, emailId: any.emails, threadId: any.threads, sent: fc.boolean(), by: any.users }),
});

export const filingCommands: Arbitrary<FilingCommand> = oneOfThese<FilingCommand>({
  DecideFiling: fc.record({ mailboxId: any.mailboxes, emailId: any.emails, outcome: any.outcomes }),
});

const oneLabel = { mailboxId: any.mailboxes, labelId: any.labels, by: any.users };

export const labelCommands: Arbitrary<LabelCommand> = oneOfThese<LabelCommand>({
  CreateLabel: fc.record({
    ...oneLabel,
    name: any.labelNames,
    color: any.colors,
    description: any.optionalWords,
    auto: fc.boolean(),
  }),
  ChangeLabel: fc.record({
    ...oneLabel,
    operation: any.words,
    changes: fc.record(
      { name: any.labelNames, color: any.colors, description: any.optionalWords, auto: fc.boolean() },
      { requiredKeys: [] },
    ),
  }),
  DeleteLabel: fc.record(oneLabel),
});

const byAuthor = { commentId: any.comments, threadId: any.threads, mailboxIds: any.someMailboxes, by: any.users, at: any.times };
const words = { content: any.words, mentions: any.mentions };

export const importCommands: Arbitrary<ImportCommand> = oneOfThese<ImportCommand>({
  RequestImport: fc.record({
    request: fc.record({ ...any.importRequest, name: any.optionalWords, folders: any.importedFolderNames }),
    password: any.optionalWords,
  }),
  RecordProgress: fc.record({
    ...{ importId: any.imports, mailboxId: any.mailboxes, counts: fc.record(any.importCounts), next: any.seqs },
    ...{ folders: any.importedFolders, failures: any.importFailures },
  }),
  FinishImport: fc.record({ importId: any.imports, mailboxId: any.mailboxes }),
  FailImport: fc.record({ importId: any.imports, mailboxId: any.mailboxes, error: any.importErrors }),
  CancelImport: fc.record({ importId: any.imports, mailboxId: any.mailboxes, by: any.users }),
});

export const commentCommands: Arbitrary<CommentCommand> = oneOfThese<CommentCommand>({
  PostComment: fc.record({ ...byAuthor, ...words }),
  EditComment: fc.record({ ...byAuthor, ...words }),
  DeleteComment: fc.record(byAuthor),
});

export const draftCommands: Arbitrary<DraftCommand> = oneOfThese<DraftCommand>({
  SaveDraft: fc.record({
    ...{ draftId: any.drafts, mailboxId: any.mailboxes, basedOn: fc.nat({ max: 3 }), threadId: any.optionalThreads },
    ...{ summary: any.draftSummaries, content: fc.option(any.draftContents, { nil: null }) },
    ...{ contentBlobId: fc.option(any.blobs, { nil: null }), attachmentIds: any.someBlobs, by: any.users },
  }),
  DiscardDraft: fc.record({ draftId: any.drafts, by: any.users }),
  SubmitDraft: fc.record({
    ...{ draftId: any.drafts, mailboxId: any.mailboxes, revision: fc.nat({ max: 3 }), scheduled: fc.boolean() },
    ...{ ...any.outgoing, envelope: any.outgoingEnvelopes, by: any.users },
  }),
  UndoSend: fc.record({ draftId: any.drafts, by: any.users }),
  DispatchDraft: fc.record({ draftId: any.drafts, submission: fc.integer({ min: 1, max: 2 }), threadId: any.threads }),
});

const owner = fc.oneof(fc.record({ mailboxId: any.mailboxes }), fc.record({ domain: any.mailDomains }));
export const templateCommands: Arbitrary<TemplateCommand> = oneOfThese<TemplateCommand>({
  SaveTemplate: fc.record({
    ...{ owner, templateId: any.templates, kind: any.templateKinds, content: any.templateTexts, isActive: fc.boolean() },
    ...{ isForced: fc.boolean(), isDefault: fc.boolean(), by: any.users },
  }),
  RemoveTemplate: fc.record({ owner, templateId: any.templates, by: any.users }),
});

export const uploadCommands: Arbitrary<UploadCommand> = oneOfThese<UploadCommand>({
  UploadBlob: fc.record({
    ...{ mailboxId: any.mailboxes, blobId: any.blobs, size: any.seqs, mimeType: any.words, name: any.optionalWords, by: any.users },
  }),
  ForgetUpload: fc.record({ mailboxId: any.mailboxes, blobId: any.blobs }),
});

const byUser = { threadId: any.threads, mailboxId: any.mailboxes, by: any.users };

const stays = fc.array(fc.record({ mailboxId: any.mailboxes, emailIds: fc.subarray([...any.fewEmails]), remainder: any.remainders }), {
  maxLength: 3,
});
const marks = fc.uniqueArray(
  fc.record({
    ...{ mailboxId: any.mailboxes, readUpTo: fc.option(any.emails, { nil: null }), starred: fc.boolean() },
    labels: fc.array(any.labels, { maxLength: 2 }),
    keywords: fc.uniqueArray(fc.record({ emailId: any.emails, set: any.keywords }), { maxLength: 2, selector: ({ emailId }) => emailId }),
  }),
  { maxLength: 2, selector: ({ mailboxId }) => mailboxId },
);

export const threadCommands: Arbitrary<ThreadCommand> = oneOfThese<ThreadCommand>({
  FileEmail: fc.record({ email: fc.record(any.emailsToFile, { requiredKeys: [...any.emailFields] }) }),
  FileEmails: fc.record({ emails: fc.array(fc.record(any.emailsToFile, { requiredKeys: [...any.emailFields] }), { maxLength: 3 }) }),
  MarkThreadRead: fc.record({ ...byUser, upTo: fc.option(any.emails, { nil: null }) }),
  ShareThread: fc.record({ ...byUser, role: any.accesses, emails: fc.array(fc.record(any.emailsToShare), { maxLength: 3 }) }),
  UnshareThread: fc.record(byUser),
  DestroyEmails: fc.record({ ...byUser, by: fc.option(any.users, { nil: null }), emailIds: fc.array(any.emails, { maxLength: 4 }), stays }),
  SplitThread: fc.record({ ...byUser, emailId: any.emails, stays }),
  TakeOverThread: fc.record({
    ...{ threadId: any.threads, from: any.threads, by: any.users, emails: fc.array(fc.record(any.emailsToFile), { maxLength: 3 }) },
    ...{
      shares: fc.uniqueArray(fc.record({ mailboxId: any.mailboxes, role: any.accesses }), { selector: ({ mailboxId }) => mailboxId }),
      marks,
    },
    ...{ assignees: fc.array(any.users, { maxLength: 2 }), isWhole: fc.boolean() },
  }),
  AssignThread: fc.record({ threadId: any.threads, userId: any.users, by: any.users }),
  UnassignThread: fc.record({ threadId: any.threads, userId: any.users, by: fc.option(any.users, { nil: null }) }),
  SetKeywords: fc.record({ ...byUser, emailId: any.emails, set: any.keywords }),
  LabelThread: fc.record({ ...byUser, labelId: any.labels, labelled: fc.boolean() }),
  MoveEmails: fc.record({ ...byUser, emailIds: fc.array(any.emails, { maxLength: 4 }), place: any.places }),
  SetThreadFlags: fc.record({
    ...byUser,
    set: fc.record({ starred: fc.boolean(), archived: fc.boolean(), spam: fc.boolean(), trashed: fc.boolean() }, { requiredKeys: [] }),
  }),
});

const answer = { recipients: any.recipientNos, host: any.optionalWords, reply: any.words, enhancedCode: any.enhancedCodes };
const outcomes: Arbitrary<Outcome> = oneOfThese<Outcome>({
  delivered: fc.record({ ...answer, host: any.words, tls: any.optionalWords }),
  internal: fc.record({ recipients: any.recipientNos, receivedAs: any.emails }),
  deferred: fc.record({ ...answer, retryAt: any.times, attempted: fc.boolean() }),
  failed: fc.record(answer),
  unknown: fc.record({ recipients: any.recipientNos, reply: any.words, retryAt: fc.option(any.times, { nil: null }) }),
});

const outboundReports: Arbitrary<OutboundReport> = oneOfThese<OutboundReport>({
  fate: fc.record({ ...answer, fate: any.fates }),
  complaint: fc.record({ recipients: any.recipientNos, feedback: any.words }),
  receipt: fc.record({ recipients: any.recipientNos, disposition: any.words, isAutomatic: fc.boolean() }),
});

export const outboundCommands: Arbitrary<OutboundCommand> = fc.oneof(
  oneOfThese<Exclude<OutboundCommand, { readonly recipient: number }>>({
    Queue: fc.record({ ...any.mailToSend, messageId: any.words, envelopeFrom: any.words, recipients: any.outboundRecipients }),
    BeginTransmission: fc.record({ attemptId: any.attempts, recipients: any.recipientNos, host: any.words, leaseToken: any.words }),
    RecordOutcomes: fc.record({ attemptId: any.attempts, outcomes: fc.array(outcomes, { maxLength: 3 }) }),
    RecordReports: fc.record({ reportId: any.emails, reportBlobId: any.blobs, reports: fc.array(outboundReports, { maxLength: 3 }) }),
  }),
  fc.record({
    type: fc.constantFrom('RetryRecipient', 'CancelRecipient', 'DismissRecipient'),
    recipient: fc.nat({ max: 3 }),
    by: any.users,
  }),
);
