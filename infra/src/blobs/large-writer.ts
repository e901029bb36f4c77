/**
 * Writes large values to Postgres, a chunk to a row. One of a few chunks goes in a single statement; a larger one is streamed under an upload id
 * that becomes a blob at its end, so memory stays flat and no transaction stays open while a slow peer sends.
 */
import { randomUUID } from 'node:crypto';
import type { BlobId } from '@tidings/contracts/ids';
import type { StoredBlob } from '@tidings/contracts/ports/blob-store';
import type { Pool } from 'pg';
import { asking, RELAXED } from './asking.ts';
import type { BlobFormat } from './format.ts';
import { CHUNK_BYTES, type Measured } from './intake.ts';
import { type Packed, packerFor } from './packing.ts';
import { FLUSH, TOUCH } from './small-writer.ts';

export interface LargeValue {
  readonly chunks: AsyncIterable<Uint8Array>;
  readonly measured: () => Measured;
}

/** Where the chunks of one large value are, and how to read them. */
export interface WrittenUpload extends StoredBlob {
  readonly upload: string;
  readonly sealedKey: Buffer | null;
}

/** A value of so many chunks is gathered and written at once: one trip to the database instead of one for each chunk. */
const AT_ONCE = 6;
/** For all values that are being gathered; beyond it they are streamed. */
const GATHERED_BYTES = 48 * 1024 * 1024;

export class LargeWriter {
  readonly #pool: Pool;
  readonly #format: BlobFormat;
  #gathered = 0;

  constructor(pool: Pool, format: BlobFormat) {
    this.#pool = pool;
    this.#format = format;
  }

  /** Only its end waits for the disk, which takes along all that was committed before it; an upload without its end is swept. */
  async put(value: LargeValue, waitsForDisk: boolean): Promise<StoredBlob> {
    const written = await this.#write(value, async (id, size, sealedKey, chunks) => {
      const { rows } = await asking(
        this.#pool.query<{ taken: boolean | null }>({
          name: waitsForDisk ? 'blob-whole-durably' : 'blob-whole-relaxed',
          text: whole(waitsForDisk ? 'true' : RELAXED),
          values: [...this.#values(id, size, randomUUID(), sealedKey), ...columns(chunks)],
        }),
      );
      if (rows[0]?.taken !== true && waitsForDisk) await asking(this.#pool.query(FLUSH));
    });
    if (written.upload !== null) await this.#finish({ ...written, upload: written.upload }, waitsForDisk);
    return { id: written.id, size: written.size };
  }

  /** Writes all of it as an upload, which whoever asked makes a blob of, or discards. */
  async upload(value: LargeValue): Promise<WrittenUpload> {
    const upload = randomUUID();
    const written = await this.#write(value, async (_id, _size, _sealedKey, chunks) => {
      await this.#begin(upload);
      await this.#insert(upload, 0, chunks);
    });
    return { ...written, upload: written.upload ?? upload };
  }

  async discard(upload: string): Promise<void> {
    await asking(
      this.#pool.query('with gone as (delete from blob.chunk where upload = $1) delete from blob.upload where id = $1', [upload]),
    );
  }

  /** @returns with an upload where it was streamed; `atOnce` has written it otherwise */
  async #write(
    { chunks, measured }: LargeValue,
    atOnce: (id: BlobId, size: number, sealedKey: Buffer | null, chunks: readonly Packed[]) => Promise<void>,
  ): Promise<StoredBlob & { readonly upload: string | null; readonly sealedKey: Buffer | null }> {
    const packer = packerFor(this.#format);
    let upload: string | null = null;
    let first: Packed[] = [];
    let held = 0;
    let seq = 0;
    // A chunk is under way to the database while the next one is read and packed.
    let writing: Promise<unknown> = Promise.resolve();
    try {
      for await (const chunk of chunks) {
        const packed = await packer.pack(chunk);
        if (upload === null && first.length < AT_ONCE && this.#gathered + CHUNK_BYTES <= GATHERED_BYTES) {
          first.push(packed);
          held += CHUNK_BYTES;
          this.#gathered += CHUNK_BYTES;
          continue;
        }
        if (upload === null) {
          upload = randomUUID();
          await this.#begin(upload);
          await this.#insert(upload, 0, first);
          seq = first.length;
          first = [];
          this.#gathered -= held;
          held = 0;
        }
        await writing;
        writing = this.#insert(upload, seq, [packed]);
        writing.catch(() => undefined); // whoever awaits it next is told
        seq += 1;
      }
      await writing;
      const { id, size } = measured();
      const sealedKey = packer.sealedKey(id);
      if (upload === null) await atOnce(id, size, sealedKey, first);
      return { id, size, upload, sealedKey };
    } catch (error) {
      await writing.catch(() => undefined);
      // What cannot be removed now is swept at a later start.
      if (upload !== null) await this.discard(upload).catch(() => undefined);
      throw error;
    } finally {
      this.#gathered -= held;
    }
  }

  #begin(upload: string): Promise<unknown> {
    return asking(
      this.#pool.query({
        name: 'blob-insert-upload',
        text: `insert into blob.upload (id) select $1::uuid where ${RELAXED}`,
        values: [upload],
      }),
    );
  }

  async #insert(upload: string, from: number, chunks: readonly Packed[]): Promise<void> {
    for (const [at, { packing, data }] of chunks.entries()) {
      await asking(
        this.#pool.query({
          name: 'blob-insert-chunk',
          text: `insert into blob.chunk (upload, seq, packing, data) select $1::uuid, $2::integer, $3::smallint, $4::bytea where ${RELAXED}`,
          values: [upload, from + at, packing, binary(data)],
        }),
      );
    }
  }

  async #finish({ id, size, upload, sealedKey }: WrittenUpload, waitsForDisk: boolean): Promise<void> {
    try {
      const { rows } = await asking(
        this.#pool.query<{ taken: boolean | null }>({
          name: waitsForDisk ? 'blob-finish-durably' : 'blob-finish-relaxed',
          text: finish(waitsForDisk ? 'true' : RELAXED),
          values: this.#values(id, size, upload, sealedKey),
        }),
      );
      // The same bytes were there already: the first copy stays, this one goes, which waits for the disk and so for the first copy too.
      if (rows[0]?.taken !== true) await this.discard(upload);
    } catch (error) {
      await this.discard(upload).catch(() => undefined);
      throw error;
    }
  }

  #values(id: BlobId, size: number, upload: string, sealedKey: Buffer | null): unknown[] {
    return [Buffer.from(id, 'hex'), size, upload, this.#format.level, this.#format.keys.active, sealedKey];
  }
}

