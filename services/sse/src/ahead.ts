/**
 * Events on their way to the feed's table that this process knows already, because it appended them or has read them from the log. Those that
 * follow without a gap on what was told, and whose rows need no table, are told at once (docs/decisions/015). All others wait for the table,
 * and so does what comes behind them: the feed has one order.
 */
import type { Recorded } from '@tidings/contracts/events/index';
import type { EventLog, Position } from '@tidings/contracts/ports/event-log';
import { Foresight } from '@tidings/projections/feed/foresight';
import type { FeedRow } from '@tidings/projections/feed/queries';

/** An event at its place; null for one that this code cannot read. */
export interface Known {
  readonly position: Position;
  readonly event: Recorded | null;
}

/** What stands between the last place told and the first known one. */
export interface Obstacle {
  /** The table has to reach this place. */
  readonly position: Position;
  /** Events missing before it: they may be in other hands for a moment, or another process's. */
  readonly missing: number;
}

/** More than these are let go: the table will have them. */
const MOST = 10_000;

export class Ahead {
  readonly #distance: EventLog['distance'];
  readonly #foresight = new Foresight();
  /** In log order, each place once, all behind what was told. */
  #waiting: Known[] = [];

  constructor(distance: EventLog['distance']) {
    this.#distance = distance;
  }

  push(known: Known): void {
    if (this.#waiting.length >= MOST) this.#waiting = [];
    let at = this.#waiting.length;
    while (at > 0 && (this.#waiting[at - 1]?.position ?? '') > known.position) at -= 1;
    if (this.#waiting[at - 1]?.position === known.position) return;
    this.#waiting.splice(at, 0, known);
  }

  /** The rows of all that can be told behind `told` now, and the place they lead to; `told` itself when there is none. */
  take(told: Position): { readonly rows: readonly FeedRow[]; readonly upTo: Position } {
    const rows: FeedRow[] = [];
    let upTo = told;
    let taken = 0;
    for (const { position, event } of this.#waiting) {
      if (position > upTo) {
        const own = event === null || this.#distance(upTo, position) !== 1 ? null : this.#foresight.rowsOf(event);
        if (own === null) break;
        rows.push(...own);
        upTo = position;
      }
      taken += 1;
    }
    if (taken > 0) this.#waiting.splice(0, taken);
    return { rows, upTo };
  }

  /** How many events between two places are not known. */
  missing(told: Position, upTo: Position): number {
    const between = this.#distance(told, upTo);
    if (between === null) return Number.POSITIVE_INFINITY;
    return between - this.#waiting.filter(({ position }) => position > told && position <= upTo).length;
  }

  /** Why `take` gives no more; null when nothing waits. */
  obstacle(told: Position): Obstacle | null {
    const next = this.#waiting.find(({ position }) => position > told);
    if (next === undefined) return null;
    return { position: next.position, missing: (this.#distance(told, next.position) ?? Number.POSITIVE_INFINITY) - 1 };
  }

  /** The table has told `rows` and everything else between two places. */
  pass(from: Position, to: Position, rows: readonly FeedRow[]): void {
    const behind = this.#waiting.findIndex(({ position }) => position > to);
    const passed = this.#waiting.splice(0, behind < 0 ? this.#waiting.length : behind).filter(({ position }) => position > from);
    for (const row of rows) this.#foresight.learn(row);
    const seen = passed.flatMap(({ event }) => (event === null ? [] : [event]));
    if (seen.length === this.#distance(from, to)) for (const event of seen) this.#foresight.pass(event);
    else this.#foresight.forgetAll();
  }

  /** The table was changed behind our back, or what was told is not followed any more. */
  forget(): void {
    this.#waiting = [];
    this.#foresight.forgetAll();
  }
}
