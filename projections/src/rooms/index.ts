/** The rooms and who is in them: what a list of rooms shows, before names and read marks are added by whoever reads. */
import type { Recorded } from '@tidings/contracts/events/index';
import type { RoomType } from '@tidings/contracts/events/room';
import type { RoomId } from '@tidings/contracts/ids';
import type { Projection, ProjectionTx } from '@tidings/contracts/projection';
import { reveal } from '@tidings/contracts/sealed';
import type { Timestamp } from '@tidings/contracts/time';
import {
  counterTable,
  countedEvents,
  loadCounters,
  loadMembers,
  memberTable,
  messageEntry,
  previewParts,
  storable,
  type PreviewParts,
} from '../chat-view/index.ts';

export * from './queries.ts';

const tables = (schema: string): string => `
  ${counterTable(schema)}
  ${memberTable(schema)}
  create table ${schema}.room (
    room_id uuid primary key,
    room_type text not null,
    name text,
    created_at timestamptz not null,
    latest_at timestamptz,
    preview json
  );`;

const indexes = (schema: string): string => `
  create index on ${schema}.member (user_id) include (room_id) where left_at is null;`;

const apply = async (page: readonly Recorded[], tx: ProjectionTx): Promise<void> => {
  const counters = await loadCounters(page, tx);
  const members = await loadMembers(page, tx);
  const created = new Map<RoomId, NewRoom>();
  const latest = new Map<RoomId, Latest>();
  for (const event of page) {
    const counted = counters.count(event);
    members.apply(event, counted);
    if (event.type === 'RoomCreated') created.set(event.data.roomId, newRoom(event));
    const shown = counted?.entry === true ? latestOf(event) : null;
    if (shown !== null) latest.set(shown.roomId, shown);
  }
  await insertRooms([...created.values()], tx);
  await updateLatest([...latest.values()], tx);
  await counters.save(tx);
  await members.save(tx);
  if (counters.closed.length > 0) await tx.query(`delete from ${tx.schema}.room where room_id = any($1::uuid[])`, [counters.closed]);
};

export const rooms: Projection = {
  name: 'rooms',
  version: 1,
  handles: countedEvents,
  tables,
  indexes,
  apply,
};

interface NewRoom {
  readonly roomId: RoomId;
  readonly roomType: RoomType;
  readonly name: string | null;
  readonly createdAt: Timestamp;
}
interface Latest {
  readonly roomId: RoomId;
  readonly at: Timestamp;
  readonly preview: PreviewParts;
}

const newRoom = (event: Extract<Recorded, { readonly type: 'RoomCreated' }>): NewRoom => {
  const name = reveal(event.data.name, null);
  return {
    roomId: event.data.roomId,
    roomType: event.data.roomType,
    name: name === null ? null : storable(name),
    createdAt: event.recordedAt,
  };
};

const latestOf = (event: Recorded): Latest | null => {
  if (event.type === 'MessageSent') {
    return { roomId: event.data.roomId, at: event.recordedAt, preview: previewParts(messageEntry(event, 0)) };
  }
  if (event.type !== 'RoomJoined' && event.type !== 'RoomLeft') return null;
  const { roomId, userId } = event.data;
  const room_change_type = event.type === 'RoomJoined' ? 'JOIN' : 'LEAVE';
  return { roomId, at: event.recordedAt, preview: { type: 'RoomChange', senderId: userId, room_change_type } };
};

const insertRooms = async (created: readonly NewRoom[], tx: ProjectionTx): Promise<void> => {
  if (created.length === 0) return;
  await tx.query(
    `insert into ${tx.schema}.room (room_id, room_type, name, created_at)
     select * from unnest($1::uuid[], $2::text[], $3::text[], $4::timestamptz[])`,
    [
      created.map((room) => room.roomId),
      created.map((room) => room.roomType),
      created.map((room) => room.name),
      created.map((room) => room.createdAt),
    ],
  );
};

const updateLatest = async (latest: readonly Latest[], tx: ProjectionTx): Promise<void> => {
  if (latest.length === 0) return;
  await tx.query(
    `update ${tx.schema}.room r set latest_at = page.at, preview = page.preview
     from unnest($1::uuid[], $2::timestamptz[], $3::json[]) as page (room_id, at, preview)
     where r.room_id = page.room_id`,
    [latest.map((room) => room.roomId), latest.map((room) => room.at), latest.map((room) => JSON.stringify(room.preview))],
  );
};
