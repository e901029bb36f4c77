/**
 * What came from Kafka and may still be asked for. Messages of several partitions come in any order, some twice; each names the event before it, so a
 * reader goes from one to the next, and a missing one is a missing link, never a gap that nobody sees.
 */
import type { LoggedEvent, Position } from '@tidings/contracts/ports/event-log';
import type { Relayed } from './relayed.ts';

export interface RelayedBuffer {
  readonly put: (relayed: Relayed) => void;
  /** The events behind `after`, as far as they are here without a gap. */
  readonly take: (shard: number, after: Position, limit: number) => readonly LoggedEvent[];
  readonly has: (shard: number, after: Position) => boolean;
  /** Resolves when the event behind `after` is here, after `ms`, or on abort. */
  readonly wait: (shard: number, after: Position, ms: number, signal: AbortSignal) => Promise<void>;
}

export const createRelayedBuffer = (mostEvents: number): RelayedBuffer => {
  const behind = new Map<string, LoggedEvent>();
  const waiting = new Map<string, Set<() => void>>();
  const linkOf = (shard: number, after: Position): string => `${shard}/${after}`;
  return {
    put: ({ event, previous }) => {
      const link = linkOf(event.shard, previous);
      behind.delete(link); // the latest word counts, and stays the longest
      behind.set(link, event);
      const [oldest] = behind.keys();
      if (behind.size > mostEvents && oldest !== undefined) behind.delete(oldest);
      for (const wake of waiting.get(link) ?? []) wake();
    },
    has: (shard, after) => behind.has(linkOf(shard, after)),
    take: (shard, after, limit) => {
      const taken: LoggedEvent[] = [];
      let position = after;
      while (taken.length < limit) {
        const next = behind.get(linkOf(shard, position));
        if (next === undefined || next.position <= position) break;
        taken.push(next);
        position = next.position;
      }
      return taken;
    },
    wait: (shard, after, ms, signal) =>
      new Promise((resolve) => {
        const link = linkOf(shard, after);
        const done = (): void => {
          clearTimeout(timer);
          signal.removeEventListener('abort', done);
          const others = waiting.get(link);
          others?.delete(done);
          if (others?.size === 0) waiting.delete(link);
          resolve();
        };
        const timer = setTimeout(done, ms);
        if (signal.aborted || behind.has(link)) {
          done();
          return;
        }
        signal.addEventListener('abort', done, { once: true });
        waiting.set(link, (waiting.get(link) ?? new Set()).add(done));
      }),
  };
};
