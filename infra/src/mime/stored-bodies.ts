/** The blob behind `EmailFiled.bodyBlobId`: what a mail's bodies say, decoded and safe, as JSON. Equal bodies give equal bytes: kept once. */
import * as t from 'io-ts';
import { either as E } from 'fp-ts';
import type { BlobId } from '@tidings/contracts/ids';
import type { BlobStore } from '@tidings/contracts/ports/blob-store';
import type { Bodies } from './read-mail.ts';

const StoredBodies = t.type({ version: t.literal(1), bodies: t.record(t.string, t.type({ value: t.string, isTruncated: t.boolean })) });

/** @throws BlobStoreUnavailable */
export const storeBodies = async (blobs: BlobStore, bodies: Bodies): Promise<BlobId> => {
  const stored: t.TypeOf<typeof StoredBodies> = { version: 1, bodies };
  return (await blobs.put(Buffer.from(JSON.stringify(stored)))).id;
};

/**
 * By part id. HTML still holds part links: `resolvePartLinks` points them at one email.
 * @throws BlobNotFound, BlobStoreUnavailable, Error when the blob holds something else
 */
export const readBodies = async (blobs: BlobStore, id: BlobId): Promise<Bodies> => {
  const decoded = StoredBodies.decode(JSON.parse((await blobs.read(id)).toString()));
  if (E.isLeft(decoded)) throw new Error(`blob ${id} holds no mail bodies`);
  return decoded.right.bodies;
};
