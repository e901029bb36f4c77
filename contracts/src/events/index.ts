/** Every event type there is. Adding one here puts it into the codec, the catalogue and the golden-file guard. */
import type { EventId, StreamId } from '../ids.ts';
import type { EventMeta, Position } from '../ports/event-log.ts';
import type { Timestamp } from '../time.ts';
import { answeringEvents } from './answering.ts';
import { commentEvents } from './comment.ts';
import { commandEvents } from './command.ts';
import { contactEvents } from './contact.ts';
import type { AnyEvent, EventDefinition, EventOf } from './definition.ts';
import { domainEvents } from './domain.ts';
import { draftEvents } from './draft.ts';
import { emailEvents } from './email.ts';
import { gatewayMailEvents } from './gateway-mail.ts';
import { gatewayEvents } from './gateway.ts';
import { importEvents } from './import.ts';
import { labelEvents } from './label.ts';
import { mailboxEvents } from './mailbox.ts';
import { mailingEvents } from './mailing.ts';
import { mediaEvents } from './media.ts';
import { messageEvents } from './message.ts';
import { notificationEvents } from './notification.ts';
import { noticesEvents } from './notices.ts';
import { outboundEvents } from './outbound.ts';
import { pushEvents } from './push.ts';
import { reactionEvents } from './reaction.ts';
import { readReceiptEvents } from './read-receipt.ts';
import { relationshipEvents } from './relationship.ts';
import { reportEvents } from './report.ts';
import { roomEvents } from './room.ts';
import { templateEvents } from './template.ts';
import { threadEvents } from './thread.ts';
import { uploadEvents } from './upload.ts';
import { userEvents } from './user.ts';
import { webhookEvents } from './webhook.ts';

export const eventDefinitions = [
  ...userEvents,
  ...relationshipEvents,
  ...roomEvents,
  ...messageEvents,
  ...reactionEvents,
  ...readReceiptEvents,
  ...mediaEvents,
  ...notificationEvents,
  ...pushEvents,
  ...webhookEvents,
  ...reportEvents,
  ...mailboxEvents,
  ...domainEvents,
  ...contactEvents,
  ...emailEvents,
  ...outboundEvents,
  ...gatewayEvents,
  ...gatewayMailEvents,
  ...threadEvents,
  ...labelEvents,
  ...commentEvents,
  ...draftEvents,
  ...uploadEvents,
  ...importEvents,
  ...templateEvents,
  ...answeringEvents,
  ...noticesEvents,
  ...mailingEvents,
  ...commandEvents,
] as const;

export type TidingsEvent = EventOf<(typeof eventDefinitions)[number]>;
export type EventType = TidingsEvent['type'];

export const definitionOf = (type: string): EventDefinition | undefined => byType.get(type);
const byType: ReadonlyMap<string, EventDefinition> = new Map(eventDefinitions.map((definition) => [definition.type, definition]));

/** An event as readers meet it: typed, opened (sealed fields plain or `Shredded`) and with its place in the log. */
export type Recorded<E extends AnyEvent = TidingsEvent> = E & {
  readonly shard: number;
  readonly position: Position;
  readonly stream: StreamId;
  readonly revision: number;
  readonly id: EventId;
  readonly meta: EventMeta;
  readonly recordedAt: Timestamp;
};
