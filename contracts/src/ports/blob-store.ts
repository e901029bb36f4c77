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
  /** The bytes as given, or those of a range. @throws BlobNotFound */
  get(id: BlobId, range?: ByteRange): Promise<Readable>;
  /** For blobs known to be small. @throws BlobNotFound */
  read(id: BlobId): Promise<Buffer>;
  has(id: BlobId): Promise<boolean>;
  /** For ever; nothing when it is not there. Only for bytes that nothing refers to any more. @throws BlobStoreUnavailable */
  remove(id: BlobId): Promise<void>;
}

export class BlobTooLarge extends Error {
  override readonly name = 'BlobTooLarge';
}
export class BlobNotFound extends Error {
  override readonly name = 'BlobNotFound';
}
export class BlobStoreUnavailable extends Error {
  override readonly name = 'BlobStoreUnavailable';
}
