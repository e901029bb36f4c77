/** Stream `thread-<threadId>`: the emails of a conversation, and what each mailbox that holds it did with them. */
import * as t from 'io-ts';
import { int, nullable, oneOf } from '../codec.ts';
import { BlobId, EmailId, ImportId, LabelId, MailboxId, ThreadId, UserId } from '../ids.ts';
import { sealed } from '../sealed.ts';
import { Timestamp } from '../time.ts';
import { defineEvent, type EventOf } from './definition.ts';
import { Address, EmailContent, Envelope } from './email.ts';

/** Where a mailbox keeps an email. */
export const places = ['inbox', 'archive', 'spam', 'trash', 'sent', 'drafts'] as const;
export const Place = oneOf(...places);
export type Place = t.TypeOf<typeof Place>;

/** Marks on one email (RFC 8621 §4.1.1). */
export const Keywords = t.readonly(t.partial({ $seen: t.boolean, $flagged: t.boolean, $answered: t.boolean, $forwarded: t.boolean }));
export type Keywords = t.TypeOf<typeof Keywords>;

/** What an email brings along that was kept elsewhere before: when that got it, how it was marked, and what its thread gets with it. */
export const Imported = t.readonly(
  t.type({
    importId: ImportId,
    receivedAt: Timestamp,
    keywords: Keywords,
    starred: t.boolean,
    labels: t.readonlyArray(LabelId),
  }),
);
export type Imported = t.TypeOf<typeof Imported>;

export const EmailFiled = defineEvent({
  type: 'EmailFiled',
  version: 2,
  doc: 'An email is in a thread of a mailbox. `bodyBlobId` holds its details and its decoded, sanitised bodies as JSON; `blobId` the bytes as received. With `imported`, it is old mail that was brought along, and nobody is told of it.',
  data: t.readonly(
    t.intersection([
      t.type({
        threadId: ThreadId,
        mailboxId: MailboxId,
        emailId: EmailId,
        blobId: BlobId,
        bodyBlobId: BlobId,
        size: int(0),
        direction: oneOf('in', 'out'),
        place: Place,
        /** The thread's first email in this mailbox starts the thread there. */
        startsThread: t.boolean,
        /** Same Message-ID as an email held already, other content. */
        messageIdReused: t.boolean,
        /** Null when the headers name all its recipients; the whole is in `EmailReceived`. */
        envelope: sealed(nullable(Envelope)),
        content: sealed(EmailContent),
      }),
      /** `movedFrom`: it came from another thread, which was split: when it counts as having come. Nobody is told of it as of new mail. */
      t.partial({ imported: Imported, movedFrom: t.readonly(t.type({ threadId: ThreadId, cameAt: Timestamp })) }),
    ]),
  ),
  personal: [{ subject: 'mailboxId', fields: ['envelope', 'content'] }],
  /** Version 2 may name a thread that it came from; what was filed before came from none. */
  upcasts: [{ to: 2, apply: (data) => data }],
});
export type EmailFiled = EventOf<typeof EmailFiled>;

export const ThreadRead = defineEvent({
  type: 'ThreadRead',
  doc: 'A mailbox has read a thread up to an email (null: nothing of it); emails filed later are unread.',
  data: t.readonly(t.type({ threadId: ThreadId, mailboxId: MailboxId, upTo: nullable(EmailId), by: UserId })),
});
export type ThreadRead = EventOf<typeof ThreadRead>;

export const EmailsMoved = defineEvent({
  type: 'EmailsMoved',
  doc: 'A mailbox keeps these emails of a thread in another place now.',
  data: t.readonly(t.type({ threadId: ThreadId, mailboxId: MailboxId, emailIds: t.readonlyArray(EmailId), place: Place, by: UserId })),
});
export type EmailsMoved = EventOf<typeof EmailsMoved>;

export const ThreadStarred = defineEvent({
  type: 'ThreadStarred',
  doc: 'A mailbox starred a thread or took the star away.',
  data: t.readonly(t.type({ threadId: ThreadId, mailboxId: MailboxId, starred: t.boolean, by: UserId })),
});
export type ThreadStarred = EventOf<typeof ThreadStarred>;

export const ThreadLabelled = defineEvent({
  type: 'ThreadLabelled',
  doc: 'A mailbox put one of its labels on a thread, or took it away.',
  data: t.readonly(t.type({ threadId: ThreadId, mailboxId: MailboxId, labelId: LabelId, labelled: t.boolean, by: UserId })),
});
export type ThreadLabelled = EventOf<typeof ThreadLabelled>;

/** Whom a thread is assigned to is the same for all mailboxes that hold it: `mailboxIds`, as it happened. */
const assignment = { threadId: ThreadId, mailboxIds: t.readonlyArray(MailboxId), userId: UserId };

export const ThreadAssigned = defineEvent({
  type: 'ThreadAssigned',
  doc: 'Someone is to take care of a thread.',
  data: t.readonly(t.type({ ...assignment, by: UserId })),
});
export type ThreadAssigned = EventOf<typeof ThreadAssigned>;

