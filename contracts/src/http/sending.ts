/** Sending mail (mail-contract §3): a draft now, after a while or at a time, and a whole message. */
import * as t from 'io-ts';
import { int, oneOf } from '../codec.ts';
import { DraftId, EmailId, MailboxId } from '../ids.ts';
import { Timestamp } from '../time.ts';
import { Draft, MAX_ATTACHMENT_BYTES, MAX_MAIL_BODY_BYTES, Sending } from './drafts.ts';
import { defineRoute, type Route } from './route.ts';
import { WholeMessage } from './whole-message.ts';

/** How long a mail can be taken back, unless its sender says otherwise. */
export const UNDO_SECONDS = 10;
export const MOST_UNDO_SECONDS = 120;
/** Base64 makes attachments longer by a third and its line ends. */
export const MAX_SUBMITTED_BYTES = MAX_MAIL_BODY_BYTES + Math.ceil(1.4 * MAX_ATTACHMENT_BYTES);

export const SendDraft = t.readonly(
  t.partial({
    /** What is to be sent; another revision is refused with 409. Left out: whatever the draft says now. */
    revision: int(1),
    /** When; not later than in a year. Until then it can be taken back. */
    sendAt: Timestamp,
    /** Left out `sendAt`: how long it can be taken back, 10 seconds unless said; 0 sends it at once. */
    undoSeconds: int(0, MOST_UNDO_SECONDS),
    /** Asks its recipients' programs to tell that it was read (RFC 8098), which many do only if their people agree. */
    requestReceipt: t.boolean,
  }),
);

const draftParams = t.readonly(t.type({ draftId: DraftId }));

export const sendDraft = defineRoute({
  id: 'sendDraft',
  method: 'POST',
  path: '/api/drafts/{draftId}/send',
  tag: 'Drafts',
  summary:
    'Sends a draft, in ten seconds or at `sendAt`; until then it can be taken back. Sent again it answers the same: a draft is one mail. For senders.',
  params: draftParams,
  body: t.union([SendDraft, t.undefined]),
  response: Sending,
  errors: [403, 404, 409, 422],
});

export const undoSend = defineRoute({
  id: 'undoSend',
  method: 'DELETE',
  path: '/api/drafts/{draftId}/send',
  tag: 'Drafts',
  summary: 'Takes a draft back that was not sent yet; 409 when it was. For senders.',
  params: draftParams,
  response: Draft,
  errors: [403, 404, 409],
});

export const Submitted = t.readonly(t.type({ messageId: t.string, emailId: EmailId, status: oneOf('accepted') }));

export const submitMessage = defineRoute({
  id: 'submitMessage',
  method: 'POST',
  path: '/api/mailboxes/{mailboxId}/submit',
  tag: 'Drafts',
  summary:
    'Sends a whole message (message/rfc822) to the addresses in the header `X-Rcpt-To` (a list with commas, at most 500); those that To and Cc do not name are blind copies. Its From is the mailbox or an alias, it has no Bcc. Answered 202 once it is durable. For senders.',
  params: t.readonly(t.type({ mailboxId: MailboxId })),
  body: new WholeMessage(MAX_SUBMITTED_BYTES),
  response: Submitted,
  errors: [403, 404, 409, 422],
});

export const sendingRoutes: readonly Route[] = [sendDraft, undoSend, submitMessage];
