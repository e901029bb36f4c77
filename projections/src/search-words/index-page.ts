/**
 * Read models that keep their words in an index beside Postgres, and all else in tables. The index is written before the page's transaction commits: a page that is
 * applied once more finds its entries there already, and a checkpoint says that all before it can be found (docs/decisions/057).
 */
import type { Position } from '@tidings/contracts/ports/event-log';
import type { SqlSession } from '@tidings/contracts/ports/sql';
import { type WordChange, type WordEntry, type WordIndex, WordIndexMissing } from '@tidings/contracts/ports/word-index';
import type { ProjectionTx } from '@tidings/contracts/projection';
import { rows } from '@tidings/contracts/sql-rows';
import * as t from 'io-ts';
import { sql, type CommonQueryMethods } from 'slonik';
import { tableIn } from '../chat-view/tables.ts';

/** Versions from this one on keep their words in an index, those below it in Postgres: to change over is to build another version. */
export const FIRST_INDEXED = 101;

/** Of an instance, by its schema (`name_v101_g1`, maybe quoted). */
export const isIndexed = (schema: string): boolean => Number(/_v(\d+)_g\d+"?$/.exec(schema)?.[1] ?? 0) >= FIRST_INDEXED;

/** The name of its index. @param schema maybe quoted */
export const indexOf = (schema: string): string => schema.replace(/^"(.*)"$/, '$1');

/** Says that the index was made once: if it is not there then, somebody removed it, and an empty one would lack what was written before. */
export const indexTable = (schema: string): string =>
  `create table ${schema}.index_made (once boolean primary key default true check (once));`;

/** The page's transaction waits for the engine, which may be slow, and must not be taken for one that was forgotten. */
const PATIENCE = `set local idle_in_transaction_session_timeout = '300s'`;

/** So much is written at a time, in entries and in words: little enough that the engine has something to do while the rest of a page is read. */
const MOST_ENTRIES = 500;
const MOST_WORDS = 100_000;

/** What one page writes: while the engine takes some of it, the next words are gathered. */
export class IndexPage {
  readonly #words: WordIndex;
  readonly #tx: ProjectionTx;
  readonly #made: Set<string>;
  #changes: WordChange[] = [];
  #size = 0;
  #writing: Promise<void> | null = null;

  /** @param made schemas whose index is known to be made; shared by all pages */
  constructor(words: WordIndex, tx: ProjectionTx, made: Set<string>) {
    this.#words = words;
    this.#tx = tx;
    this.#made = made;
  }

  async put(version: Position, entry: WordEntry): Promise<void> {
    await this.#take({ kind: 'put', version, entry }, entry.words.size);
  }

  async remove(version: Position, id: string): Promise<void> {
    await this.#take({ kind: 'remove', version, id }, 1);
  }

  /** All of it is kept and found when it resolves. */
  async end(): Promise<void> {
    await this.#write();
    if (this.#writing === null) return;
    await this.#writing;
    await this.#words.settle(indexOf(this.#tx.schema));
  }

  async #take(change: WordChange, size: number): Promise<void> {
    this.#changes.push(change);
    this.#size += size;
    if (this.#changes.length >= MOST_ENTRIES || this.#size >= MOST_WORDS) await this.#write();
  }

  async #write(): Promise<void> {
    const changes = this.#changes;
    if (changes.length === 0) return;
    this.#changes = [];
    this.#size = 0;
    if (this.#writing === null) {
      await this.#tx.query(PATIENCE);
      await this.#make();
    }
    await this.#writing;
    this.#writing = this.#words.write(indexOf(this.#tx.schema), changes);
    // Heard of by whoever comes next; a page that fails before that is applied once more, and finds what this one wrote.
    this.#writing.catch(() => undefined);
  }

  async #make(): Promise<void> {
    const { schema } = this.#tx;
    if (this.#made.has(schema)) return;
    if ((await this.#tx.query(`select from ${schema}.index_made`)).length > 0) {
      this.#made.add(schema); // committed: it is made for good
      return;
    }
    await this.#words.make(indexOf(schema));
    await this.#tx.query(`insert into ${schema}.index_made default values on conflict do nothing`);
  }
}

/** What `read` finds in the index of an instance; `none` while nothing was ever written there. @throws WordIndexMissing when it was removed */
export const inIndex = async <A>(db: Pick<CommonQueryMethods, 'any'>, schema: string, none: A, read: () => Promise<A>): Promise<A> => {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof WordIndexMissing)) throw error;
    const made = await db.any(sql.type(rows(t.type({ once: t.boolean })))`select once from ${tableIn(schema, 'index_made')}`);
    if (made.length > 0) throw error;
    return none;
  }
};

/** How often a count that is short is taken once more: entries go before their rows do. */
const LOOKS = 5;

/** Null when the index has an entry for every row of `table`; else what is wrong. */
export const whatIndexLacks = async (words: WordIndex, table: string, schema: string, db: SqlSession): Promise<string | null> => {
  let lack: string | null = null;
  for (let look = 0; look < LOOKS; look++) {
    const [counted] = await db.query<{ rows: number }>(`select count(*) as rows from ${schema}.${table}`);
    const held = counted?.rows ?? 0;
    if (held === 0) return null;
    const entries = await words.count(indexOf(schema));
    if (entries >= held) return null;
    lack = `the search index ${indexOf(schema)} has ${entries} entries for ${held} rows`;
  }
  return lack;
};
