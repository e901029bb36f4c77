/**
 * The bytes between DATA and the final dot, on their way into the blob store. They are always read to their true end, also when they
 * were refused on the way: the session stays in step and the peer hears why. Memory per session is bounded by `SMALL_BYTES`.
 */
import { PassThrough, type Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { BlobTooLarge, type BlobStore, type StoredBlob } from '@tidings/contracts/ports/blob-store';
import { bodyStart, fieldsOf } from '@tidings/infra/mime/head';
import { LineGuard } from './line-guard.ts';
import { replies } from './reply.ts';

/** A message up to this size is handed over whole, and shares its commit with others; a larger one is streamed. */
const SMALL_BYTES = 256 * 1024;
/** RFC 5321 §6.3: more hops than this are a loop. */
const MAX_RECEIVED = 100;

/**
 * Resolves when the bytes are durable, or will be before the event that is appended next.
 * @throws Reply, BlobTooLarge, BlobStoreUnavailable; what the stream throws when the peer goes away. Nothing is kept then.
 */
export const takeMessage = async (message: Readable, blobs: BlobStore, maxBytes: number): Promise<StoredBlob> => {
  const guard = new LineGuard();
  const first: Uint8Array[] = [];
  let size = 0;
  let large: LargeMessage | null = null;

  try {
    for await (const chunk of message as AsyncIterable<Buffer>) {
      guard.see(chunk);
      size += chunk.byteLength;
      if (large === null) {
        first.push(chunk);
        if (size <= SMALL_BYTES) continue;
        const start = Buffer.concat(first.splice(0));
        refuseLoops(start);
        large = new LargeMessage(blobs, maxBytes);
        await large.write(start);
      } else if (guard.fault === null) {
        await large.write(chunk);
      } else {
        large.abandon(guard.fault);
      }
    }
    if (guard.fault !== null) throw guard.fault;
    if (large !== null) return await large.end();
    if (size > maxBytes) throw new BlobTooLarge(`more than ${maxBytes} bytes`);
    const whole = first.length === 1 && first[0] !== undefined ? first[0] : Buffer.concat(first, size);
    refuseLoops(whole);
    return await blobs.put(whole, { maxBytes, thenAppended: true });
  } catch (error) {
    large?.abandon(error);
    await drained(message);
    throw error;
  }
};

/** A message under way to the store. A store that fails does not stop the reading; `end` tells. */
class LargeMessage {
  readonly #body = new PassThrough();
  readonly #stored: Promise<StoredBlob>;
  #failed = false;

  constructor(blobs: BlobStore, maxBytes: number) {
    this.#stored = blobs.put(this.#body, { maxBytes, thenAppended: true });
    this.#body.on('error', () => undefined);
    this.#stored.catch(() => {
      this.#failed = true;
      this.#body.destroy();
    });
  }

  /** Waits while the store is slower than the peer. */
  async write(chunk: Uint8Array): Promise<void> {
    if (this.#failed || this.#body.destroyed || this.#body.write(chunk)) return;
    await new Promise<void>((resolve) => {
      const goOn = (): void => {
        this.#body.off('drain', goOn).off('close', goOn);
        resolve();
      };
      this.#body.on('drain', goOn).on('close', goOn);
    });
  }

  end(): Promise<StoredBlob> {
    this.#body.end();
    return this.#stored;
  }

  abandon(reason: unknown): void {
    this.#body.destroy(reason instanceof Error ? reason : new Error('refused'));
  }
}

/** @throws Reply. The head is looked at only as far as it lies in `start`. */
const refuseLoops = (start: Uint8Array): void => {
  let received = 0;
  for (const field of fieldsOf(start.subarray(0, bodyStart(start)))) {
    if (/^received\s*:/i.test(Buffer.from(field.subarray(0, 20)).toString('latin1'))) received += 1;
  }
  if (received > MAX_RECEIVED) throw replies.loop();
};

/** Reads on to the end, keeping nothing; a peer that went away is no news here. */
const drained = async (message: Readable): Promise<void> => {
  if (message.destroyed || message.readableEnded) return;
  message.resume();
  await finished(message, { writable: false }).catch(() => undefined);
};
