/** The streams a lane leaves out, and what that leaves of a page. */
import type { EventType, Recorded } from '@tidings/contracts/events/index';
import type { StreamId } from '@tidings/contracts/ids';
import type { Position } from '@tidings/contracts/ports/event-log';
import type { SourcePage } from './page-source.ts';
import type { Parking } from './parking.ts';

/** Sorts behind every position. */
const AFTER_ALL = '~' as Position;

export class ParkedSet {
  readonly #handles: ReadonlySet<EventType>;
  #streams: Set<StreamId>;

  constructor(handles: ReadonlySet<EventType>, streams: Iterable<StreamId>) {
    this.#handles = handles;
    this.#streams = new Set(streams);
  }

  get size(): number {
    return this.#streams.size;
  }

  add(stream: StreamId): void {
    this.#streams.add(stream);
  }

  delete(stream: StreamId): void {
    this.#streams.delete(stream);
  }

  /** What can be applied of a page, and the streams that have to be parked because an event of theirs cannot even be read. */
  sift(page: SourcePage): { readonly events: readonly Recorded[]; readonly unreadable: readonly Parking[] } {
    if (this.#streams.size === 0 && page.faults.length === 0) return { events: page.events, unreadable: [] };
    const unreadable = new Map<StreamId, Parking>();
    for (const { event, reason } of page.faults) {
      // The log may hold types that this code does not know; those are nobody's poison.
      if (!this.#handles.has(event.type as EventType) || this.#streams.has(event.stream) || unreadable.has(event.stream)) continue;
      unreadable.set(event.stream, {
        stream: event.stream,
        fromRevision: event.revision,
        fromPosition: event.position,
        error: reason,
        attempts: 1,
      });
    }
    return {
      events: page.events.filter(
        (event) => !this.#streams.has(event.stream) && event.position < (unreadable.get(event.stream)?.fromPosition ?? AFTER_ALL),
      ),
      unreadable: [...unreadable.values()],
    };
  }
}
