/** Bytes by their sha256, stored once. Mail bodies and files live here; events carry the `BlobId`. */
import type { Readable } from 'node:stream';
import type { BlobId } from '../ids.ts';

export interface StoredBlob {
  readonly id: BlobId;
  /** Bytes as given, before compression. */
  readonly size: number;
}

/** Bytes `start` to `end`, both included, as HTTP counts them (RFC 9110 §14.1.2); both lie within the blob. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/** Bytes that somebody may read, and as what an answer would give them. */
export interface Download {
  readonly id: BlobId;
  /** A piece that is cut out of the blob, instead of all of it; `read` gives it, and may be asked once the download has been answered otherwise. */
  readonly part?: { readonly name: string; readonly read: () => Promise<Uint8Array> };
  /** Of what is handed out. */
  readonly size: number;
  /** `Content-Type` and `Content-Disposition`. */
  readonly type: string;
  readonly disposition: string;
}

export interface PutOptions {
  readonly maxBytes?: number;
  /**
   * An event that names the blob is appended next, and nobody is told anything before that is durable. So the blob need not be on disk sooner
   * than the event, only never later; a store that cannot see to that waits for the disk all the same.
   */
  readonly thenAppended?: boolean;
}

export interface BlobStore {
  /**
   * Durable when it resolves (but see `thenAppended`); storing the same bytes again is a no-op. Memory stays flat whatever the size.
   * @throws BlobTooLarge when `maxBytes` is passed (nothing stays behind), BlobStoreUnavailable
   */
  put(bytes: Readable | Uint8Array, options?: PutOptions): Promise<StoredBlob>;
  /** The bytes as given, or those of a range. @throws BlobNotFound, BlobDamaged; BlobStoreUnavailable also when their key is not at hand */
  get(id: BlobId, range?: ByteRange): Promise<Readable>;
  /** For blobs known to be small. @throws as `get` */
  read(id: BlobId): Promise<Buffer>;
  /**
   * An address at which the store hands these bytes out by itself, for a short time and to whoever has it. Null: send them yourself. The store does not
   * do that, or not for these, or cannot now; or it has to make them ready first, which it does behind this.
   */
  link(download: Download): Promise<URL | null>;
  /** False for bytes that are being removed. */
  has(id: BlobId): Promise<boolean>;
  /** What is stored, in pages, in no order that means anything. What comes or goes meanwhile may be among it or not. */
  list(stored?: StoredBetween): AsyncIterable<readonly ListedBlob[]>;
  /** What a removal that was cut short left aside: for longer than `forMs`. */
  leftAside(forMs: number): Promise<readonly BlobId[]>;
  /**
   * Stores bytes anew as a `put` would store them now: compression and key of today. Readers notice nothing.
   * @throws as `get`; they stay as they are then
   */
  storeAnew(id: BlobId): Promise<void>;
  /**
   * For ever, those of them that are not in use. They are set aside first, where they can still be read and from where a `put` does not take
   * them; then, once every event that a `put` promised must be in the log (`APPENDED_WITHIN_MS`), `inUse` is asked. Bytes that are put again
   * in the meantime stay. Once more after a failure finishes it (docs/decisions/024).
   * @param putBefore those put since then (ms since the epoch) stay: see `TOUCHED_WITHIN_MS`
   * @returns those that are gone
   * @throws BlobStoreUnavailable, what `inUse` throws; everything is there then
   */
  removeUnused(ids: readonly BlobId[], inUse: InUse, putBefore?: number): Promise<readonly BlobId[]>;
}

export type InUse = (ids: readonly BlobId[]) => Promise<ReadonlySet<BlobId>>;

/** Milliseconds since the epoch: from `since` on and before `until`. */
export interface StoredBetween {
  readonly since?: number;
  readonly until?: number;
}

export interface ListedBlob {
  readonly id: BlobId;
  /** When it was put last, but see `TOUCHED_WITHIN_MS`; milliseconds since the epoch. */
  readonly storedAt: number;
  /** Whether a `put` would store it like that now: else `storeAnew` is of use. */
  readonly isCurrent: boolean;
}

/** A `put` of bytes that are there renews the time at which they were stored, unless that is more recent than this. */
export const TOUCHED_WITHIN_MS = 60_000;

/** Whose event is appended later than this after `put` must look whether the bytes are still there before telling anybody. */
export const APPENDED_WITHIN_MS = 2_000;

export class BlobTooLarge extends Error {
  override readonly name = 'BlobTooLarge';
}
export class BlobNotFound extends Error {
  override readonly name = 'BlobNotFound';
}
/** What is stored are not the bytes that were given: a part is missing or was changed. */
export class BlobDamaged extends Error {
  override readonly name = 'BlobDamaged';
}
export class BlobStoreUnavailable extends Error {
  override readonly name = 'BlobStoreUnavailable';
}
