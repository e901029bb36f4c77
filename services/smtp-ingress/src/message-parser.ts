/**
 * smtp-server's parser with our own reading of what follows DATA (RFC 5321 §4.5.2): the library hands on a piece for each dot it removes, so
 * that 30 MiB of nothing but dots took twenty seconds of computing. Here a chunk stays one piece, whatever is in it.
 */
import { SMTPStream } from 'smtp-server/lib/smtp-stream.js';
import type { SMTPServerDataStream } from 'smtp-server';

const LF = 0x0a;
const CR = 0x0d;
const DOT = 0x2e;

/** Where in a line the next byte lies. A dot at its start and the CR behind that are held back until it is clear what they are. */
type Place = 'middle' | 'after CR' | 'start' | 'after dot' | 'after dot and CR';

type Callback = (error?: Error | null) => void;

export class MessageParser extends SMTPStream {
  #place: Place = 'start';

  override startDataMode(maxBytes?: number | string | null): SMTPServerDataStream {
    this.#place = 'start';
    return super.startDataMode(maxBytes);
  }

  override _feedDataStream(chunk: Buffer, done: Callback): void {
    const plain = this.#plainUntil(chunk);
    if (plain === chunk.length) {
      this.#place = placeBehind(chunk, this.#place);
      this.#emit(chunk, done);
    } else this.#readDots(chunk, plain, done);
  }

  /** How much of it stays as it is: up to a line that begins with a dot, which most chunks have none of, or only the last one of a mail. */
  #plainUntil(chunk: Buffer): number {
    const place = this.#place;
    if (place === 'after dot' || place === 'after dot and CR' || (place === 'start' && chunk[0] === DOT)) return 0;
    const newline = chunk.indexOf('\n.');
    return newline < 0 ? chunk.length : newline + 1;
  }

  #readDots(chunk: Buffer, plain: number, done: Callback): void {
    const kept = Buffer.allocUnsafe(chunk.length + 1); // a CR may have been held back before
    let length = chunk.copy(kept, 0, 0, plain);
    let place = plain === 0 ? this.#place : placeBehind(chunk.subarray(0, plain), this.#place);
    for (let at = plain; at < chunk.length; at += 1) {
      const byte = chunk[at] ?? 0;
      if (place === 'after dot' && byte === CR) {
        place = 'after dot and CR';
        continue;
      }
      if (place === 'after dot and CR') {
        if (byte === LF) {
          this._countDataBytes(length);
          this._endDataMode(kept.subarray(0, length), chunk.subarray(at + 1), done);
          return;
        }
        kept[length++] = CR;
        place = 'after CR';
      }
      if (place === 'start' && byte === DOT) {
        place = 'after dot'; // it goes, unless it is the end
        continue;
      }
      kept[length++] = byte;
      place = byte === CR ? 'after CR' : byte === LF && place === 'after CR' ? 'start' : 'middle';
    }
    this.#place = place;
    this.#emit(kept.subarray(0, length), done);
  }

  /** Waits while the reader is slower than the peer. */
  #emit(bytes: Buffer, done: Callback): void {
    this._countDataBytes(bytes.length);
    const stream = this._dataStream;
    if (stream === null || bytes.length === 0 || !stream.writable || stream.write(bytes) || stream.destroyed) {
      done();
      return;
    }
    const goOn = (): void => {
      stream.off('drain', goOn).off('close', goOn);
      done();
    };
    stream.on('drain', goOn).on('close', goOn);
  }
}

/** Behind bytes without a dot to look at. */
const placeBehind = (bytes: Buffer, before: Place): Place => {
  const last = bytes.at(-1);
  if (last === undefined) return before;
  if (last === CR) return 'after CR';
  const isLineEnd = last === LF && (bytes.length > 1 ? bytes.at(-2) === CR : before === 'after CR');
  return isLineEnd ? 'start' : 'middle';
};
