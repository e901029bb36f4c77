/**
 * The log's write path: durable commits, a verdict per caller. Baseline: the same rows as plain multi-row inserts of 500 (`unnest`) into a bare
 * table with the same unique keys, one client, one commit each: what Postgres gives without expectations, duplicates and dense order.
 */
import { randomUUID } from 'node:crypto';
import { type EventId, streamId } from '@tidings/contracts/ids';
import type { EventLog, NewEvent } from '@tidings/contracts/ports/event-log';
import { migrateEventLog } from '@tidings/infra/event-log/postgres/migrate';
import { openPostgresLog } from '@tidings/infra/event-log/postgres/postgres-log';
import pg from 'pg';
import { type Bench, percentile, sortedCopy } from './harness.ts';
import { withPostgres } from './postgres.ts';

const CALLERS = 500;
const SECONDS = 10;
const BATCH = 500;
const TEXT = 'x'.repeat(380);

export const appendBench: Bench = {
  name: 'append',
  run: (say) =>
    withPostgres(async (url) => {
      await migrateEventLog(url);
      const log = await openPostgresLog({ url });
      try {
        await manyCallers(log, 2);
        const rate = await manyCallers(log, SECONDS);
        const single = await oneCaller(log, 5);
        const plain = await plainInserts(url, SECONDS);
        const plainSingle = await plainSingleInserts(url, 5);
        say(`${rate.toFixed(0)} events/s by ${CALLERS} callers, plain inserts ${plain.toFixed(0)} rows/s`);
        return [
          {
            what: `append: ${CALLERS} callers, ~500-byte events`,
            unit: 'events/s',
            value: rate,
            must: { atLeast: Math.max(20_000, 0.3 * plain) },
            baseline: { what: `insert … unnest, ${BATCH} rows a commit`, value: plain },
          },
          {
            what: 'append: one caller, p50',
            unit: 'ms',
            value: single,
            must: { atMost: 3 },
            baseline: { what: 'insert of one row, p50 ms', value: plainSingle },
          },
        ];
      } finally {
        await log.close();
      }
    }),
};

const event = (): NewEvent => ({
  id: randomUUID() as EventId,
  type: 'Bench',
  version: 1,
  data: { id: randomUUID(), at: '2026-11-20T18:00:00.000Z', text: TEXT },
  meta: {},
});

const manyCallers = async (log: EventLog, seconds: number): Promise<number> => {
  const end = performance.now() + seconds * 1000;
  const start = performance.now();
  let appended = 0;
  const caller = async (): Promise<void> => {
    while (performance.now() < end) {
      const result = await log.append(streamId('bench', randomUUID()), 'none', [event()]);
      if (result.type === 'appended') appended++;
    }
  };
  await Promise.all(Array.from({ length: CALLERS }, caller));
  return appended / ((performance.now() - start) / 1000);
};

const oneCaller = async (log: EventLog, seconds: number): Promise<number> => {
  const end = performance.now() + seconds * 1000;
  const latencies: number[] = [];
  while (performance.now() < end) {
    const start = performance.now();
    await log.append(streamId('bench', randomUUID()), 'none', [event()]);
    latencies.push(performance.now() - start);
  }
  return percentile(sortedCopy(latencies), 0.5);
};

const TABLE = `create table if not exists plain (position bigint primary key, stream_id text collate "C" not null, revision bigint not null,
  event_id uuid not null, type text not null, recorded_at timestamptz not null default now(), data jsonb not null, meta jsonb not null,
  unique (stream_id, revision))`;

const plainInserts = async (url: string, seconds: number): Promise<number> => {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  await client.query(TABLE);
  const end = performance.now() + seconds * 1000;
  const start = performance.now();
  let position = 0;
  while (performance.now() < end) {
    const events = Array.from({ length: BATCH }, event);
    await client.query({
      name: 'plain',
      text: `insert into plain (position, stream_id, revision, event_id, type, data, meta)
        select $1::bigint + n, s, 0, e, 'Bench', d, '{}' from unnest($2::text[], $3::uuid[], $4::jsonb[]) with ordinality u(s, e, d, n)`,
      values: [
        position,
        events.map(() => `bench-${randomUUID()}`),
        events.map(({ id }) => id),
        events.map(({ data }) => JSON.stringify(data)),
      ],
    });
    position += BATCH;
  }
  const rate = position / ((performance.now() - start) / 1000);
  await client.end();
  return rate;
};

const plainSingleInserts = async (url: string, seconds: number): Promise<number> => {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const end = performance.now() + seconds * 1000;
  const latencies: number[] = [];
  for (let position = -1; performance.now() < end; position--) {
    const { id, data } = event();
    const start = performance.now();
    await client.query({
      name: 'plain-one',
      text: `insert into plain (position, stream_id, revision, event_id, type, data, meta) values ($1, $2, 0, $3, 'Bench', $4, '{}')`,
      values: [position, `bench-${randomUUID()}`, id, JSON.stringify(data)],
    });
    latencies.push(performance.now() - start);
  }
  await client.end();
  return percentile(sortedCopy(latencies), 0.5);
};
