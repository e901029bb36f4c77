/**
 * Group commit for small blobs: whoever puts while a commit is under way travels with the next one, so a busy SMTP door pays one
 * round trip and one flush of the disk for many mails. A lone caller is written at once; behind a batch of several the writer gathers
 * for a moment (docs/decisions/013).
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { BlobId } from '@tidings/contracts/ids';
import { BlobStoreUnavailable } from '@tidings/contracts/ports/blob-store';
import type { Pool } from 'pg';
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

/** One buffer for all values: a single binary parameter, cut apart by the server, beats an array that pg would send as hex text. */
const insert = (condition: string): string => `
  insert into blob.blob (id, size, packing, data)
  select substr($1::bytea, at, 32), size, packing, substr($1::bytea, at + 32, length)
  from unnest($2::integer[], $3::bigint[], $4::smallint[], $5::integer[]) as entry (at, size, packing, length)
  where ${condition}
  on conflict (id) do nothing`;
const DURABLY = { name: 'blob-insert-durably', text: insert('true') };
/** For this transaction only, and asked of each row because the statement must name it somewhere. */
const RELAXED = { name: 'blob-insert-relaxed', text: insert("set_config('synchronous_commit', 'off', true) = 'off'") };
/**
 * What was there already may have come relaxed, a moment ago, and a transaction that writes nothing waits for nothing. This one writes a word
 * into the write-ahead log, and waits for all that stands before it.
 */
const FLUSH = "select pg_logical_emit_message(true, 'tidings', '')";

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
  #waiting: Entry[] = [];
  #waitingBytes = 0;
  #busy = 0;

  constructor(pool: Pool) {
    this.#pool = pool;
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
      const { rowCount } = await this.#pool.query({ ...(durably ? DURABLY : RELAXED), values: parameters(entries) });
      if (durably && (rowCount ?? 0) < entries.length) await this.#pool.query(FLUSH);
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

const parameters = (entries: readonly Entry[]): unknown[] => {
  // In order of id, so that two batches with the same ids can never wait for each other in a circle.
  const sorted = entries.length === 1 ? entries : entries.toSorted((a, b) => (a.id < b.id ? -1 : 1));
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
  ];
};
