/** The blob store that is configured, with its keys checked. */
import type { BlobStore } from '@tidings/contracts/ports/blob-store';
import type { Pool } from 'pg';
import type { BlobStorage } from '../config/blob-storage.ts';
import { DEFAULT_FORMAT } from './format.ts';
import { folderKeyProofs, openFolderBlobs } from './folder.ts';
import { checkKeys, type KeyProofs } from './keys.ts';
import { openPostgresBlobs } from './postgres.ts';
import { postgresKeyProofs } from './postgres-keys.ts';

export interface OpenedBlobs {
  readonly blobs: BlobStore;
  readonly proofs: KeyProofs;
}

export type BlobPlace = Pick<BlobStorage, 'type' | 'folder' | 'format'>;

/** As it is unless configured. */
export const DEFAULT_PLACE: BlobPlace = { type: 'postgres', folder: '', format: DEFAULT_FORMAT };

/**
 * @param besideLog the event log lies in the database of `pool`
 * @throws WrongBlobKeys, BlobStoreUnavailable
 */
export const openBlobs = async (
  storage: BlobPlace,
  { pool, besideLog }: { readonly pool: Pool; readonly besideLog: boolean },
): Promise<OpenedBlobs> => {
  const { format } = storage;
  if (storage.type === 'postgres') {
    const proofs = postgresKeyProofs(pool);
    await checkKeys(format.keys, proofs);
    return { blobs: openPostgresBlobs({ pool, besideLog, format }), proofs };
  }
  const blobs = openFolderBlobs(storage.folder, { format });
  const proofs = folderKeyProofs(storage.folder);
  await checkKeys(format.keys, proofs);
  return { blobs, proofs };
};
