/** Writing mail (mail-contract §3): drafts, the files that go along, and sending them off. */
import * as t from 'io-ts';
import { int, nullable, oneOf, text } from '../codec.ts';
import { BlobId, DraftId, EmailId, MailboxId, TemplateId, ThreadId, UserId } from '../ids.ts';
import { described } from '../json-schema.ts';
import { Timestamp } from '../time.ts';
import { FileForm } from './form.ts';
import { MailAddress, mailPageOf } from './mail-objects.ts';
import { LARGEST_MAIL_PAGE, listOf } from './mail.ts';
import { intParam } from './query.ts';
import { defineRoute, type Route } from './route.ts';

const MIB = 1024 * 1024;
/** Of one mail (mail-contract §8). */
export const MOST_RECIPIENTS = 500;
export const MOST_ATTACHMENTS = 100;
export const MAX_ATTACHMENT_BYTES = 20 * MIB;
/** Text and HTML together. */
export const MAX_MAIL_BODY_BYTES = 5 * MIB;
const UNPRINTABLE = /[\p{Cc}\u2028\u2029]/u;

/** One line of text, as it may stand in a header: no line break comes in by it. */
export const oneLine = (min: number, max: number): t.Type<string> =>
  described(
    new t.Type<string>(
      `one line of ${min}-${max} characters`,
      text(min, max).is,
      (u, c) => {
        const checked = text(min, max).validate(u, c);
        if (checked._tag === 'Left') return checked;
        return UNPRINTABLE.test(checked.right) || !checked.right.isWellFormed()
          ? t.failure(u, c, 'must be one line, without control characters')
          : checked;
      },
      t.identity,
    ),
    { type: 'string', minLength: min, maxLength: max },
  );

/** Where a name is null or left out, the address stands alone. */
export const DraftAddress = t.readonly(t.intersection([t.type({ email: text(3, 320) }), t.partial({ name: nullable(oneLine(0, 200)) })]));
const recipients = listOf(DraftAddress, 0, MOST_RECIPIENTS);

/** A file that was uploaded (`POST /api/blobs`) or is in mail that the caller may read. With `cid` the HTML shows it: `<img src="cid:…">`. */
export const NewAttachment = t.readonly(
  t.intersection([t.type({ blobId: BlobId }), t.partial({ name: oneLine(1, 255), cid: nullable(oneLine(1, 255)) })]),
);

/** `reply-all` also writes to all who got the mail; `forward` passes it on, with its attachments. */
export const ReplyMode = oneOf('reply', 'reply-all', 'forward');

/** What its writers set. Left out, a field stays as it is; in a new draft, as reply, template and mailbox say. */
const fields = {
  /** The mailbox's address or one of its aliases, under any name. */
  from: DraftAddress,
  to: recipients,
  cc: recipients,
  bcc: recipients,
  subject: oneLine(0, 900),
  /** Empty: made from the HTML when it is sent. */
  text: t.string,
  /** Empty: plain text only. Kept sanitised. */
  html: t.string,
  attachments: listOf(NewAttachment, 0, MOST_ATTACHMENTS),
  signatureId: nullable(TemplateId),
  /** For mailings: an https or mailto address where one leaves them. */
  unsubscribe: nullable(oneLine(8, 1000)),
};

export const CreateDraft = t.readonly(
  t.partial({
    ...fields,
    /** Fills recipients, subject, quoted text and, for a forward, attachments. */
    inReplyTo: t.readonly(t.type({ emailId: EmailId, mode: ReplyMode })),
    /** Begins with what a template says; `values` are for its placeholders beyond those that everybody knows. */
    templateId: TemplateId,
    values: t.readonly(t.record(t.string, text(0, 10_000))),
  }),
);

export const SaveDraft = t.readonly(
  t.partial({
    ...fields,
    /** The revision that was read and changed; or as `If-Match`. */
    revision: int(1),
    /** Writes it in another mailbox of the caller's from here on, with all that is in it. */
    mailboxId: MailboxId,
    /** Makes an answer a new message. */
    inReplyTo: t.null,
  }),
);

export const DraftFile = t.readonly(t.type({ blobId: BlobId, name: t.string, type: t.string, size: int(0), cid: nullable(t.string) }));

/** Until `sendAt` it can be taken back. */
export const Sending = t.readonly(t.type({ sendAt: Timestamp, emailId: EmailId, messageId: t.string }));

