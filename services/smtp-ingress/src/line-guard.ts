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
/** Within a chunk; where two chunks meet is looked at apart. A regular expression over the bytes as latin1 is far quicker than a loop. */
const BARE = /\r(?!\n|$)|(?<!\r|^)\n/;

export class LineGuard {
  #previous = LF;
  #lineBytes = 0;
  #fault: Reply | null = null;

  /** Looks at the next bytes of a message; the first fault stays. */
  see(chunk: Buffer): void {
    if (this.#fault !== null || chunk.length === 0) return;
    if ((this.#previous === CR) !== (chunk[0] === LF) || BARE.test(chunk.toString('latin1'))) this.#fault = replies.bareLineEnd();
    else if (this.#isTooLong(chunk)) this.#fault = replies.lineTooLong(MAX_LINE_BYTES);
    this.#previous = chunk.at(-1) ?? LF;
  }

  /** Counts on from the lines before. */
  #isTooLong(chunk: Buffer): boolean {
    let start = 0;
    if (this.#lineBytes + chunk.length > MAX_LINE_BYTES) {
      for (let end = chunk.indexOf(LF); end !== -1; end = chunk.indexOf(LF, start)) {
        if (this.#lineBytes + end - start > MAX_LINE_BYTES) return true;
        this.#lineBytes = 0;
        start = end + 1;
      }
    } else {
      start = chunk.lastIndexOf(LF) + 1;
      if (start > 0) this.#lineBytes = 0;
    }
    this.#lineBytes += chunk.length - start;
    return this.#lineBytes > MAX_LINE_BYTES;
  }

  get fault(): Reply | null {
    return this.#fault;
  }
}
