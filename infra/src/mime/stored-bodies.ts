/**
 * The blob behind `EmailFiled.bodyBlobId`: what only a single mail's page shows, as JSON. Its bodies, decoded and safe, and the details that
 * no list needs. Equal mails give equal bytes: kept once.
 */
import * as t from 'io-ts';
import * as E from 'fp-ts/lib/Either.js';
import { decode } from '@tidings/contracts/codec';
import { EmailDetails } from '@tidings/contracts/events/email';
import type { BlobId } from '@tidings/contracts/ids';
import type { BlobStore } from '@tidings/contracts/ports/blob-store';
import type { Bodies } from './read-mail.ts';

const Stored = t.type({
  version: t.literal(1),
  details: EmailDetails,
  bodies: t.record(t.string, t.type({ value: t.string, isTruncated: t.boolean })),
});

export interface StoredBodies {
  readonly details: EmailDetails;
  /** By part id. HTML still holds part links: `resolvePartLinks` points them at one email. */
  readonly bodies: Bodies;
  /** Size of the blob. */
  readonly bytes: number;
}

/** What `storeBodies` stores. */
export const bytesOfBodies = ({ details, bodies }: Omit<StoredBodies, 'bytes'>): Buffer => {
  const stored: t.TypeOf<typeof Stored> = { version: 1, details, bodies };
  return Buffer.from(JSON.stringify(stored));
};

/** For an event that is appended next. @throws BlobStoreUnavailable */
export const storeBodies = async (blobs: BlobStore, bodies: Omit<StoredBodies, 'bytes'>): Promise<BlobId> =>
  (await blobs.put(bytesOfBodies(bodies), { thenAppended: true })).id;

/** @throws BlobNotFound, BlobStoreUnavailable, Error when the blob holds something else */
export const readBodies = async (blobs: Pick<BlobStore, 'read'>, id: BlobId): Promise<StoredBodies> => {
  const bytes = await blobs.read(id);
  const decoded = decode(Stored, JSON.parse(bytes.toString('utf8')));
  if (E.isLeft(decoded)) {
    throw new Error(`blob ${id} holds no mail bodies: ${decoded.left.map(({ path, message }) => `${path} ${message}`).join('; ')}`);
  }
  const { details, bodies } = decoded.right;
  return { details, bodies, bytes: bytes.byteLength };
};
