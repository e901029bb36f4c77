/** Variables about where bytes are kept, and how (docs/decisions/034). */
import { createSecretKey, type KeyObject } from 'node:crypto';
import { resolve } from 'node:path';
import { type BlobFormat, type BlobKeys, DEFAULT_LEVEL, NO_KEY } from '../blobs/format.ts';
import type { S3Place } from '../blobs/s3-bucket.ts';
import type { LinkedDownloads } from '../blobs/s3-signer.ts';
import { optionalText, text, url, variable, wholeNumber, word } from './variable.ts';

const KEY_BYTES = 32;
const MAX_KEY_ID = 32_767;
const ENTRY = /^(\d{1,5}):(?:([0-9a-fA-F]{64})|([A-Za-z0-9+/_-]{43}=?))$/;

/** `1:…,2:…`; undefined for anything else, also for an id that is there twice. */
const parseKeys = (value: string): ReadonlyMap<number, KeyObject> | undefined => {
  const keys = new Map<number, KeyObject>();
  for (const part of value.split(',')) {
    const [, digits, hex, base64] = ENTRY.exec(part.trim()) ?? [];
    const id = Number(digits);
    const secret = hex === undefined ? Buffer.from(base64 ?? '', 'base64url') : Buffer.from(hex, 'hex');
    if (!(id > NO_KEY && id <= MAX_KEY_ID) || secret.byteLength !== KEY_BYTES || keys.has(id)) return undefined;
    keys.set(id, createSecretKey(secret));
  }
  return keys;
};

const parseLevel = (value: string): number | undefined => {
  if (value === 'none') return 0;
  const [, level = String(DEFAULT_LEVEL)] = /^zstd(?::(\d{1,2}))?$/.exec(value) ?? [null, 'no'];
  const number = Number(level);
  return number >= 1 && number <= 19 ? number : undefined;
};

export type BlobsIn = 'postgres' | 'folder' | 's3';

