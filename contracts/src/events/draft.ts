/** Stream `draft-<draftId>`: a mail that is being written, until it is sent or thrown away. */
import * as t from 'io-ts';
import { int, nullable, oneOf, text } from '../codec.ts';
import { BlobId, DraftId, EmailId, MailboxId, TemplateId, ThreadId, UserId } from '../ids.ts';
import { sealed } from '../sealed.ts';
import { Timestamp } from '../time.ts';
import { defineEvent, type EventOf } from './definition.ts';
import { Address } from './email.ts';

/** A file that goes along. With a `cid` it is shown where the HTML names that, without one it is an attachment. */
export const DraftAttachment = t.readonly(
  t.type({ blobId: BlobId, name: text(1, 255), type: text(1, 255), size: int(0), cid: nullable(text(1, 255)) }),
);
export type DraftAttachment = t.TypeOf<typeof DraftAttachment>;

/** What a draft answers or passes on. Ids of messages are those that its header will name (RFC 5322 §3.6.4). */
export const DraftParent = t.readonly(
  t.type({
    emailId: EmailId,
    threadId: ThreadId,
    mode: oneOf('reply', 'reply-all', 'forward'),
    messageId: nullable(t.string),
    references: t.readonlyArray(t.string),
  }),
);
export type DraftParent = t.TypeOf<typeof DraftParent>;

/** All that its writers set. HTML is sanitised before it gets here. */
export const DraftContent = t.readonly(
  t.type({
    from: Address,
    to: t.readonlyArray(Address),
    cc: t.readonlyArray(Address),
    bcc: t.readonlyArray(Address),
    subject: t.string,
    text: t.string,
    /** Empty: plain text only. */
    html: t.string,
    attachments: t.readonlyArray(DraftAttachment),
    inReplyTo: nullable(DraftParent),
    /** Whose words stand below it once it is sent; a forced signature takes its place. */
    signatureId: nullable(TemplateId),
    /** Where one leaves a mailing: an https or mailto address for List-Unsubscribe (RFC 2369, RFC 8058). */
    unsubscribe: nullable(t.string),
  }),
);
export type DraftContent = t.TypeOf<typeof DraftContent>;

/** What lists show of it. */
export const DraftSummary = t.readonly(
  t.type({
    from: Address,
    /** The first few. */
    to: t.readonlyArray(Address),
    subject: t.string,
    preview: t.string,
    hasAttachments: t.boolean,
  }),
);
export type DraftSummary = t.TypeOf<typeof DraftSummary>;

/** Blobs that the draft does not need from here on. */
const releases = t.readonlyArray(BlobId);

export const DraftSaved = defineEvent({
  type: 'DraftSaved',
  doc: 'A draft was begun (revision 1) or says something else now. A large content is in the blob `contentBlobId`, and `content` is null.',
  data: t.readonly(
    t.type({
      draftId: DraftId,
      mailboxId: MailboxId,
      /** The mailbox that it was written in until now. */
      movedFrom: nullable(MailboxId),
      revision: int(1),
      threadId: nullable(ThreadId),
      summary: sealed(DraftSummary),
      content: sealed(nullable(DraftContent)),
      contentBlobId: nullable(BlobId),
      /** What it is made of, the blob of its content among it. */
      blobIds: t.readonlyArray(BlobId),
      releases,
      by: UserId,
    }),
  ),
  personal: [{ subject: 'mailboxId', fields: ['summary', 'content'] }],
});
export type DraftSaved = EventOf<typeof DraftSaved>;

export const DraftDiscarded = defineEvent({
  type: 'DraftDiscarded',
  doc: 'A draft was thrown away.',
  data: t.readonly(t.type({ draftId: DraftId, mailboxId: MailboxId, threadId: nullable(ThreadId), releases, by: UserId })),
});
export type DraftDiscarded = EventOf<typeof DraftDiscarded>;

export const RecipientKind = oneOf('to', 'cc', 'bcc');
export type RecipientKind = t.TypeOf<typeof RecipientKind>;

/** Whom a mail goes to, and where word of its fate comes back to (RFC 5321 §2.3.1). Addresses in normal form. */
export const OutgoingEnvelope = t.readonly(
  t.type({ from: t.string, recipients: t.readonlyArray(t.readonly(t.type({ address: t.string, kind: RecipientKind }))) }),
);
export type OutgoingEnvelope = t.TypeOf<typeof OutgoingEnvelope>;

export const DraftSubmitted = defineEvent({
  type: 'DraftSubmitted',
  doc: 'A draft, or a message that was handed over whole, is to be sent at `sendAt`; its bytes are composed and durable. Until it is dispatched, this can be undone.',
  data: t.readonly(
    t.type({
      draftId: DraftId,
      mailboxId: MailboxId,
      /** Counts from 1: a draft can be taken back and submitted again. */
      submission: int(1),
      /** What was submitted; 0: no draft but a message that was handed over whole. */
      revision: int(0),
      emailId: EmailId,
      threadId: nullable(ThreadId),
      rawBlobId: BlobId,
      size: int(1),
      messageId: text(3, 998),
      sendAt: Timestamp,
      envelope: sealed(OutgoingEnvelope),
      by: UserId,
    }),
  ),
  personal: [{ subject: 'mailboxId', fields: ['envelope'] }],
});
export type DraftSubmitted = EventOf<typeof DraftSubmitted>;

export const DraftSendUndone = defineEvent({
  type: 'DraftSendUndone',
  doc: 'A draft was taken back before it was sent, and can be written on.',
  data: t.readonly(
    t.type({ draftId: DraftId, mailboxId: MailboxId, threadId: nullable(ThreadId), submission: int(1), releases, by: UserId }),
  ),
});
export type DraftSendUndone = EventOf<typeof DraftSendUndone>;

export const DraftDispatched = defineEvent({
  type: 'DraftDispatched',
  doc: 'The time had come, nobody had taken it back: from here on the mail is on its way, filed in `threadId` of its sender.',
  data: t.readonly(
    t.type({
      draftId: DraftId,
      mailboxId: MailboxId,
      submission: int(1),
      emailId: EmailId,
      threadId: ThreadId,
      releases,
    }),
  ),
});
export type DraftDispatched = EventOf<typeof DraftDispatched>;

export const draftEvents = [DraftSaved, DraftDiscarded, DraftSubmitted, DraftSendUndone, DraftDispatched] as const;
export type DraftEvent = EventOf<(typeof draftEvents)[number]>;
