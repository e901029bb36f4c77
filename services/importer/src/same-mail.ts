/** Mail that was filed by others than filing and imports (sent from here, say) is in the index without a hash: its bytes tell whether it is the same. */
import type { MailboxId } from '@tidings/contracts/ids';
import { BlobNotFound } from '@tidings/contracts/ports/blob-store';
import { contentHash } from '@tidings/infra/mime/head';
import { emailsAt } from '@tidings/projections/emails/index';
import type { HeldIndex } from '../../filing/src/held-index.ts';
import type { Platform } from '../../platform/src/platform.ts';

type Twin = ReturnType<HeldIndex['sameMessageId']>[number];

/** Null when it is none of these, or nobody can tell yet. */
export const sameAsHeld = async (
  twins: readonly Twin[],
  mailboxId: MailboxId,
  mail: { readonly contentHash: string },
  { read, liveSchema, blobs }: Pick<Platform, 'read' | 'liveSchema' | 'blobs'>,
): Promise<Twin | null> => {
  const unknown = twins.filter((twin) => twin.contentHash === null);
  if (unknown.length === 0) return null;
  const held = await read.any(
    emailsAt(
      liveSchema('emails'),
      unknown.map(({ emailId }) => ({ emailId, mailboxId })),
    ),
  );
  for (const { emailId, blobId } of held) {
    const hash = await hashOf(() => blobs.read(blobId));
    if (hash === mail.contentHash) return unknown.find((twin) => twin.emailId === emailId) ?? null;
  }
  return null;
};

const hashOf = async (read: () => Promise<Buffer>): Promise<string | null> => {
  try {
    return contentHash(await read());
  } catch (error) {
    if (error instanceof BlobNotFound) return null;
    throw error;
  }
};
