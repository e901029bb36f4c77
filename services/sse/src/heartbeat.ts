/** One timer for all streams: a wheel whose slots come round in turn, so that the work of a beat is spread and nothing is kept per stream. */
import type { Stream } from './stream.ts';

/** A full turn; clients hear from us at least every five seconds (architecture §6). */
const TURN_MS = 4000;
const SLOTS = 40;

export class HeartbeatWheel {
  readonly #slots: readonly Set<Stream>[] = Array.from({ length: SLOTS }, () => new Set<Stream>());
  readonly #timer: NodeJS.Timeout;
  #next = 0;
  #size = 0;

  constructor(now: () => number) {
    let turn = 0;
    this.#timer = setInterval(() => {
      turn = (turn + 1) % SLOTS;
      const at = now();
      for (const stream of this.#slots[turn] ?? []) stream.beat(at);
    }, TURN_MS / SLOTS);
  }

  get size(): number {
    return this.#size;
  }

  add(stream: Stream): void {
    this.#next = (this.#next + 1) % SLOTS;
    stream.slot = this.#next;
    this.#slots[stream.slot]?.add(stream);
    this.#size++;
  }

  remove(stream: Stream): void {
    if (this.#slots[stream.slot]?.delete(stream) === true) this.#size--;
  }

  *streams(): Iterable<Stream> {
    for (const slot of this.#slots) yield* slot;
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}
