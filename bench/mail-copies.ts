/**
 * Makes a seeded mailbox twice as full, and again, in SQL: what the projections wrote of its first mails, once more with ids, positions and times
 * behind all that is there. Projecting a million mails takes longer than measuring them, and says nothing about queries.
 */
import type { MailboxId } from '@tidings/contracts/ids';
import type { Projection } from '@tidings/contracts/projection';
import { segmentWords } from '@tidings/projections/mail-search/lexemes';
import { SEGMENT } from '@tidings/projections/mail-search/segments';
import type { Pool } from 'pg';
import { schemaOf } from './read-models.ts';

/** What is there, and so by how much its copy is moved. */
export interface Extent {
  /** Ids of emails are numbers below this one, as are those of threads. */
  readonly emails: number;
  /** A minute each. */
  readonly positions: number;
}

/** For ids and positions that are numbers (mail-seed.ts). */
const FUNCTIONS = `
  create schema bench;
  create function bench.number(id uuid) returns bigint language sql immutable return ('x' || right(id::text, 12))::bit(48)::bigint;
  create function bench.later(id uuid, much bigint) returns uuid language sql immutable
    return (left(id::text, 24) || lpad(to_hex(bench.number(id) + much), 12, '0'))::uuid;
  create function bench.later(place text, much bigint) returns text language sql immutable
    return case when place = '' then '' else lpad((place::bigint + much)::text, 16, '0') end;
  create function bench.later(email text[], emails bigint, positions bigint) returns text language sql stable
    return concat_ws('|', email[1],
      to_char((email[2]::timestamptz + make_interval(mins => positions::int)) at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
      bench.later(email[3], positions), bench.later(email[4]::uuid, emails), array_to_string(email[5:], '|'));
  create function bench.later(held text, emails bigint, positions bigint) returns text language sql stable return (
    select string_agg(bench.later(string_to_array(one, '|'), emails, positions), ';' order by nth)
    from string_to_table(held, ';') with ordinality as each (one, nth));
  create function bench.doubled(counts bigint[]) returns bigint[] language sql immutable return (
    select array_agg(2 * count order by nth) from unnest(counts) with ordinality as each (count, nth));
  create table bench.segment (nth bigint primary key, words text[] not null);
  create function bench.words_of_segment(email uuid) returns text[] language sql stable return (
    select words from bench.segment where nth = bench.number(email) / ${SEGMENT});`;

/**
 * The read models of one mailbox and nothing else, without their indexes.
 * @param times how often it is made twice as full
 */
export const doubleMailbox = async (
  pool: Pool,
  models: readonly Projection[],
  { times, mailbox, extent }: { readonly times: number; readonly mailbox: MailboxId; readonly extent: Extent },
): Promise<void> => {
  if (times === 0) return;
  await pool.query(FUNCTIONS);
  const segments = Array.from({ length: Math.ceil((extent.emails * 2 ** times) / SEGMENT) }, (_, nth) => nth);
  for (const nth of segments) await pool.query(`insert into bench.segment values ($1, $2)`, [nth, [...segmentWords(mailbox, nth).keys()]]);
  const tables = await tablesOf(
    pool,
    models.map(({ name }) => name),
  );
  for (let nth = 0; nth < times; nth += 1) {
    const by = { emails: extent.emails * 2 ** nth, positions: extent.positions * 2 ** nth };
    // Beside each other, but with no more connections than read models.
    await Promise.all(
      models.map(async ({ name }) => {
        for (const table of tables.filter(({ model }) => model === name)) await pool.query(copyOf(table, by));
      }),
    );
  }
  if (models.some(({ name }) => name === 'mail-search')) await pool.query(SEGMENTS);
};

interface Table {
  readonly model: string;
  readonly name: string;
  readonly columns: readonly string[];
}

const tablesOf = async (pool: Pool, models: readonly string[]): Promise<readonly Table[]> => {
  const { rows } = await pool.query<Table>(
    `select table_schema as model, table_name as name, array_agg(column_name::text order by ordinal_position) as columns
     from information_schema.columns where table_schema = any($1) group by table_schema, table_name`,
    [models],
  );
  return rows;
};

/** A statement for each table: those of threads are copied, counts are doubled, what is said of the mailbox itself stays. */
const copyOf = ({ model, name, columns }: Table, by: Extent): string => {
  const table = `${schemaOf(model)}.${name}`;
  if (name === 'tally') return `update ${table} set threads = bench.doubled(threads), unread = bench.doubled(unread)`;
  if (name === 'label_tally') return `update ${table} set threads = 2 * threads, unread = 2 * unread`;
  if (!columns.includes('thread_id')) return 'select';
  const values = columns.map((column) => copiedValue(`${model}.${name}`, column, by));
  // In the order in which it was written, as if it had been projected.
  return `set synchronize_seqscans = off; insert into ${table} (${columns.join(', ')}) select ${values.join(', ')} from ${table}`;
};

const copiedValue = (table: string, column: string, { emails, positions }: Extent): string => {
  if (table === 'threads.held' && column === 'emails') return `bench.later(emails, ${emails}, ${positions})`;
  if (table === 'mail-search.words' && column === 'words') return copiedWords(`bench.later(email_id, ${emails})`);
  if (column === 'email_id' || column === 'thread_id') return `bench.later(${column}, ${emails})`;
  if (/position$|up_to$/.test(column)) return `bench.later(${column}, ${positions})`;
  return column === 'at' || column.endsWith('_at') ? `${column} + interval '${positions} minutes'` : column;
};

/** The words of a mail, but for those of the segment of time that it is in. */
const copiedWords = (copy: string): string =>
  `ts_delete(words, bench.words_of_segment(email_id)) || array_to_tsvector(bench.words_of_segment(${copy}))`;

const SEGMENTS = `
  truncate "mail-search".segment;
  insert into "mail-search".segment (mailbox_id, nth, emails, first_at, last_at)
  select mailbox_id, bench.number(email_id) / ${SEGMENT}, count(*), min(at), max(at) from "mail-search".email group by 1, 2`;
