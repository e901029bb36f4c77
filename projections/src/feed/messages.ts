/** What becomes of messages, told to the members of their room. Each says everything itself, so it can be told ahead of the tables. */
import type { Recorded } from '@tidings/contracts/events/index';
import type { MessageMailed, MessageMailStatusChanged, MessageNotMailed } from '@tidings/contracts/events/mailing';
import type { MessageDeleted, MessageEdited } from '@tidings/contracts/events/message';
import type { ReactionAdded, ReactionRemoved } from '@tidings/contracts/events/reaction';
import type { MessagePinned, MessageUnpinned } from '@tidings/contracts/events/room';
import type { MessageMailStatus } from '@tidings/contracts/http/chat-objects';
import { shownBody } from '../chat-view/index.ts';
import { roomAudience, tell, type Row } from './rows.ts';

export const messageChanges = [
  'MessageEdited',
  'MessageDeleted',
  'ReactionAdded',
  'ReactionRemoved',
  'MessagePinned',
  'MessageUnpinned',
  'MessageMailed',
  'MessageNotMailed',
  'MessageMailStatusChanged',
] as const;

type MessageChange =
  | MessageEdited
  | MessageDeleted
  | ReactionAdded
  | ReactionRemoved
  | MessagePinned
  | MessageUnpinned
  | MessageMailed
  | MessageNotMailed
  | MessageMailStatusChanged;

const types: ReadonlySet<string> = new Set(messageChanges);
export const isMessageChange = (event: Recorded): event is Recorded<MessageChange> => types.has(event.type);

export const messageChanged = (event: Recorded<MessageChange>): readonly Row[] => {
  const { roomId, messageId } = event.data;
  const audience = roomAudience(roomId);
  const createdAt = event.recordedAt;
  switch (event.type) {
    case 'MessageEdited': {
      const { senderId, body, mentions } = event.data;
      const { msgBody } = shownBody(body);
      return [tell(audience, { type: event.type, createdAt, roomId, messageId, senderId, msgBody, mentions, editedAt: createdAt })];
    }
    case 'MessageDeleted':
      return [tell(audience, { type: event.type, createdAt, roomId, messageId, deletedBy: event.data.deletedBy })];
    case 'ReactionAdded':
    case 'ReactionRemoved': {
      const { userId, emoji } = event.data;
      const added = event.type === 'ReactionAdded';
      return [tell(audience, { type: 'ReactionChanged', createdAt, roomId, messageId, userId, emoji, added })];
    }
    case 'MessagePinned':
    case 'MessageUnpinned':
      return [tell(audience, { type: event.type, createdAt, roomId, messageId, by: event.data.by })];
    case 'MessageMailed':
      return [mailChanged(event, 'queued')];
    case 'MessageNotMailed':
      return [mailChanged(event, 'not-mailed')];
    case 'MessageMailStatusChanged':
      return [mailChanged(event, event.data.status)];
  }
};

/** Why somebody was not mailed is theirs to know. */
const mailChanged = (
  { data: { roomId, messageId, userId }, recordedAt }: Recorded<MessageMailed | MessageNotMailed | MessageMailStatusChanged>,
  status: MessageMailStatus,
): Row => tell(roomAudience(roomId), { type: 'MessageMailChanged', createdAt: recordedAt, roomId, messageId, userId, status });
