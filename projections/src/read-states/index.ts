/** How far everyone has read every room, and how far it has reached them. Who writes has read up to what they wrote. */
import type { Recorded } from '@tidings/contracts/events/index';
import type { RoomId, UserId } from '@tidings/contracts/ids';
import type { Projection, ProjectionTx } from '@tidings/contracts/projection';
import type { Timestamp } from '@tidings/contracts/time';
import { counterTable, countedEvents, loadCounters } from '../chat-view/index.ts';

export * from './queries.ts';

const tables = (schema: string): string => `
  ${counterTable(schema)}
  create table ${schema}.mark (
    room_id uuid not null,
    user_id uuid not null,
    seq bigint not null,
    read_at timestamptz not null,
    primary key (room_id, user_id)
  );
  create table ${schema}.delivered (
    room_id uuid not null,
    user_id uuid not null,
    seq bigint not null,
    delivered_at timestamptz not null,
    primary key (room_id, user_id)
  );`;

const apply = async (page: readonly Recorded[], tx: ProjectionTx): Promise<void> => {
  const counters = await loadCounters(page, tx);
  const marks = new Map<string, Mark>();
  const delivered = new Map<string, Mark>();
  for (const event of page) {
    const counted = counters.count(event);
    if ((event.type === 'RoomRead' || event.type === 'RoomDelivered') && counters.isOpen(event.data.roomId)) {
      advance(event.type === 'RoomRead' ? marks : delivered, {
        roomId: event.data.roomId,
        userId: event.data.userId,
        seq: event.data.upToSeq,
        at: event.recordedAt,
      });
    } else if (event.type === 'MessageSent' && counted !== null) {
      advance(marks, { roomId: event.data.roomId, userId: event.data.senderId, seq: counted.seq, at: event.recordedAt });
    }
  }
  await saveMarks([...marks.values()], READ, tx);
  await saveMarks([...delivered.values()], DELIVERED, tx);
  await counters.save(tx);
  if (counters.closed.length === 0) return;
  await tx.query(`delete from ${tx.schema}.mark where room_id = any($1::uuid[])`, [counters.closed]);
  await tx.query(`delete from ${tx.schema}.delivered where room_id = any($1::uuid[])`, [counters.closed]);
};

export const readStates: Projection = {
  name: 'read-states',
  version: 2,
  handles: [...countedEvents, 'RoomRead', 'RoomDelivered'],
  tables,
  apply,
};

interface Mark {
  readonly roomId: RoomId;
  readonly userId: UserId;
  readonly seq: number;
  readonly at: Timestamp;
}

/** A mark never moves back; `saveMarks` says the same in SQL. */
const advance = (marks: Map<string, Mark>, mark: Mark): void => {
  const key = `${mark.roomId} ${mark.userId}`;
  const before = marks.get(key);
  if (before === undefined || mark.seq >= before.seq) marks.set(key, mark);
};

const READ = { table: 'mark', at: 'read_at' } as const;
const DELIVERED = { table: 'delivered', at: 'delivered_at' } as const;

const saveMarks = async (marks: readonly Mark[], { table, at }: typeof READ | typeof DELIVERED, tx: ProjectionTx): Promise<void> => {
  if (marks.length === 0) return;
  await tx.query(
    `insert into ${tx.schema}.${table} as m (room_id, user_id, seq, ${at})
     select * from unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::timestamptz[])
     on conflict (room_id, user_id) do update set seq = excluded.seq, ${at} = excluded.${at} where excluded.seq >= m.seq`,
    [marks.map((mark) => mark.roomId), marks.map((mark) => mark.userId), marks.map((mark) => mark.seq), marks.map((mark) => mark.at)],
  );
};