export const ThreadUnassigned = defineEvent({
  type: 'ThreadUnassigned',
  doc: 'Someone no longer takes care of a thread; `by` is null when they lost the right to it.',
  data: t.readonly(t.type({ ...assignment, by: nullable(UserId) })),
});
export type ThreadUnassigned = EventOf<typeof ThreadUnassigned>;

export const EmailKeywordsSet = defineEvent({
  type: 'EmailKeywordsSet',
  doc: 'A mailbox marked one email, or took marks away; `$seen` is an exception to how far the thread is read, until that changes.',
  data: t.readonly(t.type({ threadId: ThreadId, mailboxId: MailboxId, emailId: EmailId, set: Keywords, by: UserId })),
});
export type EmailKeywordsSet = EventOf<typeof EmailKeywordsSet>;

/** What a thread is to a mailbox: its own threads are `editor`, those shared with it may be `viewer`. */
export const ThreadAccess = oneOf('viewer', 'editor');
export type ThreadAccess = t.TypeOf<typeof ThreadAccess>;

export const ThreadShared = defineEvent({
  type: 'ThreadShared',
  doc: 'A thread is shared with another mailbox, or that may do something else there now. Its emails are filed there by events of their own.',
  data: t.readonly(
    t.type({
      threadId: ThreadId,
      mailboxId: MailboxId,
      role: ThreadAccess,
      /** Whom it is assigned to: also in that mailbox from now on. */
      assignees: t.readonlyArray(UserId),
      /** The others that hold it. */
      heldBy: t.readonlyArray(MailboxId),
      by: UserId,
    }),
  ),
});
export type ThreadShared = EventOf<typeof ThreadShared>;

export const ThreadUnshared = defineEvent({
  type: 'ThreadUnshared',
  doc: 'A thread is no longer shared with a mailbox: nothing of it is there.',
  data: t.readonly(t.type({ threadId: ThreadId, mailboxId: MailboxId, heldBy: t.readonlyArray(MailboxId), by: UserId })),
});
export type ThreadUnshared = EventOf<typeof ThreadUnshared>;

/** What lists show of a thread, from the emails that are left of it. */
export const Remainder = t.readonly(t.type({ snippet: t.string, participants: t.readonlyArray(Address), hasAttachments: t.boolean }));
export type Remainder = t.TypeOf<typeof Remainder>;

/** Emails that a mailbox no longer holds in a thread. Whatever keeps them there forgets them in the order of the log. */
const removal = {
  threadId: ThreadId,
  mailboxId: MailboxId,
  emailIds: t.readonlyArray(EmailId),
  /** Of all of them. */
  bytes: int(0),
  /** How many emails of the thread the mailbox holds behind it; with none, nothing of the thread is there any more. */
  left: int(0),
  remainder: sealed(nullable(Remainder)),
  /** The mailboxes that hold the thread behind it. */
  heldBy: t.readonlyArray(MailboxId),
};

export const EmailsDestroyed = defineEvent({
  type: 'EmailsDestroyed',
  doc: 'A mailbox destroyed emails of a thread for ever; `by` is null when they had lain in its trash or spam for their time. Their bytes go when no mailbox holds them.',
  data: t.readonly(t.type({ ...removal, by: nullable(UserId) })),
  personal: [{ subject: 'mailboxId', fields: ['remainder'] }],
});
export type EmailsDestroyed = EventOf<typeof EmailsDestroyed>;

export const EmailsSplitOff = defineEvent({
  type: 'EmailsSplitOff',
  doc: 'Someone split a thread: these emails of a mailbox go on in the thread `into`. One for each mailbox that holds some, in one append.',
  data: t.readonly(t.type({ ...removal, into: ThreadId, by: UserId })),
  personal: [{ subject: 'mailboxId', fields: ['remainder'] }],
});
export type EmailsSplitOff = EventOf<typeof EmailsSplitOff>;

export const ThreadSplitOff = defineEvent({
  type: 'ThreadSplitOff',
  doc: 'A thread that goes on from another is whole: the emails that were split off, and what stood on them, are in it.',
  data: t.readonly(t.type({ threadId: ThreadId, from: ThreadId, mailboxIds: t.readonlyArray(MailboxId), by: UserId })),
});
export type ThreadSplitOff = EventOf<typeof ThreadSplitOff>;

export const threadEvents = [
  EmailFiled,
  ThreadRead,
  EmailsMoved,
  ThreadStarred,
  ThreadLabelled,
  ThreadAssigned,
  ThreadUnassigned,
  ThreadShared,
  ThreadUnshared,
  EmailKeywordsSet,
  EmailsDestroyed,
  EmailsSplitOff,
  ThreadSplitOff,
] as const;
export type ThreadEvent = EventOf<(typeof threadEvents)[number]>;
