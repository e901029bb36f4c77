/** Where the mails of a file lie on disk and when they came: a few dozen bytes for each, so that a million of them stay small. */

export interface ListedMail {
  /** Among all, in the order of the file: 0 for the first. */
  readonly nth: number;
  readonly start: number;
  readonly length: number;
  /** Milliseconds; null when neither the file nor the mail says. */
  readonly at: number | null;
  /** In an mbox, where lines are quoted. */
  readonly inMbox: boolean;
  /** The folder it is in, `/` between its steps; empty for none. */
  readonly folder: string;
  /** For people: where it is in the file. */
  readonly place: string;
}

interface Entry {
  readonly name: string;
  readonly folder: string;
  readonly inMbox: boolean;
  /** The `nth` of its first mail. */
  readonly first: number;
}

export class MailList {
  #starts = new Float64Array(1024);
  #lengths = new Float64Array(1024);
  /** When it came or was sent, else that of the one before it. */
  #at = new Float64Array(1024);
  #isGuess = new Uint8Array(1024);
  #entries: Entry[] = [];
  #order: Uint32Array | null = null;
  #count = 0;

  get count(): number {
    return this.#count;
  }

  /** What is added from now on is from this file, or this entry of an archive. */
  begin(entry: { readonly name: string; readonly folder: string; readonly inMbox: boolean }): void {
    this.#entries.push({ ...entry, first: this.#count });
  }

  add(start: number, length: number, at: number | null): void {
    const n = this.#count;
    if (n === this.#starts.length) this.#grow();
    this.#starts[n] = start;
    this.#lengths[n] = length;
    this.#at[n] = at ?? (n === 0 ? 0 : (this.#at[n - 1] ?? 0));
    this.#isGuess[n] = at === null ? 1 : 0;
    this.#count += 1;
  }

  /** The oldest first, so that what is answered comes before its answer, whatever the order of the file. */
  inOrder(nth: number): ListedMail {
    this.#order ??= this.#sorted();
    const n = this.#order[nth] ?? 0;
    const entry = this.#entryOf(n);
    return {
      nth: n,
      start: this.#starts[n] ?? 0,
      length: this.#lengths[n] ?? 0,
      at: this.#isGuess[n] === 1 ? null : (this.#at[n] ?? null),
      inMbox: entry.inMbox,
      folder: entry.folder,
      place: entry.inMbox ? [entry.name, `mail ${n - entry.first + 1}`].filter((part) => part !== '').join(', ') : entry.name,
    };
  }

  #entryOf(n: number): Entry {
    let [low, high] = [0, this.#entries.length - 1];
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      // The last one that begins at or before it: entries without a mail begin where the next one does.
      if ((this.#entries[middle]?.first ?? 0) <= n) low = middle;
      else high = middle - 1;
    }
    const entry = this.#entries[low];
    if (entry === undefined) throw new Error('a mail is in no entry');
    return entry;
  }

  #sorted(): Uint32Array {
    const order = Uint32Array.from({ length: this.#count }, (_, n) => n);
    return order.sort((a, b) => (this.#at[a] ?? 0) - (this.#at[b] ?? 0) || a - b);
  }

  #grow(): void {
    const double = <A extends Float64Array | Uint8Array>(from: A, to: A): A => {
      to.set(from);
      return to;
    };
    const size = this.#starts.length * 2;
    this.#starts = double(this.#starts, new Float64Array(size));
    this.#lengths = double(this.#lengths, new Float64Array(size));
    this.#at = double(this.#at, new Float64Array(size));
    this.#isGuess = double(this.#isGuess, new Uint8Array(size));
  }
}
