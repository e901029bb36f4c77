/** The bytes of a mail as they go out: those that were stored, and in front of them what vouches for them. */
import type { BlobStore } from '@tidings/contracts/ports/blob-store';
import type { OutgoingMail } from '@tidings/contracts/ports/mail-transport';
import type { QueuedOutbound } from '@tidings/domain/outbound/index';
import { LRUCache } from 'lru-cache';
import { headOf } from './head.ts';

export type Message = Pick<OutgoingMail, 'size' | 'eightBit' | 'utf8Header' | 'bytes'>;

/** Header fields to put in front, each with its line end; empty for none. */
export type Sign = (mail: QueuedOutbound, bytes: () => AsyncIterable<Uint8Array>) => Promise<string>;

export interface Messages {
  /** @throws BlobNotFound, and what the store throws when it is out of reach */
  of(mail: QueuedOutbound): Promise<Message>;
}

interface Known {
  readonly signature: string;
  readonly utf8Header: boolean;
}

/** Mails up to this size are kept at hand while they go to several places. */
const SMALL_BYTES = 256 * 1024;
const CACHE_BYTES = 32 * 1024 * 1024;

export const messagesFrom = (blobs: BlobStore, sign: Sign): Messages => {
  const small = new LRUCache<string, Buffer>({ maxSize: CACHE_BYTES, sizeCalculation: (bytes) => bytes.byteLength + 1 });
  const known = new LRUCache<string, Known>({ max: 5_000 });

  const bytesOf = async ({ rawBlobId, size }: QueuedOutbound): Promise<() => AsyncIterable<Uint8Array>> => {
    if (size > SMALL_BYTES) return () => streamed(blobs, rawBlobId);
    const bytes = small.get(rawBlobId) ?? (await blobs.read(rawBlobId));
    small.set(rawBlobId, bytes);
    return () => once(bytes);
  };

  const read = async (mail: QueuedOutbound, bytes: () => AsyncIterable<Uint8Array>): Promise<Known> => ({
    signature: await sign(mail, bytes),
    utf8Header: (await headOf(bytes())).some((byte) => byte > 0x7f),
  });

  return {
    of: async (mail) => {
      const bytes = await bytesOf(mail);
      const { signature, utf8Header } = known.get(mail.emailId) ?? (await read(mail, bytes));
      known.set(mail.emailId, { signature, utf8Header });
      const head = Buffer.from(signature);
      return { size: head.byteLength + mail.size, eightBit: true, utf8Header, bytes: () => joined(head, bytes()) };
    },
  };
};

async function* streamed(blobs: BlobStore, id: QueuedOutbound['rawBlobId']): AsyncGenerator<Uint8Array> {
  yield* (await blobs.get(id)) as AsyncIterable<Buffer>; // a stream of bytes gives buffers
}
async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
async function* joined(head: Uint8Array, bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  if (head.byteLength > 0) yield head;
  yield* bytes;
}
