/** What is asked of files and pictures. Whoever may not see one gets no row, as for one that there is not. */
import { BlobId, type MediaId, type MessageId, type RoomId, UserId } from '@tidings/contracts/ids';
import { rows } from '@tidings/contracts/sql-rows';
import * as t from 'io-ts';
import { sql } from 'slonik';
import { tableIn } from '../chat-view/tables.ts';

const stored = { blobId: BlobId, mimeType: t.string, size: t.number };
const StoredFile = t.readonly(t.type({ ...stored, uploadedBy: UserId, name: t.union([t.string, t.null]) }));
export type StoredFile = t.TypeOf<typeof StoredFile>;

/** By primary key. */
export const fileById = (schema: string, id: MediaId) => sql.type(
  rows(StoredFile),
)`select blob_id as "blobId", mime_type as "mimeType", size, uploaded_by as "uploadedBy", name
  from ${tableIn(schema, 'file')} where media_id = ${id}`;

/** More people than this show one viewer the same file only by design. */
const MOST_SHOWN = 1000;

/** Who shows `viewer` the file, and whether in a group (where a block hides them). Index on message (media_id), primary key of member. */
export const shownBy = (schema: string, id: MediaId, viewer: UserId) => sql.type(
  rows(t.readonly(t.type({ senderId: UserId, isGroup: t.boolean }))),
)`select distinct m.sender_id as "senderId", r.is_group as "isGroup"
  from ${tableIn(schema, 'message')} m
  join ${tableIn(schema, 'member')} b on b.room_id = m.room_id and b.user_id = ${viewer} and m.position > b.since
  join ${tableIn(schema, 'room')} r on r.room_id = m.room_id
  where m.media_id = ${id} limit ${MOST_SHOWN}`;

const RoomImage = t.readonly(t.type(stored));
export type RoomImage = t.TypeOf<typeof RoomImage>;

/** For members only. Primary keys of both tables. */
export const roomImage = (schema: string, room: RoomId, viewer: UserId) => sql.type(
  rows(RoomImage),
)`select r.image_blob_id as "blobId", r.image_mime_type as "mimeType", r.image_size as size
  from ${tableIn(schema, 'room')} r
  join ${tableIn(schema, 'member')} b on b.room_id = r.room_id and b.user_id = ${viewer}
  where r.room_id = ${room} and r.image_blob_id is not null`;

/** The file that a message shows; no row for one that its sender could not fetch themselves, and once the message is gone. Primary keys. */
export const fileShownIn = (schema: string, message: MessageId, id: MediaId) => sql.type(
  rows(StoredFile),
)`select f.blob_id as "blobId", f.mime_type as "mimeType", f.size, f.uploaded_by as "uploadedBy", f.name
  from ${tableIn(schema, 'message')} m join ${tableIn(schema, 'file')} f using (media_id)
  where m.message_id = ${message} and m.media_id = ${id}`;
