/** Every way a decision can be refused. Whoever maps rejections to status codes does it over this union, so none is forgotten. */
import type { AddressRejection } from './address/index.ts';
import type { AnsweredRejection } from './answered/index.ts';
import type { CommentRejection } from './comment/index.ts';
import type { DraftRejection } from './draft/index.ts';
import type { EmailRejection } from './email/index.ts';
import type { GatewayMailRejection } from './gateway-mail/index.ts';
import type { GatewayRejection } from './gateway/index.ts';
import type { ImportRejection } from './import/index.ts';
import type { LabelRejection } from './label/index.ts';
import type { MailboxRejection } from './mailbox/index.ts';
import type { MediaRejection } from './media/index.ts';
import type { MessageRejection } from './message/index.ts';
import type { NoticesRejection } from './notices/index.ts';
import type { NotificationRejection } from './notification/index.ts';
import type { PushRejection } from './push/index.ts';
import type { OutboundRejection } from './outbound/index.ts';
import type { ReactionRejection } from './reaction/index.ts';
import type { ReadReceiptRejection } from './read-receipt/index.ts';
import type { RelationshipRejection } from './relationship/index.ts';
import type { ReportRejection } from './report/index.ts';
import type { RoomRejection } from './room/index.ts';
import type { TemplateRejection } from './template/index.ts';
import type { ThreadRejection } from './thread/index.ts';
import type { UserRejection } from './user/index.ts';
import type { WebhookRejection } from './webhook/index.ts';

export type Rejection =
  | AddressRejection
  | AnsweredRejection
  | CommentRejection
  | DraftRejection
  | EmailRejection
  | GatewayMailRejection
  | GatewayRejection
  | ImportRejection
  | LabelRejection
  | MailboxRejection
  | MediaRejection
  | MessageRejection
  | NoticesRejection
  | NotificationRejection
  | PushRejection
  | OutboundRejection
  | ReactionRejection
  | ReadReceiptRejection
  | RelationshipRejection
  | ReportRejection
  | RoomRejection
  | TemplateRejection
  | ThreadRejection
  | UserRejection
  | WebhookRejection;
