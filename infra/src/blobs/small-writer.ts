/**
 * Group commit for small blobs: whoever puts while a commit is under way travels with the next one, so a busy SMTP door pays one
 * round trip and one flush of the disk for many mails. A lone caller is written at once; behind a batch of several the writer gathers
 * for a moment (docs/decisions/013).
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { BlobId } from '@tidings/contracts/ids';
import { BlobStoreUnavailable, TOUCHED_WITHIN_MS } from '@tidings/contracts/ports/blob-store';
import type { Pool } from 'pg';
import { RELAXED } from './asking.ts';
import type { BlobFormat } from './format.ts';
import type { Packed } from './packing.ts';

/** A second batch travels beside the first only when this much waits: two half batches cost more than one. */
const CONNECTIONS = 2;
const CROWD = 64;
const CROWD_BYTES = 1024 * 1024;
const GATHER_MS = 3;
const MAX_BATCH = 256;
const MAX_BATCH_BYTES = 4 * 1024 * 1024;
/** Beyond this callers are told to come back; memory stays bounded whatever the disk does. */
const MAX_WAITING_BYTES = 64 * 1024 * 1024;

/** A put renews the time of what is there, so that nobody removes it before an event names it (docs/decisions/034). */
export const TOUCH = `update set stored_at = excluded.stored_at where blob.stored_at < excluded.stored_at - interval '${TOUCHED_WITHIN_MS} ms'`;

/** One buffer for all values: a single binary parameter, cut apart by the server, beats an array that pg would send as hex text. */
const insert = (condition: string): string => `
  insert into blob.blob (id, size, packing, data, level, key_id)
  select substr($1::bytea, at, 32), size, packing, substr($1::bytea, at + 32, length), $6::smallint, $7::smallint
  from unnest($2::integer[], $3::bigint[], $4::smallint[], $5::integer[]) as entry (at, size, packing, length)
  where ${condition}
  on conflict (id) do ${TOUCH}`;
const DURABLY = { name: 'blob-insert-durably', text: insert('true') };
const RELAXEDLY = { name: 'blob-insert-relaxed', text: insert(RELAXED) };
/**
 * What was there already may have come relaxed, a moment ago, and a transaction that writes nothing waits for nothing. This one writes a word
 * into the write-ahead log, and waits for all that stands before it.
 */
export const FLUSH = "select pg_logical_emit_message(true, 'tidings', '')";

interface Entry {
  readonly id: BlobId;
  readonly size: number;
  readonly packed: Packed;
  readonly waitsForDisk: boolean;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

export class SmallWriter {
  readonly #pool: Pool;
  readonly #format: BlobFormat;
  #waiting: Entry[] = [];
  #waitingBytes = 0;
  #busy = 0;

  constructor(pool: Pool, format: BlobFormat) {
    this.#pool = pool;
    this.#format = format;
  }

  /**
   * @param waitsForDisk false: a commit that is on disk later takes this one along
   * @throws BlobStoreUnavailable
   */
  write(id: BlobId, size: number, packed: Packed, waitsForDisk: boolean): Promise<void> {
    if (this.#waitingBytes > MAX_WAITING_BYTES) return Promise.reject(new BlobStoreUnavailable('too many blobs are waiting to be written'));
    return new Promise((resolve, reject) => {
      this.#waiting.push({ id, size, packed, waitsForDisk, resolve, reject });
      this.#waitingBytes += packed.data.byteLength;
      this.#flush();
    });
  }

  #flush(): void {
    while (this.#waiting.length > 0 && (this.#busy === 0 || (this.#busy < CONNECTIONS && this.#isCrowded()))) {
      this.#busy += 1;
      void this.#commit(this.#take());
    }
  }

  #isCrowded(): boolean {
    return this.#waiting.length >= CROWD || this.#waitingBytes >= CROWD_BYTES;
  }

  #take(): readonly Entry[] {
    let bytes = 0;
    let count = 0;
    for (const entry of this.#waiting) {
      if (count === MAX_BATCH || (count > 0 && bytes + entry.packed.data.byteLength > MAX_BATCH_BYTES)) break;
      bytes += entry.packed.data.byteLength;
      count += 1;
    }
    this.#waitingBytes -= bytes;
    return this.#waiting.splice(0, count);
  }

  async #commit(entries: readonly Entry[]): Promise<void> {
    try {
      const durably = entries.some(({ waitsForDisk }) => waitsForDisk);
      const each = distinct(entries);
      const { rowCount } = await this.#pool.query({ ...(durably ? DURABLY : RELAXEDLY), values: parameters(each, this.#format) });
      if (durably && (rowCount ?? 0) < each.length) await this.#pool.query(FLUSH);
      for (const entry of entries) entry.resolve();
    } catch (cause) {
      const error = new BlobStoreUnavailable('writing blobs to Postgres', { cause });
      for (const entry of entries) entry.reject(error);
    } finally {
      if (entries.length > 1 && !this.#isCrowded()) await delay(GATHER_MS);
      this.#busy -= 1;
      this.#flush();
    }
  }
}

/** Each value once, in order of id, so that two batches with the same ids can never wait for each other in a circle. */
const distinct = (entries: readonly Entry[]): readonly Entry[] =>
  entries.length === 1
    ? entries
    : [...new Map(entries.map((entry) => [entry.id, entry])).values()].toSorted((a, b) => (a.id < b.id ? -1 : 1));

const parameters = (sorted: readonly Entry[], { level, keys }: BlobFormat): unknown[] => {
  const pieces: Uint8Array[] = [];
  const starts: number[] = [];
  let at = 1;
  for (const { id, packed } of sorted) {
    starts.push(at);
    pieces.push(Buffer.from(id, 'hex'), packed.data);
    at += 32 + packed.data.byteLength;
  }
  return [
    Buffer.concat(pieces),
    starts,
    sorted.map((entry) => entry.size),
    sorted.map((entry) => entry.packed.packing),
    sorted.map((entry) => entry.packed.data.byteLength),
    level,
    keys.active,
  ];
};
