/** How far everyone has read every room. Who writes has read up to what they wrote. */
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
  );`;

const apply = async (page: readonly Recorded[], tx: ProjectionTx): Promise<void> => {
  const counters = await loadCounters(page, tx);
  const marks = new Map<string, Mark>();
  for (const event of page) {
    const counted = counters.count(event);
    if (event.type === 'RoomRead' && counters.isOpen(event.data.roomId)) {
      advance(marks, { roomId: event.data.roomId, userId: event.data.userId, seq: event.data.upToSeq, at: event.recordedAt });
    } else if (event.type === 'MessageSent' && counted !== null) {
      advance(marks, { roomId: event.data.roomId, userId: event.data.senderId, seq: counted.seq, at: event.recordedAt });
    }
  }
  await saveMarks([...marks.values()], tx);
  await counters.save(tx);
  if (counters.closed.length > 0) await tx.query(`delete from ${tx.schema}.mark where room_id = any($1::uuid[])`, [counters.closed]);
};

export const readStates: Projection = {
  name: 'read-states',
  version: 1,
  handles: [...countedEvents, 'RoomRead'],
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

const saveMarks = async (marks: readonly Mark[], tx: ProjectionTx): Promise<void> => {
  if (marks.length === 0) return;
  await tx.query(
    `insert into ${tx.schema}.mark as m (room_id, user_id, seq, read_at)
     select * from unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::timestamptz[])
     on conflict (room_id, user_id) do update set seq = excluded.seq, read_at = excluded.read_at where excluded.seq >= m.seq`,
    [marks.map((mark) => mark.roomId), marks.map((mark) => mark.userId), marks.map((mark) => mark.seq), marks.map((mark) => mark.at)],
  );
};
