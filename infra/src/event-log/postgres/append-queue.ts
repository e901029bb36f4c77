/**
 * Requests on their way to Postgres, in the order they came. Pure bookkeeping, no clock and no connection: what goes into the next batch,
 * what has to wait for its stream, what is too much.
 */
import { type AppendResult, Overloaded } from '@tidings/contracts/ports/event-log';
import type { StreamId } from '@tidings/contracts/ids';

export interface AppendRequest {
  readonly stream: StreamId;
  /** As `log.append_batch` takes it: null any, -1 none, -4 exists, else the revision. */
  readonly expected: number | null;
  readonly events: readonly StoredEvent[];
  readonly bytes: number;
  /** When to stop trying, on the clock of whoever made it. */
  readonly deadline: number;
  /** Waits for others to travel with. */
  readonly patient: boolean;
  /** Sent once without an answer: it may have been applied. */
  unanswered: boolean;
  /** Sent in a batch that Postgres refused: goes by itself, to find the one at fault. */
  alone: boolean;
  readonly resolve: (result: AppendResult) => void;
  readonly reject: (error: Error) => void;
}

export interface StoredEvent {
  readonly id: string;
  readonly type: string;
  readonly version: number;
  readonly data: string;
  readonly meta: string;
}

export interface AppendQueue {
  /** @throws Overloaded */
  push(request: AppendRequest): void;
  /** The next batch, its streams now busy: at most one request per stream, `most` events, 4 MB. Empty when nothing can go. */
  take(most: number): readonly AppendRequest[];
  /** These are no longer on their way. */
  settle(requests: readonly AppendRequest[]): void;
  /** Like `settle`, but they are to go again, before all others. */
  putBack(requests: readonly AppendRequest[]): void;
  /** Takes out those that wait and whose time is up. */
  expire(now: number): readonly AppendRequest[];
  readonly waiting: number;
}

const BATCH_BYTES = 4 * 1024 * 1024;

export const createAppendQueue = (limits: { readonly requests: number; readonly bytes: number }): AppendQueue => {
  let queue: AppendRequest[] = [];
  const busy = new Set<StreamId>();
  let held = 0; // waiting or on the way
  let heldBytes = 0;

  const release = (requests: readonly AppendRequest[]): void => {
    for (const { stream } of requests) busy.delete(stream);
  };
  const forget = (requests: readonly AppendRequest[]): void => {
    held -= requests.length;
    for (const { bytes } of requests) heldBytes -= bytes;
  };

  return {
    push: (request) => {
      if (held >= limits.requests || heldBytes + request.bytes > limits.bytes) throw new Overloaded();
      held += 1;
      heldBytes += request.bytes;
      queue.push(request);
    },
    take: (most) => {
      const batch: AppendRequest[] = [];
      const passed: AppendRequest[] = [];
      const passedStreams = new Set<StreamId>();
      let events = 0;
      let bytes = 0;
      let at = 0;
      for (; at < queue.length; at += 1) {
        const request = queue[at];
        if (request === undefined) break;
        const { stream } = request;
        if (busy.has(stream) || passedStreams.has(stream)) {
          passed.push(request);
          passedStreams.add(stream); // nobody overtakes within a stream
          continue;
        }
        const full = events + request.events.length > most || bytes + request.bytes > BATCH_BYTES;
        if (batch.length > 0 && (full || request.alone)) break;
        batch.push(request);
        busy.add(stream);
        events += request.events.length;
        bytes += request.bytes;
        if (request.alone) {
          at += 1;
          break;
        }
      }
      if (at > 0) queue = [...passed, ...queue.slice(at)];
      return batch;
    },
    settle: (requests) => {
      release(requests);
      forget(requests);
    },
    putBack: (requests) => {
      release(requests);
      queue = [...requests, ...queue];
    },
    expire: (now) => {
      const expired = queue.filter(({ deadline }) => deadline <= now);
      if (expired.length === 0) return expired;
      queue = queue.filter(({ deadline }) => deadline > now);
      forget(expired);
      return expired;
    },
    get waiting() {
      return queue.length;
    },
  };
};