export const blobVariables = {
  BLOBS: word<BlobsIn>('postgres', 'folder', 's3').means(
    'Where the bytes of mail and files are kept: in the database, as files below `BLOBS_DIR`, or in the bucket `S3_BUCKET`.',
  ),
  BLOBS_ALSO: word<BlobsIn | 'nowhere'>('nowhere', 'postgres', 'folder', 's3').means(
    'Where bytes lie as well while they move: they are read from there too, and new ones go to `BLOBS`. `tidings blobs move` moves them (docs/how-to/engines.md).',
  ),
  BLOBS_DIR: optionalText.means(
    'The folder for `BLOBS=folder`, which all nodes must share; without it `blobs` in `DATA_DIR`. Bytes do not move by themselves when this changes.',
  ),
  S3_ENDPOINT: url('http', 'https').means('The S3-compatible service for `BLOBS=s3`; without it Amazon’s, for `AWS_REGION`.'),
  S3_BUCKET: variable<string | null>('the name of a bucket: 3 to 63 of a-z, 0-9, dot and hyphen', null, (name) =>
    /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(name) ? name : undefined,
  ).means('The bucket for `BLOBS=s3`, which holds nothing else and keeps no versions; made when missing.'),
  AWS_REGION: text('us-east-1').means('The region of `S3_BUCKET`; most other services take any.'),
  AWS_ACCESS_KEY_ID: optionalText.means(
    'Who we are to S3; without it what Amazon’s client finds by itself, such as the role of a machine or a profile.',
  ),
  AWS_SECRET_ACCESS_KEY: optionalText.means('The secret of `AWS_ACCESS_KEY_ID`.'),
  S3_DOWNLOAD_URL: url('http', 'https').means(
    'The address under which clients reach the S3-compatible service: `S3_ENDPOINT`, or another name of it, but of another origin than `PUBLIC_URL`. With it downloads of more than 2 MiB are redirected there, by links that are signed; without it all bytes go through Tidings (docs/how-to/engines.md).',
  ),
  S3_DOWNLOAD_SECONDS: wholeNumber(1, 3_600, 300).means(
    'How long such a link works, for whoever has it. Who may read is asked when it is made; a download that has begun by then goes on.',
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
  BLOB_KEY: variable<number | null>('the id of a key, or 0 for none', null, (id) => (/^\d{1,5}$/.test(id) ? Number(id) : undefined)).means(
    'The key of `BLOB_KEYS` that bytes are sealed with from now on; 0: none, they are kept as they are. Goes with `BLOB_KEYS`.',
  ),
  BLOB_KEEP_UNUSED_SECONDS: wholeNumber(1, 31_536_000, 86_400).means(
    'How long bytes stay that nothing refers to any more. Less than an hour is for trying it out.',
  ),
  BLOB_COLLECT_EVERY_SECONDS: wholeNumber(1, 604_800, 3_600).means('How often bytes that nothing refers to are looked for.'),
};

export interface BlobStorage {
  readonly type: BlobsIn;
  /** Bytes are moved from there. */
  readonly also: BlobsIn | null;
  /** Absolute. */
  readonly folder: string;
  /** null unless one is named. */
  readonly s3: S3Place | null;
  /** null: all bytes go through us. */
  readonly downloads: LinkedDownloads | null;
  readonly format: BlobFormat;
  readonly keepUnusedMs: number;
  readonly collectEveryMs: number;
}

type Values = { readonly [K in keyof typeof blobVariables]: (typeof blobVariables)[K]['fallback'] } & {
  readonly DATA_DIR: string;
  readonly PUBLIC_URL: string | null;
};

/** What does not fit together. */
export const blobFaults = (env: Values): readonly string[] => [...keyFaults(env), ...placeFaults(env), ...downloadFaults(env)];

const placeFaults = (env: Values): readonly string[] => [
  ...(env.BLOBS_ALSO === env.BLOBS ? [`BLOBS_ALSO must be another place than BLOBS, which is ${env.BLOBS} too`] : []),
  ...((env.BLOBS === 's3' || env.BLOBS_ALSO === 's3') && env.S3_BUCKET === null
    ? [`S3_BUCKET must be set when ${env.BLOBS === 's3' ? 'BLOBS' : 'BLOBS_ALSO'} is s3`]
    : []),
  ...((env.AWS_ACCESS_KEY_ID === null) === (env.AWS_SECRET_ACCESS_KEY === null)
    ? []
    : ['AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY must be set together']),
];

const downloadFaults = ({ S3_DOWNLOAD_URL: url, S3_BUCKET, BLOB_KEY, PUBLIC_URL }: Values): readonly string[] => {
  if (url === null) return [];
  return [
    ...(S3_BUCKET === null ? ['S3_BUCKET must be set when S3_DOWNLOAD_URL is'] : []),
    ...(BLOB_KEY === null || BLOB_KEY === NO_KEY
      ? []
      : [`S3_DOWNLOAD_URL hands out plain copies of bytes, which BLOB_KEY (${BLOB_KEY}) says must be sealed: set one of them`]),
    // A client drops its token only when it is sent to another origin, and the bucket refuses a request with two ways of proving itself.
    ...(PUBLIC_URL !== null && new URL(PUBLIC_URL).origin === new URL(url).origin
      ? ['S3_DOWNLOAD_URL must be of another origin than PUBLIC_URL, or clients send their tokens there']
      : []),
    ...(new URL(url).pathname === '/' ? [] : ['S3_DOWNLOAD_URL must have no path: what comes behind the host is signed']),
  ];
};

const keyFaults = ({ BLOB_KEYS, BLOB_KEY }: Values): readonly string[] => {
  if (BLOB_KEY === null)
    return BLOB_KEYS.size === 0 ? [] : ['BLOB_KEY must say which key of BLOB_KEYS bytes are sealed with; 0: none of them'];
  return BLOB_KEY === NO_KEY || BLOB_KEYS.has(BLOB_KEY) ? [] : [`BLOB_KEY is ${BLOB_KEY}, and BLOB_KEYS holds no key with this id`];
};

export const blobStorageOf = (env: Values): BlobStorage => ({
  type: env.BLOBS,
  also: env.BLOBS_ALSO === 'nowhere' ? null : env.BLOBS_ALSO,
  s3: s3Of(env),
  downloads: env.S3_DOWNLOAD_URL === null ? null : { url: env.S3_DOWNLOAD_URL, seconds: env.S3_DOWNLOAD_SECONDS },
  folder: resolve(env.BLOBS_DIR ?? `${env.DATA_DIR}/blobs`),
  format: { level: env.BLOB_COMPRESSION, keys: keysOf(env) },
  keepUnusedMs: env.BLOB_KEEP_UNUSED_SECONDS * 1000,
  collectEveryMs: env.BLOB_COLLECT_EVERY_SECONDS * 1000,
});

const s3Of = (env: Values): S3Place | null =>
  env.S3_BUCKET === null
    ? null
    : {
        endpoint: env.S3_ENDPOINT,
        bucket: env.S3_BUCKET,
        region: env.AWS_REGION,
        credentials:
          env.AWS_ACCESS_KEY_ID === null || env.AWS_SECRET_ACCESS_KEY === null
            ? null
            : { accessKeyId: env.AWS_ACCESS_KEY_ID, secretAccessKey: env.AWS_SECRET_ACCESS_KEY },
      };

const keysOf = ({ BLOB_KEYS, BLOB_KEY }: Values): BlobKeys => ({ byId: BLOB_KEYS, active: BLOB_KEY ?? NO_KEY });
