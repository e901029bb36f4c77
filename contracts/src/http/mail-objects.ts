/**
 * What mail endpoints speak (mail-contract §2): JMAP's objects (RFC 8621) in camelCase. Fields of parts that come later are here with the
 * value they have until then, so that no shape changes.
 */
import * as t from 'io-ts';
import { int, nullable, oneOf } from '../codec.ts';
import { Authentication, SpamVerdict } from '../events/email.ts';
import { MailboxKind, MailboxRole } from '../events/mailbox.ts';
import { Fate } from '../events/outbound.ts';
import { BlobId, EmailId, MailboxId, ThreadId, UserId } from '../ids.ts';
import { Timestamp } from '../time.ts';
import { User } from './chat-objects.ts';

/** Folders without folders: what a mailbox shows of its threads. */
export const views = ['inbox', 'all', 'starred', 'sent', 'drafts', 'archive', 'spam', 'trash'] as const;
export const View = oneOf(...views);
export type View = t.TypeOf<typeof View>;

export const MailAddress = t.readonly(t.type({ name: nullable(t.string), email: t.string }));
export type MailAddress = t.TypeOf<typeof MailAddress>;
const MailAddresses = t.readonlyArray(MailAddress);

export const Mailbox = t.readonly(
  t.type({
    id: MailboxId,
    address: t.string,
    aliases: t.readonlyArray(t.string),
    name: t.string,
    kind: MailboxKind,
    /** The caller's; null for a domain admin who manages the mailbox without being in it. */
    role: nullable(MailboxRole),
    /** Of the view `all`: without spam and trash. */
    counts: t.readonly(t.type({ unreadThreads: int(0), threads: int(0) })),
  }),
);
export type Mailbox = t.TypeOf<typeof Mailbox>;

export const MailboxMember = t.readonly(t.type({ userId: UserId, displayName: t.string, role: MailboxRole }));
export type MailboxMember = t.TypeOf<typeof MailboxMember>;

export const Me = t.readonly(
  t.type({
    user: User,
    email: nullable(t.string),
    /** As the token says them. */
    roles: t.readonlyArray(t.string),
    /** May open and manage mailboxes. */
    isAdmin: t.boolean,
    mailboxes: t.readonlyArray(Mailbox),
  }),
);
export type Me = t.TypeOf<typeof Me>;

const ViewCounts = t.readonly(t.type({ threads: int(0), unread: int(0) }));
export const MailboxCounts = t.readonly(
  t.type({
    views: t.readonly(
      t.type({
        inbox: ViewCounts,
        all: ViewCounts,
        starred: ViewCounts,
        sent: ViewCounts,
        drafts: ViewCounts,
        archive: ViewCounts,
        spam: ViewCounts,
        trash: ViewCounts,
      }),
    ),
    labels: t.readonlyArray(t.readonly(t.type({ id: t.string, threads: int(0), unread: int(0) }))),
  }),
);
export type MailboxCounts = t.TypeOf<typeof MailboxCounts>;

/**
 * As one mailbox has it. Counts and `unread` leave out emails in spam and trash, unless the thread has no others.
 */
export const Thread = t.readonly(
  t.type({
    id: ThreadId,
    subject: t.string,
    snippet: t.string,
    /** Who wrote in it, each once, in the order they came in. */
    participants: MailAddresses,
    messageCount: int(0),
    firstMessageAt: Timestamp,
    lastMessageAt: Timestamp,
    unread: t.boolean,
    unreadCount: int(0),
    starred: t.boolean,
    archived: t.boolean,
    spam: t.boolean,
    trashed: t.boolean,
    hasAttachments: t.boolean,
    hasDraft: t.boolean,
    delivery: nullable(oneOf('pending', 'failed')),
    labels: t.readonlyArray(t.string),
    assignees: t.readonlyArray(UserId),
    access: t.readonlyArray(t.readonly(t.type({ mailboxId: MailboxId, role: oneOf('viewer', 'editor') }))),
  }),
);
export type Thread = t.TypeOf<typeof Thread>;

/** A body part (RFC 8621 §4.1.4). `blobId` is null while its bytes lie only in the raw mail: read them by `partId`. */
export const EmailPart = t.readonly(
  t.type({
    partId: t.string,
    blobId: nullable(BlobId),
    name: nullable(t.string),
    type: t.string,
    charset: nullable(t.string),
    disposition: nullable(t.string),
    cid: nullable(t.string),
    size: int(0),
  }),
);
export type EmailPart = t.TypeOf<typeof EmailPart>;
const EmailParts = t.readonlyArray(EmailPart);

