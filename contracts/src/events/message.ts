/**
 * Stream `message-<roomId>.<messageId>`: one per message, so that sending is `append(none)` with ids derived from the idempotency key
 * and the log itself refuses the second copy. A room's order is the log's order; `seq` is a message's rank in it (docs/decisions). Edits and the
 * deletion of a message stand behind it on the same stream and take no place of their own.
 */
import * as t from 'io-ts';
import { nullable, text } from '../codec.ts';
import { MediaId, MessageId, RoomId, UserId } from '../ids.ts';
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
/** The quote is a frozen copy of what was answered, one level deep. It is its author's: erasing them takes it away, wherever they were quoted. */
const replyBody = t.readonly(
  t.type({
    type: t.literal('Reply'),
    text: MessageText,
    quoted: t.readonly(
      t.type({
        messageId: MessageId,
        senderId: UserId,
        createdAt: Timestamp,
        body: sealed(t.union([textBody, mediaBody, t.readonly(t.type({ type: t.literal('Reply'), text: MessageText }))])),
      }),
    ),
  }),
);
export const MessageBody = t.union([textBody, mediaBody, replyBody]);
export type MessageBody = t.TypeOf<typeof MessageBody>;

/** Members whom a message names, so that they learn of it. */
const Mentions = t.readonlyArray(UserId);

const bodyAndQuote = [
  { subject: 'senderId', fields: ['body'] },
  { within: 'body.quoted', subject: 'senderId', fields: ['body'] },
];

export const MessageSent = defineEvent({
  type: 'MessageSent',
  version: 2,
  doc: "A member sent a message to a room; as a reply in a thread it names the thread's first message.",
  data: t.readonly(
    t.type({
      roomId: RoomId,
      messageId: MessageId,
      senderId: UserId,
      body: sealed(MessageBody),
      mentions: Mentions,
      threadId: nullable(MessageId),
    }),
  ),
  personal: bodyAndQuote,
  upcasts: [{ to: 2, apply: (data) => ({ ...data, mentions: [], threadId: null }) }],
});
export type MessageSent = EventOf<typeof MessageSent>;

export const MessageEdited = defineEvent({
  type: 'MessageEdited',
  doc: 'The author of a message rewrote it; the body is whole and of the same kind as before.',
  data: t.readonly(t.type({ roomId: RoomId, messageId: MessageId, senderId: UserId, body: sealed(MessageBody), mentions: Mentions })),
  personal: bodyAndQuote,
});
export type MessageEdited = EventOf<typeof MessageEdited>;

export const MessageDeleted = defineEvent({
  type: 'MessageDeleted',
  doc: 'A message was deleted, by its author or by who moderates the group; its place in the room stays.',
  data: t.readonly(t.type({ roomId: RoomId, messageId: MessageId, senderId: UserId, deletedBy: UserId })),
});
export type MessageDeleted = EventOf<typeof MessageDeleted>;

export const MediaShown = defineEvent({
  type: 'MediaShown',
  doc: 'A message points to an uploaded file, so that who sees the message may fetch it. Not sealed: it holds, whoever of those before is erased.',
  data: t.readonly(t.type({ roomId: RoomId, messageId: MessageId, senderId: UserId, mediaId: MediaId })),
});
export type MediaShown = EventOf<typeof MediaShown>;

export const messageEvents = [MessageSent, MediaShown, MessageEdited, MessageDeleted] as const;
export type MessageEvent = EventOf<(typeof messageEvents)[number]>;
