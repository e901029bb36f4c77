/** What the mail side tells the members of a mailbox (mail-contract §3, "Live"). */
import type { Recorded } from '@tidings/contracts/events/index';
import type {
  AddressClaimed,
  AddressReleased,
  MailboxClosed,
  MailboxMemberRemoved,
  MailboxMemberSet,
  MailboxQuotaSet,
  MailboxRenamed,
  SenderBlocked,
  SenderUnblocked,
} from '@tidings/contracts/events/mailbox';
import type { EmailFiled } from '@tidings/contracts/events/thread';
import type { ThreadChange } from '@tidings/contracts/http/live';
import type { MailboxId } from '@tidings/contracts/ids';
import { isShredded } from '@tidings/contracts/sealed';
import type { Facts } from './facts.ts';
import { added, mailboxAudience, removed, tell, userAudience, type Row } from './rows.ts';

export const memberSet = (event: Recorded<MailboxMemberSet>, facts: Facts): readonly Row[] => {
  const { mailboxId, userId, role } = event.data;
  const audience = mailboxAudience(mailboxId);
  const changed = { type: 'MailboxChanged', createdAt: event.recordedAt, mailboxId, userId, role } as const;
  if (!facts.join(audience, userId, event)) return [tell(audience, changed)]; // another role: they are among the members already
  return [tell(audience, changed), tell(userAudience(userId), changed), added(audience, userId)];
};

export const memberRemoved = (event: Recorded<MailboxMemberRemoved>, facts: Facts): readonly Row[] => {
  const { mailboxId, userId } = event.data;
  const audience = mailboxAudience(mailboxId);
  if (facts.leave(audience, userId, event) === undefined) return [];
  const changed = { type: 'MailboxChanged', createdAt: event.recordedAt, mailboxId, userId, role: null } as const;
  return [removed(audience, userId), tell(userAudience(userId), changed), tell(audience, changed)];
};

/** What changes a mailbox itself. */
export const mailboxChanges = [
  'AddressClaimed',
  'AddressReleased',
  'MailboxRenamed',
  'SenderBlocked',
  'SenderUnblocked',
  'MailboxQuotaSet',
] as const;

/** Of a mailbox without members (its address is claimed before it opens) nobody is told. */
export const mailboxChanged = (
  event: Recorded<AddressClaimed | AddressReleased | MailboxRenamed | SenderBlocked | SenderUnblocked | MailboxQuotaSet>,
  facts: Facts,
): readonly Row[] => {
  const { mailboxId } = event.data;
  const audience = mailboxAudience(mailboxId);
  if (facts.members(audience).length === 0) return [];
  return [tell(audience, { type: 'MailboxChanged', createdAt: event.recordedAt, mailboxId, userId: null, role: null })];
};

/** For every member it is as if they were no longer one. What the mailbox was told goes behind it (`forgetMailboxes`). */
export const mailboxClosed = (event: Recorded<MailboxClosed>, facts: Facts): readonly Row[] => {
  const { mailboxId } = event.data;
  const audience = mailboxAudience(mailboxId);
  return facts.members(audience).flatMap((userId) => {
    facts.leave(audience, userId, event);
    const changed = { type: 'MailboxChanged', createdAt: event.recordedAt, mailboxId, userId, role: null } as const;
    return [removed(audience, userId), tell(userAudience(userId), changed)];
  });
};

/** A mail is announced once it can be read, that is, when it is in its thread. Old mail that is brought along is not: the import tells how far it is. */
export const emailFiled = (event: Recorded<EmailFiled>): readonly Row[] => {
  const { mailboxId, threadId, emailId, direction, place, content, imported, movedFrom } = event.data;
  if (imported !== undefined) return [];
  const audience = mailboxAudience(mailboxId);
  const createdAt = event.recordedAt;
  const filed = tell(audience, { type: 'ThreadChanged', createdAt, mailboxId, threadId, change: { type: 'filed', emailId, place } });
  if (direction === 'out' || movedFrom !== undefined) return [filed];
  const seen = isShredded(content)
    ? { from: [], subject: '', preview: '', hasAttachments: false }
    : { from: content.from, subject: content.subject, preview: content.preview, hasAttachments: content.hasAttachments };
  return [tell(audience, { type: 'EmailReceived', createdAt, mailboxId, threadId, emailId, ...seen }), filed];
};

/** What happened to a thread, and says everything itself. */
export const threadChanges = [
  'ThreadRead',
  'EmailsMoved',
  'ThreadStarred',
  'ThreadLabelled',
  'ThreadAssigned',
  'ThreadUnassigned',
  'CommentPosted',
  'CommentEdited',
  'CommentDeleted',
  'ThreadShared',
  'ThreadUnshared',
  'EmailKeywordsSet',
  'EmailsDestroyed',
  'EmailsSplitOff',
  'ThreadSplitOff',
] as const;
type Change = Extract<Recorded, { readonly type: (typeof threadChanges)[number] }>;

const changes: ReadonlySet<string> = new Set(threadChanges);
export const isThreadChange = (event: Recorded): event is Change => changes.has(event.type);

/** The same for each mailbox that it concerns. */
export const threadChanged = (event: Change): readonly Row[] => {
  const { data, recordedAt: createdAt } = event;
  const mailboxIds = concerned(data);
  return mailboxIds.map((mailboxId) => {
    const where = { createdAt, mailboxId, threadId: data.threadId };
    if (event.type === 'CommentPosted') {
      const { commentId, by, mentions } = event.data;
      return tell(mailboxAudience(mailboxId), { type: 'CommentPosted', ...where, commentId, by, mentions });
    }
    return tell(mailboxAudience(mailboxId), { type: 'ThreadChanged', ...where, change: changeOf(event) });
  });
};

