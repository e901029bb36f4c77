/**
 * Who is connected, what they may hear, and the feed as far as it has been told: one per process, in memory, without I/O. Rows go in once, in
 * the order of the feed; each is handed to the streams of those who belong to its audience at that very place.
 */
import { afterPosition, compareCursors, type LiveCursor } from '@tidings/contracts/http/live';
import type { UserId } from '@tidings/contracts/ids';
import { isKeptFrom, withoutWords } from '@tidings/projections/feed/amend';
import { withoutBlockedIn } from '@tidings/projections/feed/hidden';
import type { FeedRow } from '@tidings/projections/feed/queries';
import { blockerOf, MEMBER_ADDED, MEMBER_REMOVED, userAudience } from '@tidings/projections/feed/rows';
import type { Hearing } from './feed-reader.ts';
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
  /** Those whom they block: what these say is hidden from them. */
  readonly blocked: Set<UserId>;
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
      if (isMembership(row)) this.#changeMembership(row);
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
   * Lets a listener hear everything behind `after`, exactly: what it missed since then from memory, the rest as it comes. `hearing` is
   * what its user could hear at `at`.
   * @returns false, and does nothing, when memory no longer reaches back to `at`
   */
  join(listener: Listener, hearing: Hearing, at: LiveCursor, after: LiveCursor): boolean {
    if (compareCursors(at, this.floor) < 0) return false;
    const { user } = listener;
    const then: Viewer = {
      user,
      audiences: new Set([userAudience(user), ...hearing.audiences]),
      blocked: new Set(hearing.blocked),
      listeners: new Set(),
    };
    listener.cork();
    for (const row of this.#recent.after(at)) {
      if (isMembership(row)) changeBy(row, then);
      else if (compareCursors(row, after) > 0 && then.audiences.has(row.audience)) this.#send(listener, frameFor(row)(then));
    }
    listener.uncork();
    this.#viewerOf(then).listeners.add(listener);
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

  /** Those connected here who belong to an audience. */
  *viewersOf(audience: string): Iterable<UserId> {
    for (const { user } of this.#byAudience.get(audience) ?? []) yield user;
  }

  /** What has no place in the feed, to one user's streams. */
  whisper(user: UserId, frame: Buffer): void {
    for (const listener of this.#viewers.get(user)?.listeners ?? []) listener.send(frame);
  }

  #tell(row: FeedRow, corked: Set<Listener>): void {
    const viewers = this.#byAudience.get(row.audience);
    if (viewers === undefined) return;
    const frameOf = frameFor(row);
    for (const viewer of viewers) {
      const frame = frameOf(viewer);
      if (frame === null) continue;
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

  #send(listener: Listener, frame: Buffer | null): void {
    if (frame !== null && listener.send(frame)) this.#delivered++;
  }

  #changeMembership(row: FeedRow): void {
    const viewer = this.#viewers.get(concerned(row));
    if (viewer === undefined) return;
    changeBy(row, viewer);
    if (blockerOf(row.audience) !== null) return;
    if (row.type === MEMBER_ADDED) this.#addTo(row.audience, viewer);
    else this.#removeFrom(row.audience, viewer);
  }

  /** A user who is connected already has their audiences as of now. */
  #viewerOf(then: Viewer): Viewer {
    const known = this.#viewers.get(then.user);
    if (known !== undefined) return known;
    this.#viewers.set(then.user, then);
    for (const audience of then.audiences) this.#addTo(audience, then);
    return then;
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

const isMembership = (row: FeedRow): boolean => row.type === MEMBER_ADDED || row.type === MEMBER_REMOVED;

/** Whose hearing a membership row changes: who blocks, else who comes or goes. Its payload is a user's id. */
const concerned = (row: FeedRow): UserId => blockerOf(row.audience) ?? (row.payload as UserId);

/** Changes what a viewer hears by a membership row, if it is theirs. */
const changeBy = (row: FeedRow, viewer: Viewer): void => {
  if (concerned(row) !== viewer.user) return;
  const isAdded = row.type === MEMBER_ADDED;
  if (blockerOf(row.audience) !== null) toggle(viewer.blocked, row.payload as UserId, isAdded);
  else toggle(viewer.audiences, row.audience, isAdded);
};

const toggle = <A>(set: Set<A>, value: A, isIn: boolean): void => {
  if (isIn) set.add(value);
  else set.delete(value);
};

/** A row as each viewer is told it; null for nothing. From whom a later wording is kept, they are told that something was said, and not what. */
const frameFor = (row: FeedRow): ((viewer: Viewer) => Buffer | null) => {
  const toMost = unblockedFrame(row);
  if (row.leftBefore.length === 0 && row.blockedBefore.length === 0) return toMost;
  const toThem = unblockedFrame({ ...row, payload: withoutWords(row.payload) });
  return (viewer) => (isKeptFrom(row, viewer.user) ? toThem : toMost)(viewer);
};

/** Rendered once for all who block nobody in it, and once for each way of hiding. */
const unblockedFrame = (row: FeedRow): ((viewer: Viewer) => Buffer | null) => {
  let whole: Buffer | null = null;
  const hidden = new Map<string, Buffer | null>();
  return ({ blocked }) => {
    whole ??= eventFrame(row, row.payload);
    if (blocked.size === 0) return whole;
    const inIt = [...blocked].filter((user) => row.payload.includes(user));
    if (inIt.length === 0) return whole;
    const key = inIt.toSorted().join();
    const known = hidden.get(key);
    if (known !== undefined) return known;
    const told = withoutBlockedIn(row.type, row.payload, new Set(inIt));
    const frame = told === null ? null : told === row.payload ? whole : eventFrame(row, told);
    hidden.set(key, frame);
    return frame;
  };
};
