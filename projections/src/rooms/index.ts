/** The rooms and who is in them: what a list of rooms shows, before names and read marks are added by whoever reads. */
import type { Recorded } from '@tidings/contracts/events/index';
import type { RoomCreated, RoomImageChanged, RoomRenamed, RoomType } from '@tidings/contracts/events/room';
import type { BlobId, RoomId, UserId } from '@tidings/contracts/ids';
import type { Projection, ProjectionTx } from '@tidings/contracts/projection';
import { reveal, type Sealed } from '@tidings/contracts/sealed';
import type { Timestamp } from '@tidings/contracts/time';
import { counterTable, countedEvents, loadCounters, loadMembers, memberTable, segmentsOf, storable } from '../chat-view/index.ts';
import { eraseLatest, LatestEntries } from './latest.ts';
import { Roles, roleTable } from './roles.ts';

export * from './queries.ts';

/** `named_by`: whose name for it that is, for it goes with them. `latest_id`: the message that the preview is of. */
const tables = (schema: string): string => `
  ${counterTable(schema)}
  ${memberTable(schema)}
  ${roleTable(schema)}
  create table ${schema}.room (
    room_id uuid primary key,
    room_type text not null,
    name text,
    named_by uuid not null,
    image text,
    created_at timestamptz not null,
    latest_at timestamptz,
    latest_id uuid,
    preview json
  );`;

const indexes = (schema: string): string => `
  create index on ${schema}.member (user_id) include (room_id) where left_at is null;`;

const apply = async (page: readonly Recorded[], tx: ProjectionTx): Promise<void> => {
  for (const { events, erased } of segmentsOf(page)) {
    await applySegment(events, tx);
    if (erased === null) continue;
    await tx.query(`update ${tx.schema}.room set name = null where named_by = $1`, [erased]);
    await eraseLatest(tx, erased);
  }
};

const applySegment = async (page: readonly Recorded[], tx: ProjectionTx): Promise<void> => {
  const counters = await loadCounters(page, tx);
  const members = await loadMembers(page, tx);
  const created: NewRoom[] = [];
  const looks: Looks = { names: new Map(), images: new Map() };
  const latest = new LatestEntries();
  const roles = new Roles();
  for (const event of page) {
    const counted = counters.count(event);
    members.apply(event, counted);
    latest.take(event, counted, counters);
    roles.take(event);
    if (event.type === 'RoomCreated') created.push(newRoom(event));
    else if (event.type === 'RoomRenamed') looks.names.set(event.data.roomId, nameOf(event));
    else if (event.type === 'RoomImageChanged') looks.images.set(event.data.roomId, event);
  }
  await insertRooms(created, tx);
  await updateLooks(looks, tx);
  await latest.save(tx);
  await counters.save(tx);
  await members.save(tx);
  await roles.save(counters.closed, tx);
  if (counters.closed.length > 0) await tx.query(`delete from ${tx.schema}.room where room_id = any($1::uuid[])`, [counters.closed]);
};

export const rooms: Projection = {
  name: 'rooms',
  version: 2,
  handles: [...countedEvents, 'RoomRenamed', 'RoomImageChanged', 'MemberRoleChanged', 'MessageEdited', 'MessageDeleted', 'SubjectErased'],
  tables,
  indexes,
  apply,
};

interface Name {
  readonly name: string | null;
  readonly by: UserId;
}
interface NewRoom extends Name {
  readonly roomId: RoomId;
  readonly roomType: RoomType;
  readonly createdAt: Timestamp;
}
interface Looks {
  readonly names: Map<RoomId, Name>;
  readonly images: Map<RoomId, Recorded<RoomImageChanged>>;
}

const newRoom = ({ data, recordedAt }: Recorded<RoomCreated>): NewRoom => ({
  roomId: data.roomId,
  roomType: data.roomType,
  name: shownRoomName(data.name),
  by: data.createdBy,
  createdAt: recordedAt,
});

const nameOf = ({ data }: Recorded<RoomRenamed>): Name => ({ name: shownRoomName(data.name), by: data.by });

const shownRoomName = (sealed: Sealed<string | null>): string | null => {
  const name = reveal(sealed, null);
  return name === null ? null : storable(name);
};

const insertRooms = async (created: readonly NewRoom[], tx: ProjectionTx): Promise<void> => {
  if (created.length === 0) return;
  await tx.query(
    `insert into ${tx.schema}.room (room_id, room_type, name, named_by, created_at)
     select * from unnest($1::uuid[], $2::text[], $3::text[], $4::uuid[], $5::timestamptz[])`,
    [
      created.map((room) => room.roomId),
      created.map((room) => room.roomType),
      created.map((room) => room.name),
      created.map((room) => room.by),
      created.map((room) => room.createdAt),
    ],
  );
};

/** Of rooms that stand: what a closed one was last called or looked like finds no row. */
const updateLooks = async ({ names, images }: Looks, tx: ProjectionTx): Promise<void> => {
  if (names.size > 0) {
    const named = [...names.values()];
    await tx.query(
      `update ${tx.schema}.room r set name = page.name, named_by = page.by
       from unnest($1::uuid[], $2::text[], $3::uuid[]) as page (room_id, name, by) where r.room_id = page.room_id`,
      [[...names.keys()], named.map(({ name }) => name), named.map(({ by }) => by)],
    );
  }
  if (images.size > 0) {
    const blobs = [...images.values()].map(({ data }): BlobId | null => data.image?.blobId ?? null);
    await tx.query(
      `update ${tx.schema}.room r set image = page.image
       from unnest($1::uuid[], $2::text[]) as page (room_id, image) where r.room_id = page.room_id`,
      [[...images.keys()], blobs],
    );
  }
};
