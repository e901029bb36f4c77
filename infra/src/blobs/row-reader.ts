/** Whoever asks for a blob while a question is under way shares the next one: a page of mails costs a few round trips, not hundreds. */
import type { BlobId } from '@tidings/contracts/ids';
import { BlobNotFound, BlobStoreUnavailable } from '@tidings/contracts/ports/blob-store';
import type { Pool } from 'pg';
import type { Packing } from './packing.ts';

export interface BlobRow {
  readonly packing: Packing;
  /** Null when the bytes lie in the chunks of `upload`. */
  readonly data: Buffer | null;
  readonly upload: string | null;
  /** Of the bytes as they were given. */
  readonly size: number;
  /** 0: not sealed. */
  readonly keyId: number;
  /** Of a sealed large value. */
  readonly sealedKey: Buffer | null;
}

/** Bounds what one answer may hold: as many small blobs at their largest are 16 MiB. */
const MAX_BATCH = 64;
const CONNECTIONS = 2;
/** By the primary key. */
const FIND = `select encode(id, 'hex') as id, packing, data, upload, size::float8 as size, key_id as "keyId", sealed_key as "sealedKey"
  from blob.blob where id = any($1::bytea[])`;

/** For what is not there: it may be on its way out. Both places in one statement, for it is moved from one to the other. */
const FIND_EVERYWHERE = `${FIND} union all ${FIND.replace('blob.blob', 'blob.aside')}`;

interface Question {
  readonly id: BlobId;
  readonly resolve: (row: BlobRow) => void;
  readonly reject: (error: Error) => void;
}

export class RowReader {
  readonly #pool: Pool;
  #waiting: Question[] = [];
  #busy = 0;

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  /** @throws BlobNotFound, BlobStoreUnavailable */
  find(id: BlobId): Promise<BlobRow> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ id, resolve, reject });
      this.#ask();
    });
  }

  #ask(): void {
    while (this.#busy < CONNECTIONS && this.#waiting.length > 0) {
      this.#busy += 1;
      void this.#answer(this.#waiting.splice(0, MAX_BATCH));
    }
  }

  async #answer(questions: readonly Question[]): Promise<void> {
    try {
      const ids = [...new Set(questions.map(({ id }) => id))].map((id) => Buffer.from(id, 'hex'));
      const { rows } = await this.#pool.query<BlobRow & { id: BlobId }>({ name: 'blob-find', text: FIND, values: [ids] });
      const found = new Map(rows.map((row) => [row.id, row]));
      const missing = questions.filter(({ id }) => !found.has(id)).map(({ id }) => Buffer.from(id, 'hex'));
      if (missing.length > 0) {
        const more = await this.#pool.query<BlobRow & { id: BlobId }>(FIND_EVERYWHERE, [missing]);
        for (const row of more.rows) found.set(row.id, row);
      }
      for (const { id, resolve, reject } of questions) {
        const row = found.get(id);
        if (row === undefined) reject(new BlobNotFound(id));
        else resolve(row);
      }
    } catch (cause) {
      const error = new BlobStoreUnavailable('asking Postgres for blobs', { cause });
      for (const { reject } of questions) reject(error);
    } finally {
      this.#busy -= 1;
      this.#ask();
    }
  }
}
