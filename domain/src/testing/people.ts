/** The cast of our specifications. */
import type {
  BlobId,
  CommentId,
  ConversationId,
  DraftId,
  EmailId,
  GatewayMailId,
  ImportId,
  LabelId,
  MailboxId,
  MediaId,
  MessageId,
  NotificationId,
  ReportId,
  RoomId,
  SubscriptionId,
  TemplateId,
  ThreadId,
  UserId,
  WebhookId,
} from '@tidings/contracts/ids';

const numbered = (kind: number, n: number): string => `${kind.toString(16)}0000000-0000-4000-8000-${String(n).padStart(12, '0')}`;

export const userNo = (n: number): UserId => numbered(1, n) as UserId;
export const roomNo = (n: number): RoomId => numbered(2, n) as RoomId;
export const messageNo = (n: number): MessageId => numbered(3, n) as MessageId;
export const mailboxNo = (n: number): MailboxId => numbered(4, n) as MailboxId;
export const emailNo = (n: number): EmailId => numbered(5, n) as EmailId;
export const threadNo = (n: number): ThreadId => numbered(6, n) as ThreadId;
export const mediaNo = (n: number): MediaId => numbered(7, n) as MediaId;
export const notificationNo = (n: number): NotificationId => numbered(8, n) as NotificationId;
export const webhookNo = (n: number): WebhookId => numbered(9, n) as WebhookId;
export const subscriptionNo = (n: number): SubscriptionId => numbered(10, n) as SubscriptionId;
export const reportNo = (n: number): ReportId => numbered(11, n) as ReportId;
export const labelNo = (n: number): LabelId => numbered(12, n) as LabelId;
export const commentNo = (n: number): CommentId => numbered(13, n) as CommentId;
export const draftNo = (n: number): DraftId => numbered(14, n) as DraftId;
export const importNo = (n: number): ImportId => numbered(15, n) as ImportId;
export const conversationNo = (n: number): ConversationId => numbered(2, n) as ConversationId;
export const gatewayMailNo = (n: number): GatewayMailId => numbered(0, 500 + n) as GatewayMailId;
export const templateNo = (n: number): TemplateId => numbered(0, n) as TemplateId;
export const blobNo = (n: number): BlobId => String(n).padStart(64, '0') as BlobId;

export const alice = userNo(1);
export const bob = userNo(2);
export const carol = userNo(3);
