/**
 * RFC 5321 §2.3.8 and §4.1.1.4: lines end with CRLF and with nothing else. Whoever lets a bare CR or LF pass may be used to smuggle a
 * second mail past the next server, so such a mail is refused, after its true end. smtp-server already takes only `CRLF.CRLF` for the
 * end; a bare LF before a dot reaches us as a bare LF (with the dot behind it un-stuffed), so looking for bare CR and LF finds every variant.
 */
import { replies, type Reply } from './reply.ts';

/**
 * RFC 5321 §4.5.3.1.6 asks for 1,000 octets at least and for no limit where possible; real mail has lines of some kilobytes. This is where
 * a line is no text any more.
 */
export const MAX_LINE_BYTES = 64 * 1024;

const LF = 0x0a;
const CR = 0x0d;

export class LineGuard {
  #previous = LF;
  #lineBytes = 0;
  #fault: Reply | null = null;

  /** Looks at the next bytes of a message; the first fault stays. */
  see(chunk: Uint8Array): void {
    if (this.#fault !== null) return;
    let previous = this.#previous;
    let lineBytes = this.#lineBytes;
    for (const byte of chunk) {
      if (byte === LF ? previous !== CR : previous === CR) {
        this.#fault = replies.bareLineEnd();
        return;
      }
      lineBytes = byte === LF ? 0 : lineBytes + 1;
      if (lineBytes > MAX_LINE_BYTES) {
        this.#fault = replies.lineTooLong(MAX_LINE_BYTES);
        return;
      }
      previous = byte;
    }
    this.#previous = previous;
    this.#lineBytes = lineBytes;
  }

  get fault(): Reply | null {
    return this.#fault;
  }
}
