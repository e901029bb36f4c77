/**
 * What became of this log stands in a stream of its own, and thereby among its events in `$all`, at an exact place: from where on events of ours count, and
 * where that ends because the log was moved away (docs/decisions/058). A log that was never moved has no markers; all its events count.
 */
import * as t from 'io-ts';
import * as E from 'fp-ts/lib/Either.js';
import { type EventStoreDBClient, jsonEvent, type ResolvedEvent } from '@eventstore/db-client';
import { decode } from '@tidings/contracts/codec';
import type { StreamId } from '@tidings/contracts/ids';
import { LogNotInUse, type Position, START } from '@tidings/contracts/ports/event-log';
import { HOLD_MS, type LogState } from '../moving/side.ts';
import { type AllPosition, BEGIN, isBehind } from './positions.ts';
import { OWN_STREAMS } from './records.ts';
import { readStreamPage, within } from './session.ts';

export const MARKERS = `${OWN_STREAMS}log` as StreamId;

/** `Held` refuses appends for `HOLD_MS`; `Sealed` for good; `Receiving` awaits copies behind `position`; `Opened` puts new events behind `position`. */
const Marker = t.union([
  t.type({ type: t.literal('LogHeld') }),
  t.type({ type: t.literal('LogReleased') }),
  t.type({ type: t.literal('LogSealed'), to: t.string }),
  t.type({ type: t.literal('LogReceiving'), position: t.string }),
  t.type({ type: t.literal('LogOpened'), position: t.string }),
]);
export type Marker = t.TypeOf<typeof Marker>;

/** A part of `$all`, both ends exclusive, whose events of ours count. Their positions are `shift` beyond KurrentDB's, so that all are behind `base`. */
export interface Span {
  readonly from: AllPosition;
  readonly until: AllPosition | null;
  readonly base: Position;
  readonly shift: bigint;
  /** The last position in it, where that counts: what is beyond was copied, and stands behind `until`. */
  readonly last: Position | null;
}

export interface Markers {
  readonly spans: readonly Span[];
  readonly state: LogState;
  /** Where it was moved to, when it was. */
  readonly movedTo: string | null;
  readonly isHeld: () => boolean;
  /** What stands in `$all` while it is read. */
  readonly learn: (resolved: ResolvedEvent) => void;
  /** Looks for new ones. Who waits for it knows of all that were written before. @throws the client's errors */
  readonly refresh: () => Promise<void>;
  /** @throws the client's errors, also when somebody else wrote one meanwhile */
  readonly write: (marker: Marker) => Promise<void>;
}

/** How often nodes look for new ones; every one of them knows of a hold after twice that. */
export const LOOK_MS = 1_000;
const PAGE = 100;
const WHOLE: Span = { from: BEGIN, until: null, base: START, shift: 0n, last: null };

export const createMarkers = (client: EventStoreDBClient, tryMs: number): Markers => {
  let spans: readonly Span[] = [WHOLE];
  let state: LogState = 'open';
  let movedTo: string | null = null;
  let heldUntil = Number.NEGATIVE_INFINITY;
  let known = -1; // the last marker's revision
  let looking: Promise<void> | null = null;
  let next: Promise<void> | null = null;

  const close = (until: AllPosition): void => {
    spans = spans.map((span) => (span.until === null ? { ...span, until } : span));
  };
  const apply = (marker: Marker, at: AllPosition, written: Date): void => {
    switch (marker.type) {
      case 'LogHeld':
        heldUntil = written.getTime() + HOLD_MS;
        return;
      case 'LogReleased':
        heldUntil = Number.NEGATIVE_INFINITY;
        return;
      case 'LogSealed':
        close(at);
        [state, movedTo] = ['moved', marker.to];
        return;
      case 'LogReceiving':
        close(at);
        spans = spans.map((span) => ({ ...span, last: span.last ?? (marker.position as Position) })); // we wrote it
        state = 'receiving';
        return;
      case 'LogOpened': {
        const shift = BigInt(marker.position) - at.commit;
        const base = marker.position as Position; // we wrote it
        spans = [...spans, { from: at, until: null, base, shift: shift > 0n ? shift : 0n, last: null }];
        [state, movedTo, heldUntil] = ['open', null, Number.NEGATIVE_INFINITY];
      }
    }
  };

  const learn = ({ event }: ResolvedEvent): void => {
    if (event === undefined || event.streamId !== MARKERS || Number(event.revision) !== known + 1) return;
    const marker = decode(Marker, { type: event.type, ...(event.data as object) });
    if (E.isLeft(marker) || event.position === undefined)
      throw new Error(`marker ${event.revision} of this log is of a newer version of Tidings`);
    known += 1;
    apply(marker.right, event.position, event.created);
  };

  const look = async (): Promise<void> => {
    for (;;) {
      const page = await readStreamPage(client, MARKERS, { from: known + 1, limit: PAGE, ms: tryMs });
      for (const resolved of page) learn(resolved);
      if (page.length < PAGE) return;
    }
  };
  /** A look that is under way may have begun too early; the one behind it serves all who come meanwhile. */
  const refresh = (): Promise<void> => {
    if (looking === null) {
      looking = look().finally(() => {
        looking = null;
      });
      return looking;
    }
    const before = looking;
    next ??= before
      .catch(() => undefined) // its own callers are told
      .then(() => {
        next = null;
        return refresh();
      });
    return next;
  };

  return {
    get spans() {
      return spans;
    },
    get state() {
      return state;
    },
    get movedTo() {
      return movedTo;
    },
    isHeld: () => Date.now() < heldUntil,
    learn,
    refresh,
    write: async ({ type, ...data }) => {
      const before = known;
      const sent = client.appendToStream(MARKERS, jsonEvent({ type, data }), {
        expectedRevision: before < 0 ? 'no_stream' : BigInt(before),
        deadline: tryMs,
      });
      sent.catch(() => undefined); // may come after we gave up on it
      await within(tryMs, sent);
      await refresh();
    },
  };
};

/** Whether an event of ours that stands at `at` counts: the span that it is in. */
export const spanAt = (spans: readonly Span[], at: AllPosition): Span | null =>
  spans.find(({ from, until }) => isBehind(at, from) && (until === null || isBehind(until, at))) ?? null;

/** @throws LogNotInUse */
export const assertInUse = ({ state, movedTo }: Pick<Markers, 'state' | 'movedTo'>): void => {
  if (state === 'moved')
    throw new LogNotInUse(`the log was moved from KurrentDB to ${movedTo}: start with EVENT_LOG=${movedTo}, or move it back`);
  if (state === 'receiving')
    throw new LogNotInUse('the log is being moved to KurrentDB: until that is done, start with the EVENT_LOG of before');
};
