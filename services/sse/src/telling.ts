/**
 * Hands the hub what there is to tell, in the one order of the feed: from the tables, and ahead of them, where that is safe, what this process
 * appended itself, and what it hears that others did (docs/decisions/015).
 */
import { compareCursors } from '@tidings/contracts/http/live';
import type { Recorded } from '@tidings/contracts/events/index';
import { type EventLog, type Position, START } from '@tidings/contracts/ports/event-log';
import type { FeedRow } from '@tidings/projections/feed/queries';
import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { Ahead } from './ahead.ts';
import type { FeedReader } from './feed-reader.ts';
import type { Hub } from './hub.ts';
import { parts, wholePage } from './pages.ts';

/** How long to wait for a hint before looking, while events come. */
export const HOT_MS = 20;
/** Appends of this process may be answered out of order; longer than this, and the missing one is another's. */
const OUT_OF_ORDER_MS = 4;
/** A gap up to this many events is read from the log; a longer one is left to the tables. */
const SHORT_GAP = 500;

export interface TellingParts {
  readonly reader: FeedReader;
  readonly distance: EventLog['distance'];
  readonly now: () => number;
  /** Null while there is nothing to tell it to: nobody listens, or the feed could not be read yet. */
  readonly hub: () => Hub | null;
  /** Asks for a `look`. */
  readonly wake: () => void;
  /** Rows were told. */
  readonly onTold: (rows: readonly FeedRow[]) => void;
}

export class Telling {
  readonly #parts: TellingParts;
  readonly #ahead: Ahead;
  /** When something was last told ahead of the tables, and the instance of the feed that this followed. */
  #aheadAt = 0;
  #instance: string | null = null;
  #planned = false;
  /** They announced a place that nobody was told of yet. */
  #tablesAhead = false;
  /** The log reaches so far by appends of others. */
  #grownTo: Position = START;

  constructor(given: TellingParts) {
    this.#parts = given;
    this.#ahead = new Ahead(given.distance);
  }

  /** This process appended an event. It is told with those that are answered in the same turn. */
  appended(event: Recorded): void {
    this.#ahead.push({ position: event.position, event });
    if (this.#planned) return;
    this.#planned = true;
    setImmediate(() => this.#tellAhead());
  }

  /** Others appended events that the feed may tell of, up to `position`. */
  grown(position: Position): void {
    const hub = this.#parts.hub();
    if (hub === null || position <= hub.cursor.position || position <= this.#grownTo) return;
    this.#grownTo = position;
    this.#parts.wake();
  }

  /** The tables hold what leads to `position`. */
  announced(position: Position): void {
    const hub = this.#parts.hub();
    if (hub === null || position <= hub.cursor.position) return;
    this.#tablesAhead = true;
    this.#parts.wake();
  }

  /** The tables were changed behind our back, or nobody listens. */
  forget(): void {
    this.#ahead.forget();
  }

  /** One look at what there is; true when the tables had something. */
  async look(hub: Hub): Promise<boolean> {
    this.#notice();
    const grownTo = this.#grownTo;
    this.#grownTo = START; // a hint is good for one read: it may be wrong
    if (grownTo > hub.cursor.position) {
      await this.#know(hub, grownTo);
      this.#tellAhead();
    }
    const obstacle = await this.#obstacle(hub);
    const isDue = obstacle !== null || this.#parts.now() - this.#aheadAt >= HOT_MS || this.#tablesAhead;
    const found = isDue && (await this.#tellRows(hub, obstacle));
    if (obstacle !== null) this.#tellAhead();
    return found;
  }

  /** Reads the tables and tells what they hold. With an obstacle, waits a moment for them to pass it. */
  async #tellRows(hub: Hub, obstacle: Position | null): Promise<boolean> {
    const { reader } = this.#parts;
    this.#tablesAhead = false;
    const passed = obstacle !== null && (await reader.reached(obstacle, HOT_MS));
    const { rows, full } = await wholePage((limit) => reader.rowsAfter(hub.cursor, limit));
    const last = rows.at(-1);
    if (last !== undefined) await this.#know(hub, last.position);
    for (const part of parts(rows)) {
      this.#tell(
        hub,
        part.filter((row) => compareCursors(row, hub.cursor) > 0), // some may have been told ahead while the tables were read
      );
      await nextTurn(); // sockets hand over to the kernel, clients on this machine read
    }
    if (passed && !full) this.#tell(hub, [], obstacle);
    return rows.length > 0;
  }

  #tell(hub: Hub, rows: readonly FeedRow[], upTo = rows.at(-1)?.position): void {
    const from = hub.cursor.position;
    if (upTo === undefined || upTo <= from) return;
    hub.advance(rows, upTo);
    this.#ahead.pass(from, upTo, rows);
    this.#parts.onTold(rows);
  }

  /** Tells what can be told without the tables; asks for a look when there is more. */
  #tellAhead(): void {
    this.#planned = false;
    const hub = this.#parts.hub();
    if (hub === null) return;
    this.#notice();
    const told = hub.cursor.position;
    const { rows, upTo } = this.#ahead.take(told);
    if (upTo > told) {
      hub.advance(rows, upTo);
      this.#parts.onTold(rows);
      this.#aheadAt = this.#parts.now();
    }
    if (this.#ahead.obstacle(upTo) !== null) this.#parts.wake();
  }

  /** What keeps known events from being told, once a short gap before them was filled from the log. */
  async #obstacle(hub: Hub): Promise<Position | null> {
    let obstacle = this.#ahead.obstacle(hub.cursor.position);
    if (obstacle !== null && obstacle.missing > 0) {
      await sleep(OUT_OF_ORDER_MS);
      obstacle = this.#ahead.obstacle(hub.cursor.position);
      if (obstacle !== null) await this.#know(hub, obstacle.position);
      this.#tellAhead();
      obstacle = this.#ahead.obstacle(hub.cursor.position);
    }
    return obstacle?.position ?? null;
  }

  /**
   * Reads from the log what is missing up to `position`, unless that is much. What is known can be told without the tables, and where they tell it, it
   * is seen what that may have changed.
   */
  async #know(hub: Hub, position: Position): Promise<void> {
    const told = hub.cursor.position;
    const missing = this.#ahead.missing(told, position);
    if (missing <= 0 || missing > SHORT_GAP) return;
    for (const known of await this.#parts.reader.logAfter(told, SHORT_GAP)) this.#ahead.push(known);
  }

  /** Another instance of the feed may count otherwise (streams parked there, and not here). */
  #notice(): void {
    const instance = this.#parts.reader.instance();
    if (this.#instance !== instance) this.#ahead.forget();
    this.#instance = instance;
  }
}