export { Authentication, SpamVerdict };

/** What a report that came back says (RFC 3464), and which server found it out. */
export const DeliveryReport = t.readonly(t.type({ fate: Fate, at: Timestamp, by: nullable(t.string) }));
/** The recipient's provider reports a complaint (RFC 5965). */
export const DeliveryComplaint = t.readonly(t.type({ feedback: t.string, at: Timestamp }));

/** A read receipt (RFC 8098): `displayed` is read, `deleted` is not. */
export const DeliveryReceipt = t.readonly(t.type({ disposition: t.string, isAutomatic: t.boolean, at: Timestamp }));

/** What is known of one, besides for whom it is and how it stands. */
export const deliveryDetails = {
  kind: oneOf('to', 'cc', 'bcc'),
  attempts: int(0),
  lastReply: nullable(t.string),
  enhancedCode: nullable(t.string),
  nextAttemptAt: nullable(Timestamp),
  deliveredAt: nullable(Timestamp),
  mx: nullable(t.string),
  /** The protocol, and what vouched for the server: `TLSv1.3 mta-sts`. Null for plain text. */
  tls: nullable(t.string),
  /** Somebody has seen that it went wrong. */
  dismissed: t.boolean,
  /** The mail that told of it can be read at `…/deliveries/{recipient}/report`; so can that of a complaint and a receipt. */
  report: nullable(DeliveryReport),
  complaint: nullable(DeliveryComplaint),
  receipt: nullable(DeliveryReceipt),
};
export const deliveryStatuses = ['queued', 'sending', 'delivered', 'deferred', 'failed', 'cancelled', 'unknown', 'internal'] as const;

/** `deferred` without `nextAttemptAt`: another server has it, and tries again. */
export const Delivery = t.readonly(t.type({ recipient: t.string, status: oneOf(...deliveryStatuses), ...deliveryDetails }));
export type Delivery = t.TypeOf<typeof Delivery>;

export const Email = t.readonly(
  t.type({
    id: EmailId,
    threadId: ThreadId,
    mailboxId: MailboxId,
    blobId: BlobId,
    size: int(0),
    messageId: nullable(t.string),
    /** The mailbox held another email with this Message-ID, which says something else, when this one was filed: one of them may pretend. */
    messageIdReused: t.boolean,
    inReplyTo: t.readonlyArray(t.string),
    references: t.readonlyArray(t.string),
    from: MailAddresses,
    sender: MailAddresses,
    replyTo: MailAddresses,
    to: MailAddresses,
    cc: MailAddresses,
    /** With this mailbox's own recipients that no header names. */
    bcc: MailAddresses,
    subject: t.string,
    sentAt: nullable(Timestamp),
    receivedAt: Timestamp,
    preview: t.string,
    textBody: EmailParts,
    htmlBody: EmailParts,
    attachments: EmailParts,
    /**
     * By part id: text as it reads, HTML sanitised, its `cid:` images pointing at `/api/emails/{id}/parts/{partId}`, those from elsewhere at
     * `/api/images`, or nowhere: then `remoteImages` says how many were held back.
     */
    bodyValues: t.readonly(
      t.record(
        t.string,
        t.readonly(t.intersection([t.type({ value: t.string, isTruncated: t.boolean }), t.partial({ remoteImages: int(0) })])),
      ),
    ),
    direction: oneOf('in', 'out'),
    /** As the mailbox has it: `$seen` with how far the thread is read. */
    keywords: t.readonly(t.type({ $seen: t.boolean, $flagged: t.boolean, $answered: t.boolean, $forwarded: t.boolean })),
    authentication: Authentication,
    spam: SpamVerdict,
    deliveries: t.readonlyArray(Delivery),
    /** Its author asks to be told that it was read; null for most mail. Answered at `/api/emails/{id}/receipt`. */
    receiptRequest: nullable(t.readonly(t.type({ to: MailAddresses, answer: nullable(oneOf('sent', 'declined')) }))),
  }),
);
export type Email = t.TypeOf<typeof Email>;

/** `cursor` is null on the last page. */
export const mailPageOf = <C extends t.Mixed>(item: C) =>
  t.readonly(t.type({ content: t.readonlyArray(item), cursor: nullable(t.string) }));
export interface MailPage<A> {
  readonly content: readonly A[];
  readonly cursor: string | null;
}