const concerned = (data: Change['data']): readonly MailboxId[] => {
  if ('mailboxIds' in data) return data.mailboxIds;
  return 'emailIds' in data || !('heldBy' in data) ? [data.mailboxId] : [...data.heldBy, data.mailboxId];
};

const changeOf = (event: Exclude<Change, { readonly type: 'CommentPosted' }>): ThreadChange => {
  switch (event.type) {
    case 'ThreadRead':
      return { type: 'read', upTo: event.data.upTo, by: event.data.by };
    case 'EmailsMoved':
      return { type: 'moved', emailIds: event.data.emailIds, place: event.data.place, by: event.data.by };
    case 'ThreadStarred':
      return { type: 'starred', starred: event.data.starred, by: event.data.by };
    case 'ThreadLabelled':
      return { type: 'labelled', labelId: event.data.labelId, labelled: event.data.labelled, by: event.data.by };
    case 'ThreadAssigned':
      return { type: 'assigned', userId: event.data.userId, by: event.data.by };
    case 'ThreadUnassigned':
      return { type: 'unassigned', userId: event.data.userId, by: event.data.by };
    case 'EmailKeywordsSet':
      return { type: 'keywords', emailId: event.data.emailId, set: event.data.set, by: event.data.by };
    case 'ThreadShared':
      return { type: 'shared', with: event.data.mailboxId, role: event.data.role, by: event.data.by };
    case 'EmailsDestroyed':
      return { type: 'destroyed', emailIds: event.data.emailIds, by: event.data.by };
    case 'EmailsSplitOff':
      return { type: 'split', emailIds: event.data.emailIds, into: event.data.into, by: event.data.by };
    case 'ThreadSplitOff':
      return { type: 'split-off', from: event.data.from, by: event.data.by };
    case 'ThreadUnshared':
      return { type: 'unshared', with: event.data.mailboxId, by: event.data.by };
    case 'CommentEdited':
      return { type: 'comment-edited', commentId: event.data.commentId, by: event.data.by };
    case 'CommentDeleted':
      return { type: 'comment-deleted', commentId: event.data.commentId, by: event.data.by };
  }
};

/** What becomes of mail that goes out, and what of it is told. */
const DELIVERY_CHANGE = {
  EmailQueued: 'queued',
  RecipientsDelivered: 'delivered',
  RecipientsDeliveredInternally: 'internal',
  RecipientsDeferred: 'deferred',
  RecipientsFailed: 'failed',
  RecipientsOutcomeUnknown: 'unknown',
  RecipientsRetried: 'retried',
  RecipientsCancelled: 'cancelled',
  RecipientsDismissed: 'dismissed',
  RecipientsReported: 'reported',
  RecipientsComplained: 'complained',
  RecipientsAcknowledged: 'acknowledged',
} as const;
export const deliveryChanges = Object.keys(DELIVERY_CHANGE) as readonly (keyof typeof DELIVERY_CHANGE)[]; // the keys of a constant are what they are
type DeliveryChange = Extract<Recorded, { readonly type: keyof typeof DELIVERY_CHANGE }>;

export const isDeliveryChange = (event: Recorded): event is DeliveryChange => event.type in DELIVERY_CHANGE;

export const deliveryChanged = (event: DeliveryChange): readonly Row[] => {
  const { mailboxId, threadId, emailId } = event.data;
  const recipients =
    event.type === 'EmailQueued' ? Array.from({ length: event.data.recipientCount }, (_, place) => place) : event.data.recipients;
  const told = { type: 'DeliveryChanged', createdAt: event.recordedAt, mailboxId, threadId, emailId } as const;
  return [tell(mailboxAudience(mailboxId), { ...told, change: DELIVERY_CHANGE[event.type], recipients })];
};

/** What happens to mail that is being written. */
export const draftChanges = ['DraftSaved', 'DraftDiscarded', 'DraftSubmitted', 'DraftSendUndone', 'DraftDispatched'] as const;
type DraftChange = Extract<Recorded, { readonly type: (typeof draftChanges)[number] }>;

const ofDrafts: ReadonlySet<string> = new Set(draftChanges);
export const isDraftChange = (event: Recorded): event is DraftChange => ofDrafts.has(event.type);

/** A mailbox that a draft leaves is told so. What was handed over whole was never a draft. */
export const draftChanged = (event: DraftChange): readonly Row[] => {
  if (event.type === 'DraftSubmitted' && event.data.revision === 0) return [];
  const { mailboxId, draftId, threadId } = event.data;
  const told = { type: 'DraftChanged', createdAt: event.recordedAt, draftId, threadId, revision: null } as const;
  const by = 'by' in event.data ? event.data.by : null;
  const row = tell(mailboxAudience(mailboxId), { ...told, mailboxId, ...DRAFT_CHANGE[event.type], by });
  if (event.type !== 'DraftSaved') return [row];
  const { movedFrom, revision } = event.data;
  const saved = tell(mailboxAudience(mailboxId), { ...told, mailboxId, change: 'saved', revision, by });
  return movedFrom === null ? [saved] : [tell(mailboxAudience(movedFrom), { ...told, mailboxId: movedFrom, change: 'moved', by }), saved];
};

const DRAFT_CHANGE = {
  DraftSaved: { change: 'saved' },
  DraftDiscarded: { change: 'discarded' },
  DraftSubmitted: { change: 'submitted' },
  DraftSendUndone: { change: 'undone' },
  DraftDispatched: { change: 'sent' },
} as const;
