/** Variables about where bytes are kept, and how (docs/decisions/034). */
import { createSecretKey, type KeyObject } from 'node:crypto';
import { resolve } from 'node:path';
import { type BlobFormat, type BlobKeys, DEFAULT_LEVEL, NO_KEY } from '../blobs/format.ts';
import { optionalText, variable, wholeNumber, word } from './variable.ts';

const KEY_BYTES = 32;
const MAX_KEY_ID = 32_767;
const ENTRY = /^(\d{1,5}):(?:([0-9a-fA-F]{64})|([A-Za-z0-9+/_-]{43}=?))$/;

/** `1:…,2:…`; undefined for anything else, also for an id that is there twice. */
const parseKeys = (text: string): ReadonlyMap<number, KeyObject> | undefined => {
  const keys = new Map<number, KeyObject>();
  for (const part of text.split(',')) {
    const [, digits, hex, base64] = ENTRY.exec(part.trim()) ?? [];
    const id = Number(digits);
    const secret = hex === undefined ? Buffer.from(base64 ?? '', 'base64url') : Buffer.from(hex, 'hex');
    if (!(id > NO_KEY && id <= MAX_KEY_ID) || secret.byteLength !== KEY_BYTES || keys.has(id)) return undefined;
    keys.set(id, createSecretKey(secret));
  }
  return keys;
};

const parseLevel = (text: string): number | undefined => {
  if (text === 'none') return 0;
  const [, level = String(DEFAULT_LEVEL)] = /^zstd(?::(\d{1,2}))?$/.exec(text) ?? [null, 'no'];
  const number = Number(level);
  return number >= 1 && number <= 19 ? number : undefined;
};

export const blobVariables = {
  BLOBS: word('postgres', 'folder').means('Where the bytes of mail and files are kept: in the database, or as files below `BLOBS_DIR`.'),
  BLOBS_DIR: optionalText.means(
    'The folder for `BLOBS=folder`, which all nodes must share; without it `blobs` in `DATA_DIR`. Bytes do not move by themselves when this changes.',
  ),
  BLOB_COMPRESSION: variable('none, zstd, or zstd:LEVEL with a level from 1 to 19', DEFAULT_LEVEL, parseLevel).means(
    'How bytes are packed from now on; what does not shrink is kept as it is. `zstd` is level 1, which is quick; the default is `zstd:1`.',
  ),
  BLOB_KEYS: variable<ReadonlyMap<number, KeyObject>>(
    'keys with their ids like 1:SECRET,2:SECRET, an id from 1 to 32767, a secret of 32 bytes in base64 or hex, each id once',
    new Map(),
    parseKeys,
  ).means(
    'Keys that bytes are sealed with at rest (AES-256-GCM), such as `1:` and the output of `openssl rand -base64 32`. A key stays here for as long as something is sealed with it.',
  ),
  BLOB_KEY: variable<number | null>('the id of a key, or 0 for none', null, (text) =>
    /^\d{1,5}$/.test(text) ? Number(text) : undefined,
  ).means('The key of `BLOB_KEYS` that bytes are sealed with from now on; 0: none, they are kept as they are. Goes with `BLOB_KEYS`.'),
  BLOB_KEEP_UNUSED_SECONDS: wholeNumber(1, 31_536_000, 86_400).means(
    'How long bytes stay that nothing refers to any more. Less than an hour is for trying it out.',
  ),
  BLOB_COLLECT_EVERY_SECONDS: wholeNumber(1, 604_800, 3_600).means('How often bytes that nothing refers to are looked for.'),
};

export interface BlobStorage {
  readonly type: 'postgres' | 'folder';
  /** Absolute. */
  readonly folder: string;
  readonly format: BlobFormat;
  readonly keepUnusedMs: number;
  readonly collectEveryMs: number;
}

type Values = { readonly [K in keyof typeof blobVariables]: (typeof blobVariables)[K]['fallback'] } & { readonly DATA_DIR: string };

/** What does not fit together. */
export const blobFaults = ({ BLOB_KEYS, BLOB_KEY }: Values): readonly string[] => {
  if (BLOB_KEY === null)
    return BLOB_KEYS.size === 0 ? [] : ['BLOB_KEY must say which key of BLOB_KEYS bytes are sealed with; 0: none of them'];
  return BLOB_KEY === NO_KEY || BLOB_KEYS.has(BLOB_KEY) ? [] : [`BLOB_KEY is ${BLOB_KEY}, and BLOB_KEYS holds no key with this id`];
};

export const blobStorageOf = (env: Values): BlobStorage => ({
  type: env.BLOBS,
  folder: resolve(env.BLOBS_DIR ?? `${env.DATA_DIR}/blobs`),
  format: { level: env.BLOB_COMPRESSION, keys: keysOf(env) },
  keepUnusedMs: env.BLOB_KEEP_UNUSED_SECONDS * 1000,
  collectEveryMs: env.BLOB_COLLECT_EVERY_SECONDS * 1000,
});

const keysOf = ({ BLOB_KEYS, BLOB_KEY }: Values): BlobKeys => ({ byId: BLOB_KEYS, active: BLOB_KEY ?? NO_KEY });
