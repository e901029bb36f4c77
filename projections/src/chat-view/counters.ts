/** Counts the entries of rooms, for every read model that shows or compares `seq`. All count by `isEntry`, each in a table of its own. */
import type { Recorded } from '@tidings/contracts/events/index';
import type { RoomType } from '@tidings/contracts/events/room';
import type { RoomId } from '@tidings/contracts/ids';
import type { ProjectionTx } from '@tidings/contracts/projection';
import { isEntry } from './entries.ts';

export const counterTable = (schema: string): string => `
  create table ${schema}.room_counter (
    room_id uuid primary key,
    room_type text not null,
    seq bigint not null
  );`;

/** Event types that a projection which counts must handle. */
export const countedEvents = ['RoomCreated', 'RoomJoined', 'RoomLeft', 'RoomClosed', 'MessageSent'] as const;

/** What became of the room by an event: its type and how many entries it has now; `entry` when the event is the last of them. */
export interface Counted {
  readonly roomType: RoomType;
  readonly seq: number;
  readonly entry: boolean;
}

interface Counter {
  readonly roomType: RoomType;
  seq: number;
  changed: boolean;
}

export class RoomCounters {
  readonly #rooms: Map<RoomId, Counter>;
  readonly #closed = new Set<RoomId>();

  constructor(rooms: Map<RoomId, Counter>) {
    this.#rooms = rooms;
  }

  /** Rooms that this page closed; no event of theirs counts any more. */
  get closed(): readonly RoomId[] {
    return [...this.#closed];
  }

  /** Whether a room that the page names stands at this point of it. */
  isOpen(room: RoomId): boolean {
    return this.#rooms.has(room);
  }

  /**
   * Takes the next event in log order. Null for events that are not about rooms, and for rooms that are closed (a message may have been
   * on its way as the last member left).
   */
  count(event: Recorded): Counted | null {
    if (event.type === 'RoomCreated') {
      const { roomId, roomType } = event.data;
      this.#rooms.set(roomId, { roomType, seq: 0, changed: true });
      return { roomType, seq: 0, entry: false };
    }
    if (event.type === 'RoomClosed') {
      this.#rooms.delete(event.data.roomId);
      this.#closed.add(event.data.roomId);
      return null;
    }
    if (event.type !== 'MessageSent' && event.type !== 'RoomJoined' && event.type !== 'RoomLeft') return null;
    const room = this.#rooms.get(event.data.roomId);
    if (room === undefined) return null;
    const entry = isEntry(event, room.roomType);
    if (entry) {
      room.seq += 1;
      room.changed = true;
    }
    return { roomType: room.roomType, seq: room.seq, entry };
  }

  async save(tx: ProjectionTx): Promise<void> {
    const changed = [...this.#rooms].filter(([, room]) => room.changed);
    if (changed.length > 0) {
      await tx.query(
        `insert into ${tx.schema}.room_counter (room_id, room_type, seq)
         select * from unnest($1::uuid[], $2::text[], $3::bigint[])
         on conflict (room_id) do update set seq = excluded.seq`,
        [changed.map(([id]) => id), changed.map(([, room]) => room.roomType), changed.map(([, room]) => room.seq)],
      );
    }
    if (this.#closed.size > 0) await tx.query(`delete from ${tx.schema}.room_counter where room_id = any($1::uuid[])`, [this.closed]);
  }
}

/** Loads the counters that a page needs. */
export const loadCounters = async (page: readonly Recorded[], tx: ProjectionTx): Promise<RoomCounters> => {
  const ids = new Set<RoomId>();
  for (const event of page) if (isAboutRoom(event)) ids.add(event.data.roomId);
  const rooms = new Map<RoomId, Counter>();
  if (ids.size === 0) return new RoomCounters(rooms);
  const found = await tx.query<{ room_id: RoomId; room_type: RoomType; seq: number }>(
    `select room_id, room_type, seq from ${tx.schema}.room_counter where room_id = any($1::uuid[])`,
    [[...ids]],
  );
  for (const row of found) rooms.set(row.room_id, { roomType: row.room_type, seq: row.seq, changed: false });
  return new RoomCounters(rooms);
};

/** Events after which a page asks whether their room stands. */
const aboutRooms = [
  'MessageSent',
  'RoomRead',
  'RoomDelivered',
  'RoomJoined',
  'RoomLeft',
  'RoomClosed',
  'MessageEdited',
  'MessageDeleted',
  'ReactionAdded',
  'ReactionRemoved',
  'MessagePinned',
  'MessageUnpinned',
  'MailingPlanned',
  'MessageMailed',
  'MessageNotMailed',
  'MessageMailStatusChanged',
] as const;

type AboutRoom = Extract<Recorded, { readonly type: (typeof aboutRooms)[number] }>;
const types: ReadonlySet<string> = new Set(aboutRooms);
const isAboutRoom = (event: Recorded): event is AboutRoom => types.has(event.type);
