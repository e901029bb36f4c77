/**
 * Who is connected, what they may hear, and the feed as far as it has been told: one per process, in memory, without I/O. Rows go in once, in
 * the order of the feed; each is handed to the streams of those who belong to its audience at that very place.
 */
import { afterPosition, compareCursors, type LiveCursor } from '@tidings/contracts/http/live';
import type { UserId } from '@tidings/contracts/ids';
import type { FeedRow } from '@tidings/projections/feed/queries';
import { MEMBER_ADDED, MEMBER_REMOVED, userAudience } from '@tidings/projections/feed/rows';
import { eventFrame } from './frames.ts';
import { Recent } from './recent.ts';

/** A connection as the hub needs it. */
export interface Listener {
  readonly user: UserId;
  send(frame: Buffer): boolean;
  cork(): void;
  uncork(): void;
}

/** A connected user: audiences are the user's, so that their tenth connection costs no more than a socket. */
interface Viewer {
  readonly user: UserId;
  readonly audiences: Set<string>;
  readonly listeners: Set<Listener>;
}

export class Hub {
  #cursor: LiveCursor;
  #recent: Recent;
  readonly #viewers = new Map<UserId, Viewer>();
  readonly #byAudience = new Map<string, Set<Viewer>>();
  /** Listeners that asked for what lies ahead of the feed: they hear nothing up to there. */
  readonly #waiting = new Map<Listener, LiveCursor>();
  #delivered = 0;

  constructor(start: LiveCursor) {
    this.#cursor = start;
    this.#recent = new Recent(start);
  }

  /** Everything up to here has been told. */
  get cursor(): LiveCursor {
    return this.#cursor;
  }
  /** Behind this place `join` can fill in what it takes from memory. */
  get floor(): LiveCursor {
    return this.#recent.floor;
  }
  get delivered(): number {
    return this.#delivered;
  }
  get users(): number {
    return this.#viewers.size;
  }

  /** Takes the next rows; they must be behind `cursor`, in order, and whole up to `upTo`, by default their last position. */
  advance(rows: readonly FeedRow[], upTo = rows.at(-1)?.position): void {
    const corked = new Set<Listener>();
    for (const row of rows) {
      this.#recent.push(row);
      if (row.type === MEMBER_ADDED || row.type === MEMBER_REMOVED) this.#changeMembership(row);
      else this.#tell(row, corked);
    }
    for (const listener of corked) listener.uncork();
    if (upTo === undefined) return;
    this.#cursor = afterPosition(upTo);
    for (const [listener, until] of this.#waiting) if (compareCursors(until, this.#cursor) <= 0) this.#waiting.delete(listener);
  }

  /** With nobody listening there is nothing to tell: goes on from `cursor`. Never back. */
  skipTo(cursor: LiveCursor): void {
    if (this.#viewers.size > 0 || compareCursors(cursor, this.#cursor) <= 0) return;
    this.#cursor = cursor;
    this.#recent = new Recent(cursor);
  }

  /**
   * Lets a listener hear everything behind `after`, exactly: what it missed since then from memory, the rest as it comes. `audiences` are
   * those its user belonged to at `at`.
   * @returns false, and does nothing, when memory no longer reaches back to `at`
   */
  join(listener: Listener, audiences: readonly string[], at: LiveCursor, after: LiveCursor): boolean {
    if (compareCursors(at, this.floor) < 0) return false;
    const then = new Set([userAudience(listener.user), ...audiences]);
    listener.cork();
    for (const row of this.#recent.after(at)) {
      if (row.type === MEMBER_ADDED) {
        if (row.payload === listener.user) then.add(row.audience);
      } else if (row.type === MEMBER_REMOVED) {
        if (row.payload === listener.user) then.delete(row.audience);
      } else if (compareCursors(row, after) > 0 && then.has(row.audience)) {
        this.#send(listener, row);
      }
    }
    listener.uncork();
    this.#viewerOf(listener.user, then).listeners.add(listener);
    if (compareCursors(after, this.#cursor) > 0) this.#waiting.set(listener, after);
    return true;
  }

  leave(listener: Listener): void {
    this.#waiting.delete(listener);
    const viewer = this.#viewers.get(listener.user);
    if (viewer === undefined) return;
    viewer.listeners.delete(listener);
    if (viewer.listeners.size > 0) return;
    this.#viewers.delete(viewer.user);
    for (const audience of viewer.audiences) this.#removeFrom(audience, viewer);
  }

  #tell(row: FeedRow, corked: Set<Listener>): void {
    const viewers = this.#byAudience.get(row.audience);
    if (viewers === undefined) return;
    const frame = eventFrame(row, row.payload);
    for (const viewer of viewers) {
      for (const listener of viewer.listeners) {
        if (this.#isAheadOf(listener, row)) continue;
        if (!corked.has(listener)) {
          corked.add(listener);
          listener.cork();
        }
        if (listener.send(frame)) this.#delivered++;
      }
    }
  }

  #isAheadOf(listener: Listener, row: FeedRow): boolean {
    if (this.#waiting.size === 0) return false;
    const until = this.#waiting.get(listener);
    return until !== undefined && compareCursors(row, until) <= 0;
  }

  #send(listener: Listener, row: FeedRow): void {
    if (listener.send(eventFrame(row, row.payload))) this.#delivered++;
  }

  #changeMembership(row: FeedRow): void {
    const viewer = this.#viewers.get(row.payload as UserId); // membership rows carry the user's id
    if (viewer === undefined) return;
    if (row.type === MEMBER_ADDED) {
      viewer.audiences.add(row.audience);
      this.#addTo(row.audience, viewer);
    } else {
      viewer.audiences.delete(row.audience);
      this.#removeFrom(row.audience, viewer);
    }
  }

  /** A user who is connected already has their audiences as of now. */
  #viewerOf(user: UserId, audiences: Set<string>): Viewer {
    const known = this.#viewers.get(user);
    if (known !== undefined) return known;
    const viewer: Viewer = { user, audiences, listeners: new Set() };
    this.#viewers.set(user, viewer);
    for (const audience of audiences) this.#addTo(audience, viewer);
    return viewer;
  }

  #addTo(audience: string, viewer: Viewer): void {
    const viewers = this.#byAudience.get(audience);
    if (viewers === undefined) this.#byAudience.set(audience, new Set([viewer]));
    else viewers.add(viewer);
  }

  #removeFrom(audience: string, viewer: Viewer): void {
    const viewers = this.#byAudience.get(audience);
    if (viewers?.delete(viewer) === true && viewers.size === 0) this.#byAudience.delete(audience);
  }
}
