/** The few things that the blob store asks of a bucket. A service that is away, or refuses, is `BlobStoreUnavailable`; what is not there is null. */
import {
  AbortMultipartUploadCommand,
  CopyObjectCommand,
  CreateBucketCommand,
  DeleteObjectCommand,
  GetObjectCommand,
} from '@aws-sdk/client-s3';
import { HeadBucketCommand, HeadObjectCommand, paginateListObjectsV2, PutObjectCommand } from '@aws-sdk/client-s3';
import { ListMultipartUploadsCommand, S3Client, S3ServiceException } from '@aws-sdk/client-s3';
import { Upload } from '@aws-sdk/lib-storage';
import { BlobStoreUnavailable } from '@tidings/contracts/ports/blob-store';
import { Readable } from 'node:stream';

export interface S3Place {
  /** null: Amazon's own, for the region. */
  readonly endpoint: string | null;
  readonly bucket: string;
  readonly region: string;
  /** null: wherever Amazon's client looks for them (a role, a profile). */
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string } | null;
}

export interface S3Object {
  readonly key: string;
  /** Milliseconds since the epoch, by the service's clock and to the second. */
  readonly modifiedAt: number;
}

/** The end of an object, and what tells its version from another. */
export interface S3Tail {
  readonly bytes: Buffer;
  /** Of the whole object. */
  readonly size: number;
  readonly etag: string;
}

const CONNECT_MS = 5_000;
/** Without a byte either way. */
const SILENT_MS = 30_000;
/** A slow reader holds one. */
const CONNECTIONS = 256;
/** The least that S3 takes as a part; two are under way, and one is gathered. */
const PART_BYTES = 5 * 1024 * 1024;
const PARTS_AT_ONCE = 2;

export class S3Bucket {
  readonly #client: S3Client;
  readonly #bucket: string;
  readonly #at: string;

