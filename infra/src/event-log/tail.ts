/** The one loop behind every `tail`: pages while there are any, then wait at the head. */
import type { LogPage, Position } from '@tidings/contracts/ports/event-log';

export interface TailBy {
  readonly read: (after: Position) => Promise<LogPage>;
  /** Resolves when something may stand behind `position`, or on abort. */
  readonly waitBehind: (position: Position, signal: AbortSignal) => Promise<void>;
  readonly after: Position;
  readonly signal: AbortSignal;
}

/**
 * Yields each page that moved the position, also one whose events were all filtered out: its `next` is progress to note. And where a full page ended just at
 * the head, an empty one that says so: nobody else would.
 */
export async function* tailBy({ read, waitBehind, after, signal }: TailBy): AsyncGenerator<LogPage, void, void> {
  let position = after;
  let isHeadTold = true;
  while (!signal.aborted) {
    const page = await read(position);
    if (signal.aborted) return;
    if (page.next > position || (page.atHead && !isHeadTold)) {
      position = page.next;
      isHeadTold = page.atHead;
      yield page;
    }
    if (page.atHead) await waitBehind(position, signal);
  }
}
