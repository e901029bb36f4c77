/** A small world for the runtime's tests: real Postgres, the log in memory, and a projection whose rows tell what was applied and in which order. */
import { randomUUID } from 'node:crypto';
import { eventOf } from '@tidings/contracts/events/definition';
import { RoomRead, type RoomRead as RoomReadEvent } from '@tidings/contracts/events/read-receipt';
import type { Recorded, TidingsEvent } from '@tidings/contracts/events/index';
import { ThreadStarred } from '@tidings/contracts/events/thread';
import type { CommandId, MailboxId, RoomId, StreamId, ThreadId, UserId } from '@tidings/contracts/ids';
import type { EventLog, Position } from '@tidings/contracts/ports/event-log';
import type { Projection, ProjectionTx } from '@tidings/contracts/projection';
import type { Signals } from '@tidings/contracts/ports/signals';
import type { Pool } from 'pg';
import { pino } from 'pino';
import { createTestDatabase } from '../../../tests/kit/postgres.ts';
import { createEventStore } from '../event-store/store.ts';
import type { EventStore } from '../event-store/event-store.ts';
import { openMemoryLog } from '../event-log/memory/memory-log.ts';
import { openPool } from '../postgres/pools.ts';
import { inProcessSignals } from '../signals/in-process.ts';
import { memorySubjectKeys } from '../subject-keys/memory.ts';
import { migrateProjector } from './migrations.ts';
import { startProjector, type Projector, type ProjectorOptions, type ProjectorSettings } from './projector.ts';

export const quiet = pino({ level: 'silent' });

/** Marks that a test makes poisonous; a set, so that a test can cure them. */
export type Poison = Set<number>;

/** Keeps, per stream, the marks in the order applied. `index` depends on the order of all events, so it shows any reordering. */
export const trails = (poison: Poison = new Set(), version = 1, name = 'trails'): Projection => ({
  name,
  version,
  handles: ['RoomRead'],
  tables: (schema) => `create table ${schema}.trail (stream text collate "C" primary key, marks text not null, applied bigint not null)`,
  indexes: (schema) => `create index trail_applied on ${schema}.trail (applied)`,
  apply: async (page, tx) => applyTrails(page, tx, poison),
});

const applyTrails = async (page: readonly Recorded[], tx: ProjectionTx, poison: Poison): Promise<void> => {
  const reads = page.filter((event): event is Recorded<RoomReadEvent> => event.type === 'RoomRead');
  const held = await tx.query<{ stream: string; marks: string; applied: number }>(
    `select stream, marks, applied from ${tx.schema}.trail where stream = any($1)`,
    [[...new Set(reads.map((event) => event.stream))]],
  );
  const rows = new Map(held.map((row) => [row.stream, row]));
  for (const event of reads) {
    if (poison.has(event.data.upToSeq)) throw new TypeError(`mark ${event.data.upToSeq} is poison`);
    const row = rows.get(event.stream);
    rows.set(event.stream, {
      stream: event.stream,
      marks: row === undefined ? String(event.data.upToSeq) : `${row.marks} ${event.data.upToSeq}`,
      applied: (row?.applied ?? 0) + 1,
    });
  }
  const all = [...rows.values()];
  await tx.query(
    `insert into ${tx.schema}.trail select * from unnest($1::text[], $2::text[], $3::bigint[])
     on conflict (stream) do update set marks = excluded.marks, applied = excluded.applied`,
    [all.map((row) => row.stream), all.map((row) => row.marks), all.map((row) => row.applied)],
  );
};

/** Handles a type that no test writes: it only ever passes by. */
export const bystander: Projection = {
  name: 'bystander',
  version: 1,
  handles: ['ThreadStarred'],
  tables: (schema) => `create table ${schema}.nothing (id integer primary key)`,
  apply: () => Promise.reject(new Error('nothing is handled')),
};

export interface World {
  readonly url: string;
  readonly pool: Pool;
  readonly log: EventLog;
  readonly events: EventStore;
  readonly signals: Signals;
  /** Appends marks to a stream, one event each; gives the last position. */
  mark(stream: string, ...marks: readonly number[]): Promise<Position>;
  /** Appends what no lane of `trails` handles; gives its position. */
  pass(): Promise<Position>;
  start(projections: readonly Projection[], options?: Partial<ProjectorOptions>): Promise<Projector>;
  /** Rows of the trail table of a schema: stream → marks. */
  trail(schemaName: string): Promise<Readonly<Record<string, string>>>;
  checkpoint(schemaName: string): Promise<Position | undefined>;
  /** Ends every connection of the pool, as a restart of the server would. */
  endConnections(): Promise<void>;
  close(): Promise<void>;
}

export const quick: Partial<ProjectorSettings> = {
  controlMs: 20,
  claimMs: 20,
  flushMs: 10,
  ttlMs: 1_000,
  heartbeatMs: 200,
  patienceMs: 200,
};

export const streamOf = (name: string): StreamId => `read-${name}` as StreamId;

export const openWorld = async (): Promise<World> => {
  const database = await createTestDatabase();
  const pool = openPool({ url: database.url, name: 'projector-test', max: 10, logger: quiet });
  await migrateProjector(pool);
  const log = openMemoryLog();
  const events = createEventStore(log, memorySubjectKeys());
  const signals = inProcessSignals();
  const roomId = randomUUID() as RoomId;
  const userId = randomUUID() as UserId;
  const running = new Set<Projector>();
  const append = async (stream: StreamId, some: readonly TidingsEvent[]): Promise<Position> => {
    const result = await events.append(stream, 'any', some, { commandId: randomUUID() as CommandId });
    if (result.type !== 'appended') throw new Error(`append: ${result.type}`);
    return result.position;
  };
  return {
    url: database.url,
    pool,
    log,
    events,
    signals,
    mark: (stream, ...marks) =>
      append(
        streamOf(stream),
        marks.map((upToSeq) => eventOf(RoomRead)({ roomId, userId, upToSeq, upTo: null })),
      ),
    pass: () => {
      const threadId = randomUUID() as ThreadId;
      const star = { threadId, mailboxId: randomUUID() as MailboxId, starred: true, by: userId };
      return append(`thread-${threadId}` as StreamId, [eventOf(ThreadStarred)(star)]);
    },
    start: async (projections, options = {}) => {
      const projector = await startProjector({
        ...{ pool, log, events, signals, projections, logger: quiet },
        ...options,
        settings: { ...quick, ...options.settings },
      });
      running.add(projector);
      return projector;
    },
    trail: async (schemaName) => {
      const rows = await pool.query<{ stream: string; marks: string }>(`select stream, marks from "${schemaName}".trail order by 1`);
      return Object.fromEntries(rows.rows.map((row) => [row.stream.replace('read-', ''), row.marks]));
    },
    checkpoint: async (schemaName) => {
      const rows = await pool.query<{ position: Position }>('select position from projection.checkpoint where name = $1', [schemaName]);
      return rows.rows[0]?.position;
    },
    endConnections: async () => {
      const admin = openPool({ url: database.url, name: 'projector-test-admin', max: 1, logger: quiet });
      await admin.query(
        `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'projector-test' and datname = current_database()`,
      );
      await admin.end();
    },
    close: async () => {
      await Promise.all([...running].map((projector) => projector.stop()));
      await log.close();
      await signals.close();
      await pool.end();
      await database.drop();
    },
  };
};
