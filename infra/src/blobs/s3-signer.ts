/** Signs addresses at which a bucket gives an object to whoever has them, for a short time. No request is made for it. */
import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import type { Download } from '@tidings/contracts/ports/blob-store';
import type { S3Place } from './s3-bucket.ts';

export type SignLink = (key: string, download: Pick<Download, 'type' | 'disposition'>) => Promise<URL>;

/** How readers reach the bucket, and for how long a link works. */
export interface LinkedDownloads {
  /** Where the bucket is for them: the service's endpoint, or a name of its own. */
  readonly url: string;
  readonly seconds: number;
}

/** @param now milliseconds since the epoch */
export const linkSigner = (
  { bucket, region, credentials }: S3Place,
  { url, seconds }: LinkedDownloads,
  now: () => number = Date.now,
): SignLink => {
  const client = new S3Client({
    ...{ region, endpoint: url, forcePathStyle: true },
    // Else a checksum of the request's body, which there is none of, is signed along; and a reader of a link checks none.
    ...({ requestChecksumCalculation: 'WHEN_REQUIRED', responseChecksumValidation: 'WHEN_REQUIRED' } as const),
    ...(credentials === null ? {} : { credentials }),
  });
  return async (key, { type, disposition }) => {
    const request = new GetObjectCommand({
      ...{ Bucket: bucket, Key: key },
      ...{ ResponseContentType: type, ResponseContentDisposition: disposition, ResponseCacheControl: 'private, no-store' },
    });
    return new URL(await getSignedUrl(client, request, { expiresIn: seconds, signingDate: new Date(now()) }));
  };
};