const draftHead = {
  id: DraftId,
  mailboxId: MailboxId,
  /** The thread that it answers in; null for a new message. */
  threadId: nullable(ThreadId),
  revision: int(1),
  from: MailAddress,
  to: t.readonlyArray(MailAddress),
  subject: t.string,
  updatedAt: Timestamp,
  updatedBy: UserId,
  sending: nullable(Sending),
};

export const Draft = t.readonly(
  t.type({
    ...draftHead,
    cc: t.readonlyArray(MailAddress),
    bcc: t.readonlyArray(MailAddress),
    text: t.string,
    html: t.string,
    attachments: t.readonlyArray(DraftFile),
    inReplyTo: nullable(t.readonly(t.type({ emailId: EmailId, mode: ReplyMode }))),
    signatureId: nullable(TemplateId),
    unsubscribe: nullable(t.string),
  }),
);
export type Draft = t.TypeOf<typeof Draft>;

/** A draft in a list: the first recipients only, and the beginning of its text. */
export const DraftListed = t.readonly(t.type({ ...draftHead, preview: t.string, hasAttachments: t.boolean }));
export type DraftListed = t.TypeOf<typeof DraftListed>;

const mailboxParams = t.readonly(t.type({ mailboxId: MailboxId }));
const draftParams = t.readonly(t.type({ draftId: DraftId }));

export const createDraft = defineRoute({
  id: 'createDraft',
  method: 'POST',
  path: '/api/mailboxes/{mailboxId}/drafts',
  tag: 'Drafts',
  summary: 'Begins a mail, empty or as an answer to one of the mailbox or as its forward. For editors.',
  params: mailboxParams,
  body: CreateDraft,
  response: Draft,
  errors: [403, 404, 422],
});

export const listDrafts = defineRoute({
  id: 'listDrafts',
  method: 'GET',
  path: '/api/mailboxes/{mailboxId}/drafts',
  tag: 'Drafts',
  summary: 'Mails being written in a mailbox, those that wait to be sent among them; the one saved last first.',
  params: mailboxParams,
  query: t.partial({ cursor: t.string, limit: intParam(1, LARGEST_MAIL_PAGE) }),
  response: mailPageOf(DraftListed),
  errors: [404],
});

export const getDraft = defineRoute({
  id: 'getDraft',
  method: 'GET',
  path: '/api/drafts/{draftId}',
  tag: 'Drafts',
  summary: 'One draft; its revision is also its `ETag`.',
  params: draftParams,
  response: Draft,
  errors: [404],
});

export const saveDraft = defineRoute({
  id: 'saveDraft',
  method: 'PUT',
  path: '/api/drafts/{draftId}',
  tag: 'Drafts',
  summary:
    'Saves a draft, as often as one likes. When somebody saved since `revision`, nothing is overwritten: 409 comes with the draft as it is now in `present`. The same content again changes nothing. For editors.',
  params: draftParams,
  body: SaveDraft,
  response: Draft,
  errors: [403, 404, 409],
});

export const discardDraft = defineRoute({
  id: 'discardDraft',
  method: 'DELETE',
  path: '/api/drafts/{draftId}',
  tag: 'Drafts',
  summary: 'Throws a draft away. For editors.',
  params: draftParams,
  errors: [403, 404, 409],
});

export const UploadedFile = t.readonly(t.type({ blobId: BlobId, size: int(0), type: t.string, name: nullable(t.string) }));
export type UploadedFile = t.TypeOf<typeof UploadedFile>;

export const uploadBlob = defineRoute({
  id: 'uploadBlob',
  method: 'POST',
  path: '/api/blobs',
  tag: 'Drafts',
  summary:
    'Uploads a file of at most 20 MiB for drafts of a mailbox. It is kept for a day, and for as long as a draft has it. For editors.',
  query: t.readonly(t.type({ mailboxId: MailboxId })),
  body: new FileForm('file', MAX_ATTACHMENT_BYTES, 413),
  response: UploadedFile,
  errors: [403, 404, 422],
});

export const getBlob = defineRoute({
  id: 'getBlob',
  method: 'GET',
  path: '/api/blobs/{blobId}',
  tag: 'Drafts',
  summary: 'The bytes of an uploaded file or of an attachment of a draft, for who may read that; those of an email are at its `raw`.',
  params: t.readonly(t.type({ blobId: BlobId })),
  response: t.unknown,
  produces: 'binary',
  mayRedirect: true,
  errors: [404],
});

export const draftRoutes: readonly Route[] = [createDraft, listDrafts, getDraft, saveDraft, discardDraft, uploadBlob, getBlob];