  constructor({ endpoint, bucket, region, credentials }: S3Place) {
    this.#bucket = bucket;
    this.#at = `bucket ${bucket}${endpoint === null ? '' : ` at ${endpoint}`}`;
    this.#client = new S3Client({
      region,
      ...(endpoint === null ? {} : { endpoint, forcePathStyle: true }),
      ...(credentials === null ? {} : { credentials }),
      requestHandler: {
        connectionTimeout: CONNECT_MS,
        socketTimeout: SILENT_MS,
        httpsAgent: { maxSockets: CONNECTIONS },
        httpAgent: { maxSockets: CONNECTIONS },
      },
    });
  }

  close(): void {
    this.#client.destroy();
  }

  /** Makes the bucket if there is none. */
  async ready(): Promise<void> {
    const found = await this.#asking('looking for', this.#client.send(new HeadBucketCommand({ Bucket: this.#bucket })), 404);
    if (found === null) await this.#asking('making', this.#client.send(new CreateBucketCommand({ Bucket: this.#bucket })), 409);
  }

  async head(key: string): Promise<S3Object | null> {
    const found = await this.#asking(
      `looking for ${key} in`,
      this.#client.send(new HeadObjectCommand({ Bucket: this.#bucket, Key: key })),
      404,
    );
    return found === null ? null : { key, modifiedAt: found.LastModified?.getTime() ?? 0 };
  }

  /** @returns the last `length` bytes, or all of what is shorter */
  async tail(key: string, length: number): Promise<S3Tail | null> {
    const reading = async (): Promise<S3Tail> => {
      const found = await this.#client.send(new GetObjectCommand({ Bucket: this.#bucket, Key: key, Range: `bytes=-${length}` }));
      const bytes = Buffer.from((await found.Body?.transformToByteArray()) ?? []);
      const [, size = String(bytes.byteLength)] = /\/(\d+)$/.exec(found.ContentRange ?? '') ?? [];
      return { bytes, size: Number(size), etag: found.ETag ?? '' };
    };
    return this.#asking(`reading ${key} in`, reading(), 404);
  }

  /** Bytes `start` to `end`, both included, of the very version; null when that is not there any more. Destroy what is not read to its end. */
  async range(key: string, etag: string, start: number, end: number): Promise<Readable | null> {
    const found = await this.#asking(
      `reading ${key} in`,
      this.#client.send(new GetObjectCommand({ Bucket: this.#bucket, Key: key, IfMatch: etag, Range: `bytes=${start}-${end}` })),
      404,
      412,
    );
    if (found === null) return null;
    if (found.Body instanceof Readable) return found.Body;
    throw new BlobStoreUnavailable(`reading ${key} in ${this.#at}: no body came`);
  }

  /** @returns false when there is one with this key already */
  async create(key: string, bytes: Uint8Array): Promise<boolean> {
    // 409: another one is being created at this very moment.
    const made = await this.#asking(
      `writing ${key} to`,
      this.#client.send(new PutObjectCommand({ Bucket: this.#bucket, Key: key, Body: bytes, IfNoneMatch: '*' })),
      412,
      409,
    );
    return made !== null;
  }

  async write(key: string, bytes: Uint8Array): Promise<void> {
    await this.#asking(`writing ${key} to`, this.#client.send(new PutObjectCommand({ Bucket: this.#bucket, Key: key, Body: bytes })));
  }

  /** In parts, whatever its length. When `pieces` break, nothing stays behind, and that error is thrown. */
  async stream(key: string, pieces: AsyncIterable<Uint8Array>): Promise<void> {
    const broken: unknown[] = [];
    async function* watched(): AsyncGenerator<Uint8Array> {
      try {
        yield* pieces;
      } catch (error) {
        broken.push(error);
        throw error;
      }
    }
    const upload = new Upload({
      client: this.#client,
      params: { Bucket: this.#bucket, Key: key, Body: Readable.from(watched(), { objectMode: false }) },
      partSize: PART_BYTES,
      queueSize: PARTS_AT_ONCE,
      leavePartsOnError: false,
    });
    await this.#asking(`writing ${key} to`, upload.done()).catch((error: unknown) => {
      throw broken.length === 0 ? error : broken[0];
    });
  }

  /** Within the service. @returns false when there is no `from` */
  async copy(from: string, to: string): Promise<boolean> {
    const copied = await this.#asking(
      `copying ${from} in`,
      this.#client.send(new CopyObjectCommand({ Bucket: this.#bucket, CopySource: `${this.#bucket}/${from}`, Key: to })),
      404,
    );
    return copied !== null;
  }

  async remove(key: string): Promise<void> {
    await this.#asking(`removing ${key} from`, this.#client.send(new DeleteObjectCommand({ Bucket: this.#bucket, Key: key })), 404);
  }

  /** Pages in order of key. */
  async *list(prefix: string): AsyncGenerator<readonly S3Object[]> {
    const pages = paginateListObjectsV2({ client: this.#client }, { Bucket: this.#bucket, Prefix: prefix });
    for (;;) {
      const page = await this.#asking(`listing ${prefix} in`, pages.next());
      if (page?.value === undefined) return;
      const found = (page.value.Contents ?? []).map(({ Key = '', LastModified }) => ({
        key: Key,
        modifiedAt: LastModified?.getTime() ?? 0,
      }));
      if (found.length > 0) yield found;
    }
  }

  /** Lets go of the parts of uploads that nobody has ended since `before` (ms since the epoch). @returns how many uploads, of a page of them */
  async abandonUploads(prefix: string, before: number): Promise<number> {
    let abandoned = 0;
    const open = await this.#asking(
      'listing uploads to',
      this.#client.send(new ListMultipartUploadsCommand({ Bucket: this.#bucket, Prefix: prefix })),
    );
    for (const { Key, UploadId, Initiated } of open?.Uploads ?? []) {
      if (Key === undefined || UploadId === undefined || Initiated === undefined || Initiated.getTime() >= before) continue;
      await this.#asking(
        `letting go of ${Key} in`,
        this.#client.send(new AbortMultipartUploadCommand({ Bucket: this.#bucket, Key, UploadId })),
        404,
      );
      abandoned += 1;
    }
    return abandoned;
  }

  /** @returns null for an answer with one of these codes */
  async #asking<A>(doing: string, answer: Promise<A>, ...expected: readonly number[]): Promise<A | null> {
    try {
      return await answer;
    } catch (cause) {
      const code = cause instanceof S3ServiceException && cause.name !== 'NoSuchBucket' ? (cause.$metadata.httpStatusCode ?? 0) : 0;
      if (expected.includes(code)) return null;
      throw new BlobStoreUnavailable(`${doing} ${this.#at}: ${cause instanceof Error ? cause.message || cause.name : String(cause)}`, {
        cause,
      });
    }
  }
}
