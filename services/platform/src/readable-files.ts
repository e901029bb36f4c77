/** Files that someone may read: uploads and attachments of drafts in mailboxes that they may read. Knowing an id is no right. */
import type { DraftAttachment } from '@tidings/contracts/events/draft';
import type { BlobId, UserId } from '@tidings/contracts/ids';
import { may } from '@tidings/domain/authorization/may';
import { draftById, draftsWith, uploadsOf } from '@tidings/projections/drafts/index';
import { rolesOf } from '@tidings/projections/mailboxes/index';
import { readContent } from './draft-content.ts';
import type { Platform } from './platform.ts';

/** What `readableFile` reads, by projection name. */
export const FILE_READS = ['mailboxes', 'drafts'] as const;

export type ReadableFile = Pick<DraftAttachment, 'size' | 'type'> & { readonly name: string | null };

type Parts = Pick<Platform, 'read' | 'liveSchema' | 'blobs'>;

/** Null when there is none that they may read. */
export const readableFile = async (platform: Parts, user: UserId, blob: BlobId): Promise<ReadableFile | null> => {
  const roles = await platform.read.any(rolesOf(platform.liveSchema('mailboxes'), user));
  const mailboxes = roles
    .filter(({ role }) => may({ isAdmin: false }, 'read', { kind: 'mailbox', role }))
    .map(({ mailboxId }) => mailboxId);
  if (mailboxes.length === 0) return null;
  const schema = platform.liveSchema('drafts');
  const [uploaded] = await platform.read.any(uploadsOf(schema, blob, mailboxes));
  if (uploaded !== undefined) return uploaded;
  for (const { draftId } of await platform.read.any(draftsWith(schema, blob, mailboxes))) {
    const draft = await platform.read.maybeOne(draftById(schema, draftId));
    const content = draft === null ? null : await readContent(platform.blobs, draft);
    const attached = content?.attachments.find(({ blobId }) => blobId === blob);
    if (attached !== undefined) return attached;
  }
  return null;
};
