/** A draft that answers a mail or passes it on: filled with whom it goes to, its subject, what it quotes and what goes along. */
import type { DraftAttachment, DraftContent, DraftParent } from '@tidings/contracts/events/draft';
import type { Address } from '@tidings/contracts/events/email';
import { MOST_ATTACHMENTS, MOST_RECIPIENTS } from '@tidings/contracts/http/drafts';
import type { EmailId, MailboxId } from '@tidings/contracts/ids';
import { answerSubject, recipientsOf, referencesOf } from '@tidings/domain/mail/answer';
import { type HeldEmail, emailIn } from '@tidings/projections/emails/index';
import type { Composer } from '@tidings/infra/compose/compose';
import { type Mime, readBodies, type StoredBodies } from '@tidings/infra/mime/mime';
import type { Actor } from '../../../../http-kit/src/ctx.ts';
import { ApiError } from '../../../../http-kit/src/errors.ts';
import type { Platform } from '../../../../platform/src/platform.ts';
import { assertMayInThread } from '../thread-access.ts';
import { isOwnAddress } from './fields.ts';
import { quoted } from './quote.ts';

export interface Answering {
  readonly platform: Platform;
  readonly composer: Composer;
  readonly mime: Mime;
  readonly actor: Actor;
  readonly mailboxId: MailboxId;
}

/** @throws ApiError 404 for a mail that is not in the mailbox, 403 where the thread is only lent to read */
export const answerTo = async (
  answering: Answering,
  empty: DraftContent,
  { emailId, mode }: { readonly emailId: EmailId; readonly mode: DraftParent['mode'] },
): Promise<DraftContent> => {
  const { platform, actor, mailboxId, composer } = answering;
  const [held] = await platform.read.any(emailIn(platform.liveSchema('emails'), emailId, [mailboxId]));
  if (held === undefined || held.content === null) throw new ApiError('CONTENT_NOT_FOUND', 'There is no such email in this mailbox.');
  await assertMayInThread(platform, actor, 'draft', held.threadId, mailboxId);
  const { content } = held;
  const stored = await readBodies(platform.blobs, held.bodyBlobId);
  const own = await ownAmong(platform, mailboxId, [...content.from, ...content.to, ...content.cc]);
  const isOurs = held.direction === 'out' || content.from.some(({ email }) => own.has(email.toLowerCase()));
  const { to, cc } = recipientsOf(mode, { ...content, replyTo: stored.details.replyTo, isOurs }, own);
  const { html, files } = await withPictures(answering, held, stored);
  const body = await quoted(composer, { mode, content, stored, html });
  const attached = mode === 'forward' ? await attachmentsOf(answering, held, stored, files) : [];
  return {
    ...empty,
    ...{ to: to.slice(0, MOST_RECIPIENTS), cc: cc.slice(0, MOST_RECIPIENTS) },
    subject: answerSubject(mode, content.subject).slice(0, 900).toWellFormed(),
    ...body,
    attachments: [...(body.html === '' ? [] : files), ...attached].slice(0, MOST_ATTACHMENTS),
    inReplyTo: { emailId, threadId: held.threadId, mode, messageId: content.messageId, references: referencesOf(content) },
  };
};

/** Those of these addresses that are the mailbox's, in lower case. */
const ownAmong = async (platform: Platform, mailboxId: MailboxId, people: readonly Address[]): Promise<ReadonlySet<string>> => {
  const emails = [...new Set(people.map(({ email }) => email.toLowerCase()))];
  const own = await Promise.all(emails.map((email) => isOwnAddress(platform, mailboxId, email)));
  return new Set(emails.filter((_, at) => own[at]));
};

const PART_LINK = /"tidings-part:([0-9.]{1,400})"/g;

/** The HTML of a mail with its own pictures as files of the draft. */
const withPictures = async (
  answering: Answering,
  held: HeldEmail,
  { details, bodies }: StoredBodies,
): Promise<{ readonly html: string; readonly files: readonly DraftAttachment[] }> => {
  const html = details.htmlBody
    .map(({ partId, type }) => (type === 'text/html' ? (bodies[partId]?.value ?? '') : ''))
    .join('\n')
    .trim();
  const shown = [...new Set([...html.matchAll(PART_LINK)].map(([, partId = '']) => partId))];
  if (shown.length === 0) return { html, files: [] };
  const parts = await filesFor(answering, held, shown, details);
  const cids = new Map(parts.map(({ partId }) => [partId, `${partId}.${held.emailId}@quoted`]));
  return {
    html: html.replace(PART_LINK, (_, partId: string) => `"cid:${cids.get(partId) ?? ''}"`),
    files: parts.map(({ partId, file }) => ({ ...file, cid: cids.get(partId) ?? null })),
  };
};

const attachmentsOf = async (
  answering: Answering,
  held: HeldEmail,
  { details }: StoredBodies,
  shown: readonly DraftAttachment[],
): Promise<readonly DraftAttachment[]> => {
  const ids = details.attachments.map(({ partId }) => partId);
  const files = (await filesFor(answering, held, ids, details)).map(({ file }) => file);
  const known = new Set(shown.map(({ blobId }) => blobId));
  return files.filter(({ blobId }) => !known.has(blobId));
};

/** Parts of the mail as files of their own; one that cannot be read is left out. */
const filesFor = async (
  { platform, mime }: Answering,
  held: HeldEmail,
  partIds: readonly string[],
  { attachments, htmlBody, textBody }: StoredBodies['details'],
): Promise<readonly { readonly partId: string; readonly file: DraftAttachment }[]> => {
  if (partIds.length === 0) return [];
  const raw = await platform.blobs.read(held.blobId);
  const found: { readonly partId: string; readonly file: DraftAttachment }[] = [];
  for (const partId of partIds.slice(0, MOST_ATTACHMENTS)) {
    const bytes = await mime.part(raw, partId);
    if (bytes === null) continue;
    const part = [...attachments, ...htmlBody, ...textBody].find((one) => one.partId === partId);
    const { id: blobId, size } = await platform.blobs.put(bytes);
    found.push({
      partId,
      file: { blobId, size, name: part?.name ?? `part-${partId}`, type: part?.type ?? 'application/octet-stream', cid: null },
    });
  }
  return found;
};
