/** The cast of our specifications. */
import type { BlobId, EmailId, MailboxId, MessageId, RoomId, ThreadId, UserId } from '@tidings/contracts/ids';

const numbered = (kind: number, n: number): string => `${kind}0000000-0000-4000-8000-${String(n).padStart(12, '0')}`;

export const userNo = (n: number): UserId => numbered(1, n) as UserId;
export const roomNo = (n: number): RoomId => numbered(2, n) as RoomId;
export const messageNo = (n: number): MessageId => numbered(3, n) as MessageId;
export const mailboxNo = (n: number): MailboxId => numbered(4, n) as MailboxId;
export const emailNo = (n: number): EmailId => numbered(5, n) as EmailId;
export const threadNo = (n: number): ThreadId => numbered(6, n) as ThreadId;
export const blobNo = (n: number): BlobId => String(n).padStart(64, '0') as BlobId;

export const alice = userNo(1);
export const bob = userNo(2);
export const carol = userNo(3);
