/** What an operator sees of every instance: where it is, how fast, how long still, what it waits for. */
import type { Position } from '@tidings/contracts/ports/event-log';
import type { Timestamp } from '@tidings/contracts/time';
import type { Pool } from 'pg';
import type { InstanceState } from './registry.ts';

/** A row of `projection.status`, written by the owner of a lane. */
export interface LaneStatus {
  readonly name: string;
  readonly shard: number;
  readonly owner: string;
  readonly state: string;
  readonly waitingOn: string | null;
  readonly position: Position;
  readonly head: Position;
  /** Events from the start to `position` and to `head`; null where the log cannot tell. */
  readonly done: number | null;
  readonly total: number | null;
  /** Log events passed per second, smoothed. */
  readonly rate: number;
  readonly lastProgressAt: Timestamp | null;
}

export const writeStatus = async (pool: Pool, lanes: readonly LaneStatus[]): Promise<void> => {
  if (lanes.length === 0) return;
  await pool.query(
    `insert into projection.status (name, shard, owner, state, waiting_on, position, head, done, total, rate, last_progress_at)
     select * from unnest($1::text[], $2::integer[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::bigint[], $9::bigint[],
       $10::float8[], $11::timestamptz[])
     on conflict (name, shard) do update set owner = excluded.owner, state = excluded.state, waiting_on = excluded.waiting_on,
       position = excluded.position, head = excluded.head, done = excluded.done, total = excluded.total, rate = excluded.rate,
       last_progress_at = excluded.last_progress_at, updated_at = clock_timestamp()`,
    [
      lanes.map((lane) => lane.name),
      lanes.map((lane) => lane.shard),
      lanes.map((lane) => lane.owner),
      lanes.map((lane) => lane.state),
      lanes.map((lane) => lane.waitingOn),
      lanes.map((lane) => lane.position),
      lanes.map((lane) => lane.head),
      lanes.map((lane) => lane.done),
      lanes.map((lane) => lane.total),
      lanes.map((lane) => lane.rate),
      lanes.map((lane) => lane.lastProgressAt),
    ],
  );
};

export interface InstanceStatus {
  readonly name: string;
  readonly version: number;
  readonly generation: number;
  readonly schemaName: string;
  readonly state: InstanceState;
  readonly error: string | null;
  readonly note: string | null;
  /** Null while no lane ever ran. */
  readonly progress: Progress | null;
  readonly parked: number;
  /** False when no process holds its lease: then nobody works on it. */
  readonly owned: boolean;
}

/** Over all shards of an instance. */
export interface Progress {
  /** Lowest of the shards. */
  readonly position: Position;
  readonly laneState: string;
  readonly waitingOn: string | null;
  /** Null where the log cannot count. */
  readonly done: number | null;
  readonly total: number | null;
  readonly rate: number;
  readonly etaSeconds: number | null;
  /** 0-100. */
  readonly percent: number | null;
}

/** Every instance that is not retired, or those of one projection. */
export const projectionStatus = async (pool: Pool, name?: string): Promise<readonly InstanceStatus[]> => {
  const found = await pool.query<StatusRow>(
    `select i.name, i.version, i.generation, i.schema_name, i.state, i.error, i.verification ->> 'note' as note,
       s.position, s.lane_state, s.waiting_on, s.done, s.total, s.rate,
       (select count(*) from projection.parked p where p.name = i.schema_name) as parked,
       exists (select from projection.lease l where l.name = i.schema_name and l.expires_at > clock_timestamp()) as owned
     from projection.instance i
     left join lateral (
       select min(position) as position, min(state) as lane_state, min(waiting_on) as waiting_on,
         case when count(done) = count(*) then sum(done) end::bigint as done,
         case when count(total) = count(*) then sum(total) end::bigint as total, sum(rate) as rate
       from projection.status s where s.name = i.schema_name
     ) s on true
     where i.state <> 'retired' and ($1::text is null or i.name = $1)
     order by i.name, i.version, i.generation`,
    [name ?? null],
  );
  return found.rows.map((row) => ({
    name: row.name,
    version: row.version,
    generation: row.generation,
    schemaName: row.schema_name,
    state: row.state,
    error: row.error,
    note: row.note,
    progress: row.position === null ? null : progressOf({ ...row, position: row.position }),
    parked: row.parked,
    owned: row.owned,
  }));
};

interface StatusRow {
  readonly name: string;
  readonly version: number;
  readonly generation: number;
  readonly schema_name: string;
  readonly state: InstanceState;
  readonly error: string | null;
  readonly note: string | null;
  readonly position: Position | null;
  readonly lane_state: string | null;
  readonly waiting_on: string | null;
  readonly done: number | null;
  readonly total: number | null;
  readonly rate: number | null;
  readonly parked: number;
  readonly owned: boolean;
}

const progressOf = (row: StatusRow & { readonly position: Position }): Progress => {
  const { done, total } = row;
  const rate = row.rate ?? 0;
  const left = done === null || total === null ? null : Math.max(0, total - done);
  return {
    position: row.position,
    laneState: row.lane_state ?? 'starting',
    waitingOn: row.waiting_on,
    done,
    total,
    rate,
    etaSeconds: left === null ? null : left === 0 ? 0 : rate > 0 ? left / rate : null,
    percent: done === null || total === null ? null : total === 0 ? 100 : Math.min(100, (done / total) * 100),
  };
};
