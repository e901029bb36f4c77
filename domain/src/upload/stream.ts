import type { BlobId, MailboxId } from '@tidings/contracts/ids';

export const category = 'upload';
export const uploadKey = (mailbox: MailboxId, blob: BlobId): string => `${mailbox}.${blob}`;