/** `taken` is true when the row is ours, false or null when the bytes were there already. */
const take = (condition: string): string => `
  taken as (
    insert into blob.blob (id, size, packing, upload, level, key_id, sealed_key)
    select $1::bytea, $2::bigint, 0, $3::uuid, $4::smallint, $5::smallint, $6::bytea where ${condition}
    on conflict (id) do ${TOUCH} returning upload = $3 as taken
  )`;

const finish = (condition: string): string => `
  with ${take(condition)}, done as (
    delete from blob.upload where id = $3 and exists (select from taken where taken)
  )
  select (select taken from taken) as taken`;

/** One buffer for all chunks, which the server cuts apart (see small-writer.ts). */
const whole = (condition: string): string => `
  with ${take(condition)}, chunks as (
    insert into blob.chunk (upload, seq, packing, data)
    select $3, seq - 1, packing, substr($7::bytea, at, length)
    from unnest($8::smallint[], $9::integer[], $10::integer[]) with ordinality as chunk (packing, at, length, seq)
    where exists (select from taken where taken)
  )
  select (select taken from taken) as taken`;

const columns = (chunks: readonly Packed[]): unknown[] => {
  const starts: number[] = [];
  let at = 1;
  for (const { data } of chunks) {
    starts.push(at);
    at += data.byteLength;
  }
  return [
    Buffer.concat(chunks.map(({ data }) => data)),
    chunks.map(({ packing }) => packing),
    starts,
    chunks.map(({ data }) => data.byteLength),
  ];
};

/** pg sends a Buffer as binary; over another view's bytes it takes no copy. */
const binary = (data: Uint8Array): Buffer => Buffer.from(data.buffer, data.byteOffset, data.byteLength);
