/** From where a new stream starts, and how it gets from there to the present without a gap and without a double. */
import { afterPosition, compareCursors, type LiveCursor } from '@tidings/contracts/http/live';
import type { FeedReader } from './feed-reader.ts';
import { eventFrame } from './frames.ts';
import type { Hub } from './hub.ts';
import type { Stream } from './stream.ts';

const PAGE = 200;
/** Pages asked for at the same time, which the reader gathers into a query at a time; other streams wait their turn. */
const AT_ONCE = 128;
/** How long the tables may take to reach what was told ahead of them; it is some milliseconds, or an outage. */
const TABLES_BUDGET_MS = 2_000;

/** The tables do not get on. The client comes back by itself. */
export class TablesBehind extends Error {
  override readonly name = 'TablesBehind';
}

export interface Start {
  readonly after: LiveCursor;
  /** Why the client has to load afresh before it goes on from `after`; null when nothing is missing. */
  readonly resync: 'no-longer-kept' | 'unknown-id' | null;
}

/**
 * Without an id: live from now, that is from the log's head, which the feed itself may not have reached yet. With one: behind it, unless it is
 * older than what is kept or newer than anything ever written (another installation's).
 */
export const startOf = async (lastEventId: LiveCursor | null, hub: Hub, reader: FeedReader): Promise<Start> => {
  if (lastEventId === null) return { after: afterPosition(await reader.logHead()), resync: null };
  if (lastEventId.position < (await reader.horizon())) return { after: afterPosition(await reader.logHead()), resync: 'no-longer-kept' };
  if (compareCursors(lastEventId, hub.cursor) <= 0) return { after: lastEventId, resync: null };
  // Ahead of this node: another one, further on, may have given it.
  const head = await reader.logHead();
  return lastEventId.position <= head ? { after: lastEventId, resync: null } : { after: afterPosition(head), resync: 'unknown-id' };
};

export class Admission {
  readonly #hub: Hub;
  readonly #reader: FeedReader;
  readonly #queue: (() => void)[] = [];
  #free = AT_ONCE;

  constructor(hub: Hub, reader: FeedReader) {
    this.#hub = hub;
    this.#reader = reader;
  }

  /**
   * Sends what the stream missed since `after`, then joins it to the hub. Returns early when the stream closes meanwhile.
   * @throws TablesBehind, and what `FeedReader` throws
   */
  async admit(stream: Stream, after: LiveCursor): Promise<void> {
    let cursor = after;
    while (stream.open) {
      if (compareCursors(cursor, this.#hub.floor) < 0) {
        cursor = await this.#catchUp(stream, cursor);
      }
      const at = compareCursors(cursor, this.#hub.cursor) < 0 ? cursor : this.#hub.cursor;
      const hearing = await this.#reader.hearingOf(stream.user, at);
      // Nothing is awaited from here on: what the hub tells next, this stream hears.
      if (stream.open && this.#hub.join(stream, hearing, at, cursor)) return;
    }
  }

  /** From the database up to where the hub stands as it begins. */
  async #catchUp(stream: Stream, after: LiveCursor): Promise<LiveCursor> {
    const upTo = this.#hub.cursor.position;
    if (!(await this.#reader.reached(upTo, TABLES_BUDGET_MS))) throw new TablesBehind(`the feed's tables do not reach ${upTo}`);
    let cursor = after;
    while (stream.open) {
      const from = cursor;
      const { entries, next } = await this.#inTurn(() => this.#reader.entriesFor(stream.user, from, upTo, PAGE));
      for (const entry of entries) if (!(await stream.deliver(eventFrame(entry, entry.payload)))) return cursor;
      if (next === null) return afterPosition(upTo);
      cursor = next;
    }
    return cursor;
  }

  async #inTurn<A>(work: () => Promise<A>): Promise<A> {
    if (this.#free > 0) this.#free--;
    else await new Promise<void>((resolve) => this.#queue.push(resolve));
    try {
      return await work();
    } finally {
      const next = this.#queue.shift();
      if (next === undefined) this.#free++;
      else next();
    }
  }
}
