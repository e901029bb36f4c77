/**
 * How far everyone has read every room: who writes has read up to what they wrote. Beside that, each receipt as it was given, so that a message
 * can tell when it was read, and not only that it was before now.
 */
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
  create table ${schema}.receipt (
    room_id uuid not null,
    user_id uuid not null,
    kind text not null,
    seq bigint not null,
    at timestamptz not null,
    primary key (room_id, user_id, kind, seq)
  );`;

const apply = async (page: readonly Recorded[], tx: ProjectionTx): Promise<void> => {
  const counters = await loadCounters(page, tx);
  const marks = new Map<string, Mark>();
  const receipts: Receipt[] = [];
  for (const event of page) {
    const counted = counters.count(event);
    if ((event.type === 'RoomRead' || event.type === 'RoomDelivered') && counters.isOpen(event.data.roomId)) {
      const { roomId, userId, upToSeq } = event.data;
      const mark = { roomId, userId, seq: upToSeq, at: event.recordedAt };
      if (event.type === 'RoomRead') advance(marks, mark);
      receipts.push({ ...mark, kind: event.type === 'RoomRead' ? 'read' : 'delivered' });
    } else if (event.type === 'MessageSent' && counted !== null) {
      advance(marks, { roomId: event.data.roomId, userId: event.data.senderId, seq: counted.seq, at: event.recordedAt });
    }
  }
  await save([...marks.values()], receipts, tx);
  await counters.save(tx);
  if (counters.closed.length === 0) return;
  await tx.query(`delete from ${tx.schema}.mark where room_id = any($1::uuid[])`, [counters.closed]);
  await tx.query(`delete from ${tx.schema}.receipt where room_id = any($1::uuid[])`, [counters.closed]);
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

interface Receipt extends Mark {
  readonly kind: 'read' | 'delivered';
}

/** A mark never moves back; `save` says the same in SQL. */
const advance = (marks: Map<string, Mark>, mark: Mark): void => {
  const key = `${mark.roomId} ${mark.userId}`;
  const before = marks.get(key);
  if (before === undefined || mark.seq >= before.seq) marks.set(key, mark);
};

/** Both in one statement. */
const save = async (marks: readonly Mark[], receipts: readonly Receipt[], tx: ProjectionTx): Promise<void> => {
  const values: unknown[] = [];
  const columns = (of: readonly Mark[]): string => `$${values.push(of.map(({ roomId }) => roomId))}::uuid[],
     $${values.push(of.map(({ userId }) => userId))}::uuid[], $${values.push(of.map(({ seq }) => seq))}::bigint[],
     $${values.push(of.map(({ at }) => at))}::timestamptz[]`;
  const parts: string[] = [];
  if (receipts.length > 0) {
    const kinds = `$${values.push(receipts.map(({ kind }) => kind))}::text[]`;
    parts.push(`insert into ${tx.schema}.receipt (kind, room_id, user_id, seq, at) select * from unnest(${kinds}, ${columns(receipts)})
     on conflict do nothing`);
  }
  if (marks.length > 0) {
    parts.push(`insert into ${tx.schema}.mark as m (room_id, user_id, seq, read_at) select * from unnest(${columns(marks)})
     on conflict (room_id, user_id) do update set seq = excluded.seq, read_at = excluded.read_at where excluded.seq >= m.seq`);
  }
  const last = parts.pop();
  if (last === undefined) return;
  await tx.query(parts.map((part) => `with receipts as (${part}) `).join('') + last, values);
};
