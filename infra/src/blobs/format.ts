/** How a store keeps what is put from now on. What was put before says for itself how it is kept. */
import type { KeyObject } from 'node:crypto';

/** Id of no key: bytes are kept as they are. */
export const NO_KEY = 0;

/** Keys of AES-256 by their ids, 1 to 32767; `active` is one of them, or `NO_KEY`. */
export interface BlobKeys {
  readonly active: number;
  readonly byId: ReadonlyMap<number, KeyObject>;
}

export interface BlobFormat {
  /** Of zstd; 0: no compression. */
  readonly level: number;
  readonly keys: BlobKeys;
}

export const NO_KEYS: BlobKeys = { active: NO_KEY, byId: new Map() };

/** Level 1: a third of the time of zstd's default for a few per cent more bytes; accepting mail is what it competes with. */
export const DEFAULT_LEVEL = 1;
export const DEFAULT_FORMAT: BlobFormat = { level: DEFAULT_LEVEL, keys: NO_KEYS };
