/** Stream `email-<emailId>`: what happened to one mail on its way through us. */
import * as t from 'io-ts';
import { int, nullable, oneOf, text } from '../codec.ts';
import { BlobId, EmailId, MailboxId, ThreadId } from '../ids.ts';
import { sealed } from '../sealed.ts';
import { defineEvent, type EventOf } from './definition.ts';

/** What SMTP said about the mail, for one recipient mailbox (RFC 5321 §2.3.1). An empty `mailFrom` is the null sender. */
export const Envelope = t.readonly(
  t.type({
    mailFrom: text(0, 1000),
    rcptTo: t.readonlyArray(text(1, 1000)),
    helo: text(0, 500),
    clientAddress: text(0, 100),
  }),
);
export type Envelope = t.TypeOf<typeof Envelope>;

export const EmailReceived = defineEvent({
  type: 'EmailReceived',
  version: 3,
  doc: 'A mail was taken for one or more of our mailboxes: its bytes are durable, and the peer was told 250. `internal`: another mailbox of ours sent it.',
  data: t.readonly(
    t.intersection([
      t.type({
        emailId: EmailId,
        blobId: BlobId,
        size: int(0),
        recipients: t.readonlyArray(t.readonly(t.type({ mailboxId: MailboxId, envelope: sealed(Envelope) }))),
      }),
      /** Absent from what came by SMTP. `threadId`: the gateway knows by a reply address, or by what it answers, where it belongs. */
      t.partial({ origin: t.literal('internal'), threadId: ThreadId }),
    ]),
  ),
  personal: [{ each: 'recipients', subject: 'mailboxId', fields: ['envelope'] }],
  upcasts: [
    { to: 2, apply: (data) => data },
    { to: 3, apply: (data) => data },
  ],
});
export type EmailReceived = EventOf<typeof EmailReceived>;

/** Stream `filing-<mailboxId>.<emailId>`: the filing process manager's own record, `append(none)`, so each mail is filed once. */
export const FilingDecided = defineEvent({
  type: 'FilingDecided',
  version: 2,
  doc: 'Filing chose where a received mail goes in one mailbox: a thread, or nowhere, because the same mail is there already, a webhook wants it dropped, or it is a report on a mail that went out.',
  data: t.readonly(
    t.type({
      mailboxId: MailboxId,
      emailId: EmailId,
      outcome: t.union([
        t.readonly(t.type({ type: t.literal('thread'), threadId: text(36, 36), by: text(1, 40) })),
        t.readonly(t.type({ type: t.literal('duplicate'), of: EmailId })),
        /** A webhook that is asked before filing answered that this mail is not wanted. */
        t.readonly(t.type({ type: t.literal('dropped'), by: text(1, 200) })),
        /** A report on a mail of ours, which its deliveries show. */
        t.readonly(t.type({ type: t.literal('report'), of: EmailId })),
      ]),
    }),
  ),
  upcasts: [{ to: 2, apply: (data) => data }],
});
export type FilingDecided = EventOf<typeof FilingDecided>;

export const Address = t.readonly(t.type({ name: nullable(t.string), email: t.string }));
export type Address = t.TypeOf<typeof Address>;
const Addresses = t.readonlyArray(Address);

/** A body part (RFC 8621 §4.1.4). `partId` is the path in the MIME tree, `1.2`. */
export const Part = t.readonly(
  t.type({
    partId: t.string,
    name: nullable(t.string),
    type: t.string,
    charset: nullable(t.string),
    disposition: nullable(t.string),
    cid: nullable(t.string),
    size: int(0),
  }),
);
export type Part = t.TypeOf<typeof Part>;

/**
 * What threads, lists and rules need of a mail. Capped so that the event stays small; the raw bytes are always kept beside it. What only a
 * single mail's page shows is in `EmailDetails`: every replay reads this, none reads that (docs/decisions/022).
 */
export const EmailContent = t.readonly(
  t.type({
    messageId: nullable(t.string),
    inReplyTo: t.readonlyArray(t.string),
    references: t.readonlyArray(t.string),
    from: Addresses,
    to: Addresses,
    cc: Addresses,
    subject: t.string,
    sentAt: nullable(t.string),
    preview: t.string,
    hasAttachments: t.boolean,
  }),
);
export type EmailContent = t.TypeOf<typeof EmailContent>;

const Check = oneOf('pass', 'fail', 'softfail', 'none');
/**
 * Who sent a mail, as far as it can be proven (RFC 7208, 6376, 9989, 8617). `none`: not checked, nothing to check, or nobody answered. The
 * verdict is about the author that is shown: `pass` if the From domain vouches for the mail, `forged` if it says that this is not its own.
 */
export const Authentication = t.readonly(
  t.type({ spf: Check, dkim: Check, dmarc: Check, arc: Check, verdict: oneOf('pass', 'none', 'forged') }),
);
export type Authentication = t.TypeOf<typeof Authentication>;

/** `none`: nothing looked at it. `reasons` say what was found, or what could not be looked at. */
export const SpamVerdict = t.readonly(
  t.type({ verdict: oneOf('none', 'ham', 'spam'), score: nullable(t.number), reasons: t.readonlyArray(t.string) }),
);
export type SpamVerdict = t.TypeOf<typeof SpamVerdict>;

/** The rest of what headers and MIME tree say. Kept with the bodies in the blob that `bodyBlobId` names, not in the event. */
export const EmailDetails = t.readonly(
  t.intersection([
    t.type({
      sender: Addresses,
      replyTo: Addresses,
      bcc: Addresses,
      textBody: t.readonlyArray(Part),
      htmlBody: t.readonlyArray(Part),
      attachments: t.readonlyArray(Part),
    }),
    /** Absent from what did not come in by SMTP, or was not checked. */
    t.partial({ authentication: Authentication, spam: SpamVerdict }),
    /** Whom its author wants to be told that it was read (RFC 8098). Absent from what asks for nothing. */
    t.partial({ receiptTo: Addresses }),
  ]),
);
export type EmailDetails = t.TypeOf<typeof EmailDetails>;

export const emailEvents = [EmailReceived, FilingDecided] as const;
export type EmailEvent = EventOf<(typeof emailEvents)[number]>;
