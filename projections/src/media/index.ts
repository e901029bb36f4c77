/**
 * Uploaded files and who may fetch them: who uploaded one, and who can see a message that points to it. A message counts only when its
 * sender could fetch the file themselves, so knowing an id opens nothing. Also keeps the pictures of rooms.
 */
import type { Recorded } from '@tidings/contracts/events/index';
import type { MediaUploaded } from '@tidings/contracts/events/media';
import type { MediaShown, MessageDeleted } from '@tidings/contracts/events/message';
import type { RoomClosed, RoomCreated, RoomImageChanged, RoomJoined, RoomLeft } from '@tidings/contracts/events/room';
import type { SubjectErased } from '@tidings/contracts/events/user';
import type { Projection, ProjectionTx } from '@tidings/contracts/projection';
import { reveal } from '@tidings/contracts/sealed';

export * from './queries.ts';

/**
 * `since`: a member sees messages at later positions; empty for all of them. `media_id` is null where the sender could not fetch the file
 * themselves. The indexes on `message` serve closed rooms, erased senders and readers.
 */
const tables = (schema: string): string => `
  create table ${schema}.file (
    media_id uuid primary key,
    uploaded_by uuid not null,
    blob_id text not null,
    mime_type text not null,
    size bigint not null,
    name text
  );
  create index on ${schema}.file (uploaded_by);
  create table ${schema}.room (
    room_id uuid primary key,
    is_group boolean not null,
    image_blob_id text,
    image_mime_type text,
    image_size bigint
  );
  create table ${schema}.member (
    room_id uuid not null,
    user_id uuid not null,
    since text collate "C" not null,
    primary key (room_id, user_id)
  );
  create table ${schema}.message (
    message_id uuid primary key,
    room_id uuid not null,
    sender_id uuid not null,
    position text collate "C" not null,
    media_id uuid
  );
  create index on ${schema}.message (media_id) where media_id is not null;
  create index on ${schema}.message (room_id);
  create index on ${schema}.message (sender_id);`;

export const media: Projection = {
  name: 'media',
  version: 2,
  handles: [
    'MediaUploaded',
    'MediaShown',
    'MessageDeleted',
    'RoomCreated',
    'RoomJoined',
    'RoomLeft',
    'RoomClosed',
    'RoomImageChanged',
    'SubjectErased',
  ],
  tables,
  // Files are few; one statement each keeps the order simple.
  apply: async (page, tx) => {
    for (const event of page) if (isHandled(event)) await applyOne(event, tx);
  },
};

type Handled = Recorded<
  MediaUploaded | MediaShown | MessageDeleted | RoomCreated | RoomJoined | RoomLeft | RoomClosed | RoomImageChanged | SubjectErased
>;
const isHandled = (event: Recorded): event is Handled => media.handles.includes(event.type);

const applyOne = async (event: Handled, tx: ProjectionTx): Promise<void> => {
  const { schema } = tx;
  switch (event.type) {
    case 'MediaUploaded': {
      const { mediaId, uploadedBy, blobId, mimeType, size, name } = event.data;
      await tx.query(`insert into ${schema}.file (media_id, uploaded_by, blob_id, mime_type, size, name) values ($1, $2, $3, $4, $5, $6)`, [
        mediaId,
        uploadedBy,
        blobId,
        mimeType,
        size,
        reveal(name, null)?.toWellFormed().replaceAll('\u0000', '') ?? null,
      ]);
      return;
    }
    case 'MediaShown': {
      const { roomId, messageId, senderId, mediaId } = event.data;
      await tx.query(
        `insert into ${schema}.message (message_id, room_id, sender_id, position, media_id)
         select $1::uuid, $2::uuid, $3::uuid, $4, ${fetchable(schema, '$5', '$3')} where exists (select from ${schema}.room where room_id = $2::uuid)`,
        [messageId, roomId, senderId, event.position, mediaId],
      );
      return;
    }
    case 'MessageDeleted':
      await tx.query(`delete from ${schema}.message where message_id = $1`, [event.data.messageId]);
      return;
    case 'RoomCreated': {
      const { roomId, roomType, members } = event.data;
      await tx.query(`insert into ${schema}.room (room_id, is_group) values ($1, $2)`, [roomId, roomType === 'Group']);
      await tx.query(
        `insert into ${schema}.member (room_id, user_id, since) select $1::uuid, user_id, '' from unnest($2::uuid[]) as of (user_id)
         on conflict do nothing`,
        [roomId, members],
      );
      return;
    }
    case 'RoomJoined':
      // Who comes back to a private room sees what comes after; a group shows all of it.
      await tx.query(
        `insert into ${schema}.member (room_id, user_id, since)
         select room_id, $2::uuid, case when is_group then '' else $3 end from ${schema}.room where room_id = $1
         on conflict (room_id, user_id) do update set since = excluded.since`,
        [event.data.roomId, event.data.userId, event.position],
      );
      return;
    case 'RoomLeft':
      await tx.query(`delete from ${schema}.member where room_id = $1 and user_id = $2`, [event.data.roomId, event.data.userId]);
      return;
    case 'RoomClosed':
      for (const table of ['message', 'member', 'room'])
        await tx.query(`delete from ${schema}.${table} where room_id = $1`, [event.data.roomId]);
      return;
    case 'RoomImageChanged': {
      const { roomId, image } = event.data;
      await tx.query(`update ${schema}.room set image_blob_id = $2, image_mime_type = $3, image_size = $4 where room_id = $1`, [
        roomId,
        image?.blobId ?? null,
        image?.mimeType ?? null,
        image?.size ?? null,
      ]);
      return;
    }
    case 'SubjectErased':
      await tx.query(`delete from ${schema}.file where uploaded_by = $1`, [event.data.userId]);
      await tx.query(`delete from ${schema}.message where sender_id = $1`, [event.data.userId]);
  }
};

/** The file when its sender uploaded it or can see it somewhere, else null. */
const fetchable = (schema: string, file: string, sender: string): string => `(
  select media_id from ${schema}.file f where media_id = ${file}::uuid and (uploaded_by = ${sender}::uuid or exists (
    select from ${schema}.message m join ${schema}.member b on b.room_id = m.room_id and b.user_id = ${sender}::uuid and m.position > b.since
    where m.media_id = f.media_id)))`;
