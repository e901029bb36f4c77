/** What a running program has used so far: two looks tell what was used between them. */
import pg from 'pg';
import type { Program } from '../tests/kit/program.ts';
import { type CpuTimes, cpuTimes } from './chat-cpu.ts';
import type { MessageCosts } from './costs-file.ts';

export interface Look {
  /** Milliseconds, of `performance.now`. */
  readonly at: number;
  readonly cpu: CpuTimes;
  /** Of tables with their indexes, by schema. */
  readonly bytes: ReadonlyMap<string, number>;
  readonly wal: number;
  /** In the log. */
  readonly events: number;
  /** Seconds spent with pages, by projection. */
  readonly pages: ReadonlyMap<string, number>;
}

export const look = async (program: Program): Promise<Look> => {
  const url = program.running.embeddedUrl;
  if (url === null) throw new Error('the program has no Postgres of its own');
  const [cpu, sizes, pages] = await Promise.all([cpuTimes(program.pid, url), sizesIn(url), pageSeconds(program)]);
  return { at: performance.now(), cpu, pages, ...sizes };
};

const sizesIn = async (url: string): Promise<Pick<Look, 'bytes' | 'wal' | 'events'>> => {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    const sizes = await client.query<{ schema: string; bytes: string }>(
      `select n.nspname as schema, sum(pg_total_relation_size(c.oid))::text as bytes from pg_class c join pg_namespace n on n.oid = c.relnamespace
       where c.relkind = 'r' and n.nspname !~ '^pg_|^information_schema$' group by 1`,
    );
    const log = await client.query<{ wal: string; events: string }>(
      `select pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::text as wal, (select sum(position) from log.shard_head)::text as events`,
    );
    const [row] = log.rows;
    return {
      bytes: new Map(sizes.rows.map(({ schema, bytes }) => [schema, Number(bytes)])),
      wal: Number(row?.wal),
      events: Number(row?.events),
    };
  } finally {
    await client.end();
  }
};

const PAGE_SECONDS = /^tidings_projection_page_seconds_sum\{[^}]*projection="([^"]+)"[^}]*\} (\S+)$/gm;

const pageSeconds = async ({ httpUrl }: Program): Promise<ReadonlyMap<string, number>> => {
  const text = await (await fetch(new URL('/metrics', httpUrl))).text();
  return new Map([...text.matchAll(PAGE_SECONDS)].map(([, projection = '', seconds]) => [projection, Number(seconds)]));
};

/** Processes, and connections of Postgres by what they serve; what is none of these is upkeep. */
const STAGES: readonly (readonly [stage: string, RegExp])[] = [
  ['append', /log append/],
  ['read the log', /log read/],
  ['accept', /^(api|smtp)$|^postgres: tidings (api|smtp|bench)|blobs/],
  ['project', /^projector$|^postgres: tidings projector/],
  ['file', /^filing$|^postgres: tidings filing/],
  ['send', /^egress$|^postgres: tidings egress/],
];
const stageOf = (name: string): string => STAGES.find(([, pattern]) => pattern.test(name))?.[0] ?? 'upkeep';

const PLACES: readonly (readonly [place: string, RegExp])[] = [
  ['log', /^log$/],
  ['blobs', /^blob$/],
  ['feed', /^feed_v/],
  ['search', /_search_v/],
  ['read models', /_v\d+_g\d+$/],
];
const placeOf = (schema: string): string => PLACES.find(([, pattern]) => pattern.test(schema))?.[0] ?? 'other tables';

/** Processor milliseconds by stage between two looks. */
export const cpuByStage = (before: CpuTimes, after: CpuTimes): ReadonlyMap<string, number> =>
  sumBy([...after].map(([name, ms]) => [stageOf(name), Math.max(0, ms - (before.get(name) ?? 0))] as const));

export interface Idle {
  /** Processor milliseconds a second, by stage. */
  readonly cpu: ReadonlyMap<string, number>;
}

export const idleBetween = (before: Look, after: Look): Idle => {
  const seconds = (after.at - before.at) / 1_000;
  return { cpu: new Map([...cpuByStage(before.cpu, after.cpu)].map(([stage, ms]) => [stage, ms / seconds])) };
};

/** @param perSecond how many were meant to come each second; without it, as they came */
export const costsBetween = (before: Look, after: Look, messages: number, idle: Idle): MessageCosts => {
  const seconds = (after.at - before.at) / 1_000;
  const cpuMs = new Map(
    [...cpuByStage(before.cpu, after.cpu)].map(([stage, ms]) => [stage, Math.max(0, ms - (idle.cpu.get(stage) ?? 0) * seconds) / messages]),
  );
  const grown = [...after.bytes].map(
    ([schema, bytes]) => [schema, Math.max(0, bytes - (before.bytes.get(schema) ?? 0)) / messages] as const,
  );
  const worked = [...after.pages].map(([name, total]) => [name, total - (before.pages.get(name) ?? 0)] as const);
  const allPages = worked.reduce((sum, [, spent]) => sum + spent, 0);
  const readModels = worked.map(([name, spent]) => {
    const schema = new RegExp(`^${name.replaceAll('-', '_')}_v`);
    const bytes = grown.filter(([one]) => schema.test(one)).reduce((sum, [, more]) => sum + more, 0);
    return [name, { cpuMs: ((cpuMs.get('project') ?? 0) * spent) / allPages, bytes }] as const;
  });
  return {
    messages,
    perSecond: messages / seconds,
    events: (after.events - before.events) / messages,
    cpuMs: Object.fromEntries(cpuMs),
    bytes: {
      ...Object.fromEntries(sumBy(grown.map(([schema, bytes]) => [placeOf(schema), bytes] as const))),
      wal: (after.wal - before.wal) / messages,
    },
    readModels: Object.fromEntries(readModels.filter(([, { cpuMs: ms }]) => ms > 0.0005).toSorted(([, a], [, b]) => b.cpuMs - a.cpuMs)),
  };
};

const sumBy = (parts: readonly (readonly [string, number])[]): ReadonlyMap<string, number> => {
  const sums = new Map<string, number>();
  for (const [key, value] of parts) sums.set(key, (sums.get(key) ?? 0) + value);
  return sums;
};
