/**
 * Finds the mails in an mbox as it streams by (RFC 4155 appendix A). A mail begins behind a line `From ‹who› ‹when›` that is the first one or follows
 * an empty line; any other line that begins so belongs to the mail it is in, whether its writer quoted such lines or not. Memory does not grow with a mail.
 */
const LF = 0x0a;
const CR = 0x0d;
const NEEDLE = Buffer.from('\nFrom ');
/** A line that is longer is no separator. */
const LONGEST_LINE = 2_000;
/** What must be seen of what came before a separator: the end of a line and an empty one, each perhaps with CR. */
const BEFORE = 4;

/** Bytes from `start` to before `end`, counted from the beginning of the file. */
export interface MailRange {
  readonly start: number;
  readonly end: number;
  /** Of the line that stands before it: `From ` and what follows, without its end. */
  readonly fromLine: string;
}

/** It must say when: that tells it from prose that begins with the word. */
const SEPARATOR = /^From .*(?:\d{1,2}:\d{2}.*\b\d{4}\b|\b\d{4}\b.*\d{1,2}:\d{2})/;

export class MboxSplitter {
  #buffer: Buffer = Buffer.alloc(0);
  /** Where `#buffer` begins in the file. */
  #offset = 0;
  /** Up to where it is searched. */
  #searched = 0;
  #begun = false;
  #open: { readonly start: number; readonly fromLine: string } | null = null;

  /** @returns mails that end in what was pushed */
  push(chunk: Buffer): readonly MailRange[] {
    this.#buffer = this.#buffer.length === 0 ? chunk : Buffer.concat([this.#buffer, chunk]);
    const found = this.#search(false);
    const keep = Math.max(0, Math.min(this.#searched, this.#buffer.length) - BEFORE);
    this.#offset += keep;
    this.#searched -= keep;
    this.#buffer = Buffer.from(this.#buffer.subarray(keep)); // a copy: the chunk is its stream's
    return found;
  }

  /** @returns the last mail, if there is one */
  end(): readonly MailRange[] {
    const found = [...this.#search(true)];
    if (this.#open !== null) {
      const last = this.#offset + this.#buffer.length;
      found.push({ ...this.#open, end: Math.max(this.#open.start, last - emptyLineBefore(this.#buffer, this.#buffer.length)) });
    }
    this.#open = null;
    return found;
  }

  #search(isLast: boolean): readonly MailRange[] {
    const found: MailRange[] = [];
    if (!this.#begun && !this.#begin(isLast)) return found;
    for (;;) {
      const before = this.#buffer.indexOf(NEEDLE, this.#searched);
      if (before < 0) {
        this.#searched = Math.max(this.#searched, this.#buffer.length - NEEDLE.length + 1);
        return found;
      }
      const lineStart = before + 1;
      const lineEnd = this.#buffer.indexOf(LF, lineStart);
      if (lineEnd < 0 && !isLast && this.#buffer.length - lineStart < LONGEST_LINE) {
        this.#searched = before; // the rest of the line is to come
        return found;
      }
      const end = lineEnd < 0 ? this.#buffer.length : lineEnd + 1;
      const fromLine = this.#separatorAt(lineStart, end);
      if (fromLine === null) {
        this.#searched = lineStart;
        continue;
      }
      if (this.#open !== null) {
        const blank = emptyLineBefore(this.#buffer, lineStart);
        found.push({ ...this.#open, end: Math.max(this.#open.start, this.#offset + lineStart - blank) });
      }
      this.#open = { start: this.#offset + end, fromLine };
      // The line's own end may be what the next separator's begins with.
      this.#searched = Math.max(lineStart, end - 1);
    }
  }

  /** The first line needs nothing before it. False until all of it is there. */
  #begin(isLast: boolean): boolean {
    const lineEnd = this.#buffer.indexOf(LF);
    if (lineEnd < 0 && !isLast && this.#buffer.length < LONGEST_LINE) return false;
    this.#begun = true;
    const end = lineEnd < 0 ? this.#buffer.length : lineEnd + 1;
    const line = lineOf(this.#buffer, 0, end);
    if (line.startsWith('From ')) {
      this.#open = { start: end, fromLine: line };
      this.#searched = Math.max(0, end - 1);
    }
    return true;
  }

  #separatorAt(start: number, end: number): string | null {
    if (end - start > LONGEST_LINE) return null;
    const isFirstLineOfMail = this.#open?.start === this.#offset + start;
    if (!isFirstLineOfMail && emptyLineBefore(this.#buffer, start) === 0) return null;
    const line = lineOf(this.#buffer, start, end);
    return SEPARATOR.test(line) ? line : null;
  }
}

/** How many bytes the empty line before `at` has: 0 when there is none. */
const emptyLineBefore = (bytes: Buffer, at: number): number => {
  if (bytes[at - 1] !== LF) return 0;
  const own = bytes[at - 2] === CR ? 2 : 1;
  return bytes[at - own - 1] === LF ? own : 0;
};

const lineOf = (bytes: Buffer, start: number, end: number): string => bytes.toString('latin1', start, end).replace(/\r?\n$/, '');
