/** The blob store that is configured, with its keys checked. */
import type { BlobId } from '@tidings/contracts/ids';
import type { BlobStore } from '@tidings/contracts/ports/blob-store';
import type { Pool } from 'pg';
import type { Logger } from 'pino';
import type { BlobsIn, BlobStorage } from '../config/blob-storage.ts';
import { DEFAULT_FORMAT } from './format.ts';
import { folderKeyProofs, openFolderBlobs } from './folder.ts';
import { checkKeys, type KeyProofs } from './keys.ts';
import { movingBlobs, movingProofs, type Moving } from './moving.ts';
import { openPostgresBlobs } from './postgres.ts';
import { postgresKeyProofs } from './postgres-keys.ts';
import type { S3Place } from './s3-bucket.ts';
import type { LinksOptions } from './s3-links.ts';
import type { LinkedDownloads } from './s3-signer.ts';

export interface OpenedPlace {
  readonly blobs: BlobStore;
  readonly proofs: KeyProofs;
}

export interface OpenedBlobs extends OpenedPlace {
  /** While they move: the two places by themselves. */
  readonly moving: Moving<BlobStore> | null;
}

export type BlobPlace = Pick<BlobStorage, 'type' | 'also' | 'folder' | 's3' | 'downloads' | 'format'>;

/** As it is unless configured. */
export const DEFAULT_PLACE: BlobPlace = { type: 'postgres', also: null, folder: '', s3: null, downloads: null, format: DEFAULT_FORMAT };

interface Beside {
  readonly pool: Pool;
  /** The event log lies in the database of `pool`. */
  readonly besideLog: boolean;
  /** Told of what goes wrong behind links; without it none are handed out. */
  readonly logger?: Logger;
}

/** @throws WrongBlobKeys, BlobStoreUnavailable */
export const openBlobs = async (storage: BlobPlace, beside: Beside): Promise<OpenedBlobs> => {
  const to = await openPlace(storage.type, storage, beside);
  if (storage.also === null) return { ...to, moving: null };
  const from = await openPlace(storage.also, storage, beside);
  const moving = { to: to.blobs, from: from.blobs };
  return { blobs: movingBlobs(moving), proofs: movingProofs({ to: to.proofs, from: from.proofs }), moving };
};

const openPlace = async (place: BlobsIn, { folder, s3, downloads, format }: BlobPlace, beside: Beside): Promise<OpenedPlace> => {
  const opened = await (async (): Promise<OpenedPlace> => {
    switch (place) {
      case 'postgres':
        return { blobs: openPostgresBlobs({ ...beside, format }), proofs: postgresKeyProofs(beside.pool) };
      case 'folder':
        return { blobs: openFolderBlobs(folder, { format }), proofs: folderKeyProofs(folder) };
      case 's3': {
        if (s3 === null) throw new Error('no bucket is configured'); // the configuration sees to it
        // Loaded only where it is used: Amazon's client is large.
        const [{ S3Bucket }, { openS3Blobs, s3KeyProofs }] = await Promise.all([import('./s3-bucket.ts'), import('./s3.ts')]);
        const bucket = new S3Bucket(s3);
        await bucket.ready();
        const links = downloads === null ? {} : await linksOf(s3, downloads, beside.logger);
        return { blobs: openS3Blobs(bucket, { format, ...links }), proofs: s3KeyProofs(bucket) };
      }
    }
  })();
  await checkKeys(format.keys, opened.proofs);
  return opened;
};

const linksOf = async (s3: S3Place, downloads: LinkedDownloads, logger?: Logger): Promise<{ readonly links?: LinksOptions }> => {
  if (logger === undefined) return {};
  const { linkSigner } = await import('./s3-signer.ts');
  const onFault = (err: unknown, blobId: BlobId): void => logger.warn({ err, blobId }, 'no plain copy could be made for downloads');
  return { links: { sign: linkSigner(s3, downloads), onFault } };
};
