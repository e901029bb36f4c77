/**
 * Stream `message-<roomId>.<messageId>`: one per message, so that sending is `append(none)` with ids derived from the idempotency key
 * and the log itself refuses the second copy. A room's order is the log's order; `seq` is a message's rank in it (docs/decisions).
 */
import * as t from 'io-ts';
import { nullable, text } from '../codec.ts';
import { MessageId, RoomId, UserId } from '../ids.ts';
import { sealed } from '../sealed.ts';
import { Timestamp } from '../time.ts';
import { defineEvent, type EventOf } from './definition.ts';

export const MessageText = text(1, 4000);

const textBody = t.readonly(t.type({ type: t.literal('Text'), text: MessageText }));
const mediaBody = t.readonly(
  t.type({
    type: t.literal('Media'),
    mediaUrl: text(1, 250),
    mediaType: text(1, 80),
    mimeType: nullable(text(1, 255)),
    altText: nullable(text(1, 1000)),
  }),
);
/** The quote is a frozen copy of what was answered, one level deep. */
const replyBody = t.readonly(
  t.type({
    type: t.literal('Reply'),
    text: MessageText,
    quoted: t.readonly(
      t.type({
        messageId: MessageId,
        senderId: UserId,
        createdAt: Timestamp,
        body: t.union([textBody, mediaBody, t.readonly(t.type({ type: t.literal('Reply'), text: MessageText }))]),
      }),
    ),
  }),
);
export const MessageBody = t.union([textBody, mediaBody, replyBody]);
export type MessageBody = t.TypeOf<typeof MessageBody>;

export const MessageSent = defineEvent({
  type: 'MessageSent',
  doc: 'A member sent a message to a room.',
  data: t.readonly(t.type({ roomId: RoomId, messageId: MessageId, senderId: UserId, body: sealed(MessageBody) })),
  personal: [{ subject: 'senderId', fields: ['body'] }],
});
export type MessageSent = EventOf<typeof MessageSent>;

export const messageEvents = [MessageSent] as const;
export type MessageEvent = EventOf<(typeof messageEvents)[number]>;
