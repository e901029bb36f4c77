/** The line under a room's name: its last entry, as that reads now. */
import type { Recorded } from '@tidings/contracts/events/index';
import type { MessageId, RoomId, UserId } from '@tidings/contracts/ids';
import type { ProjectionTx } from '@tidings/contracts/projection';
import type { Timestamp } from '@tidings/contracts/time';
import {
  emptyPreview,
  messageEntry,
  previewParts,
  shownBody,
  type Counted,
  type PreviewParts,
  type RoomCounters,
} from '../chat-view/index.ts';

interface Entry {
  readonly roomId: RoomId;
  /** Null when somebody came or went, which nobody rewrites. */
  readonly messageId: MessageId | null;
  readonly at: Timestamp;
  readonly preview: PreviewParts;
}

/** What a page does to the last entries of rooms. */
export class LatestEntries {
  readonly #latest = new Map<RoomId, Entry>();
  /** Messages rewritten or deleted, of which only the last of their room matter in the end. */
  readonly #amended = new Map<MessageId, { readonly roomId: RoomId; readonly preview: PreviewParts }>();

  take(event: Recorded, counted: Counted | null, rooms: RoomCounters): void {
    if (counted?.entry === true) {
      const entry = entryOf(event);
      if (entry !== null) this.#latest.set(entry.roomId, entry);
    } else if ((event.type === 'MessageEdited' || event.type === 'MessageDeleted') && rooms.isOpen(event.data.roomId)) {
      const { roomId, messageId, senderId } = event.data;
      const preview =
        event.type === 'MessageDeleted' ? emptyPreview(senderId) : previewParts({ senderId, msgBody: shownBody(event.data.body).msgBody });
      this.#amended.set(messageId, { roomId, preview });
    }
  }

  async save(tx: ProjectionTx): Promise<void> {
    const latest = [...this.#latest.values()];
    if (latest.length > 0) {
      await tx.query(
        `update ${tx.schema}.room r set latest_at = page.at, latest_id = page.message_id, preview = page.preview
         from unnest($1::uuid[], $2::uuid[], $3::timestamptz[], $4::json[]) as page (room_id, message_id, at, preview)
         where r.room_id = page.room_id`,
        [
          latest.map(({ roomId }) => roomId),
          latest.map(({ messageId }) => messageId),
          latest.map(({ at }) => at),
          latest.map(({ preview }) => JSON.stringify(preview)),
        ],
      );
    }
    const amended = [...this.#amended];
    if (amended.length > 0) {
      await tx.query(
        `update ${tx.schema}.room r set preview = page.preview
         from unnest($1::uuid[], $2::uuid[], $3::json[]) as page (room_id, message_id, preview)
         where r.room_id = page.room_id and r.latest_id = page.message_id`,
        [
          amended.map(([, { roomId }]) => roomId),
          amended.map(([messageId]) => messageId),
          amended.map(([, { preview }]) => JSON.stringify(preview)),
        ],
      );
    }
  }
}

const entryOf = (event: Recorded): Entry | null => {
  if (event.type === 'MessageSent') {
    const { roomId, messageId } = event.data;
    return { roomId, messageId, at: event.recordedAt, preview: previewParts(messageEntry(event, 0)) };
  }
  if (event.type !== 'RoomJoined' && event.type !== 'RoomLeft') return null;
  const { roomId, userId } = event.data;
  const room_change_type = event.type === 'RoomJoined' ? 'JOIN' : 'LEAVE';
  return { roomId, messageId: null, at: event.recordedAt, preview: { type: 'RoomChange', senderId: userId, room_change_type } };
};

/** The text of the row says whose it is: read as JSON, Postgres stumbles over U+0000. Quotes in what people write are escaped. */
export const eraseLatest = async (tx: ProjectionTx, user: UserId): Promise<void> => {
  await tx.query(
    `update ${tx.schema}.room set preview = $2
     where preview::text like '%"senderId":"' || $1::uuid || '"%' and not starts_with(preview::text, '{"type":"RoomChange"')`,
    [user, JSON.stringify(emptyPreview(user))],
  );
};
