/** One call of `log.append_batch`: requests in, a verdict for each out; and what an error of that call means. */
import { timestamp } from '@tidings/contracts/time';
import type { AppendResult } from '@tidings/contracts/ports/event-log';
import pg from 'pg';
import { positionOf } from '../positions.ts';
import type { AppendRequest, StoredEvent } from './append-queue.ts';
import { isHeld, isNotInUse } from './in-use.ts';

/** `moved`: the stream lives in another shard, ask there. */
export type BatchVerdict = AppendResult | { readonly type: 'moved'; readonly shard: number };

type Row = readonly [request: string, verdict: string, revision: string, position: string | null, recordedMs: string | null];

const APPEND = `select request, verdict, revision, position, (extract(epoch from recorded_at) * 1000)::bigint
  from log.append_batch($1, $2, $3, $4, $5, $6, $7, $8, $9)`;
/** Columns as Postgres writes them: what is to become of each is known where it is read. */
export const AS_TEXT: pg.CustomTypesConfig = { getTypeParser: () => (value: string) => value };

export const sendBatch = async (client: pg.Client, shard: number, batch: readonly AppendRequest[]): Promise<readonly BatchVerdict[]> => {
  const events = batch.flatMap((request) => request.events);
  const lines = (field: (event: StoredEvent) => string): string => events.map(field).join('\n');
  const array = (values: readonly unknown[]): string => `{${values.join(',')}}`;
  const { rows } = await client.query<Row[]>({
    name: 'log-append-batch',
    text: APPEND,
    values: [
      shard,
      batch.map(({ stream }) => stream).join('\n'),
      array(batch.map(({ expected }) => expected ?? 'null')),
      array(batch.map((request) => request.events.length)),
      array(events.map(({ id }) => id)),
      lines(({ type }) => type),
      array(events.map(({ version }) => version)),
      lines(({ data }) => data),
      lines(({ meta }) => meta),
    ],
    rowMode: 'array',
    types: AS_TEXT,
  });
  if (rows.length !== batch.length) throw new Error(`asked for ${batch.length} verdicts, got ${rows.length}`);
  return rows.map((row) => verdictOf(row as unknown as Row)); // `rowMode: 'array'` is not in pg's row type
};

const verdictOf = ([, verdict, revision, position, recordedMs]: Row): BatchVerdict => {
  switch (verdict) {
    case 'ok':
    case 'duplicate':
      return {
        type: verdict === 'ok' ? 'appended' : 'duplicate',
        revision: Number(revision),
        position: positionOf(Number(position)),
        recordedAt: timestamp(Number(recordedMs)),
      };
    case 'moved':
      return { type: 'moved', shard: Number(revision) };
    default:
      return { type: 'conflict', current: Number(revision) < 0 ? null : Number(revision) };
  }
};

/**
 * `lost`: no answer, it may have been applied. `again`: surely nothing was written, and trying again may help. `refused`: surely nothing
 * was written, and the same batch would fail again. `closed`: surely nothing was written, and nothing is taken for now.
 */
export type Failure = 'lost' | 'again' | 'refused' | 'closed';

/** By SQLSTATE class (Postgres manual, appendix A): 40 rolled back, 53 short of resources, 55 locks. */
const AGAIN = /^(?:40|53|55)/;
const NO_PARTITION = '23514';
const READ_ONLY = '25006'; // a standby that is about to be promoted

export const failureOf = (error: unknown): Failure => {
  if (!(error instanceof pg.DatabaseError) || error.code === undefined || error.severity !== 'ERROR') return 'lost';
  if (isHeld(error) || isNotInUse(error)) return 'closed';
  // 57: cancelled or shutting down. The answer says nothing about a commit that had begun. 08: the connection broke.
  if (/^(?:57|08)/.test(error.code)) return 'lost';
  return AGAIN.test(error.code) || error.code === NO_PARTITION || error.code === READ_ONLY ? 'again' : 'refused';
};

export const lacksPartition = (error: unknown): boolean => error instanceof pg.DatabaseError && error.code === NO_PARTITION;
