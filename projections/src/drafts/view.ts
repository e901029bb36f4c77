/** Drafts as HTTP shows them. */
import type { DraftContent } from '@tidings/contracts/events/draft';
import type { Draft, DraftListed } from '@tidings/contracts/http/drafts';
import type { DraftRow } from './queries.ts';

const NOBODY = { name: null, email: '' };

/** @param content null once erased */
export const draftView = (row: DraftRow, content: DraftContent | null): Draft => {
  const { preview: _preview, hasAttachments: _hasAttachments, ...head } = draftListed(row);
  const { cc = [], bcc = [], text = '', html = '', attachments = [], signatureId = null, unsubscribe = null } = content ?? {};
  const parent = content?.inReplyTo ?? null;
  return {
    ...head,
    to: content?.to ?? [],
    ...{ cc, bcc, text, html, attachments, signatureId, unsubscribe },
    inReplyTo: parent === null ? null : { emailId: parent.emailId, mode: parent.mode },
  };
};

export const draftListed = ({
  draftId,
  mailboxId,
  threadId,
  revision,
  summary,
  updatedAt,
  updatedBy,
  submission,
}: DraftRow): DraftListed => ({
  ...{ id: draftId, mailboxId, threadId, revision, updatedAt, updatedBy },
  from: summary?.from ?? NOBODY,
  to: summary?.to ?? [],
  subject: summary?.subject ?? '',
  preview: summary?.preview ?? '',
  hasAttachments: summary?.hasAttachments ?? false,
  sending: submission === null ? null : { sendAt: submission.sendAt, emailId: submission.emailId, messageId: submission.messageId },
});
