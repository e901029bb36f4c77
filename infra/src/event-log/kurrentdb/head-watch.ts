/**
 * Wakes those who wait at the end of `$all`. A live subscription is a hint only: the server may drop it (a slow consumer, another leader) or put its
 * checkpoints too far, so nothing is ever read from it, and the end is looked at every second all the same.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { type EventStoreDBClient, excludeSystemEvents } from '@eventstore/db-client';
import { type Position, START } from '@tidings/contracts/ports/event-log';
import type { Logger } from 'pino';
import { createWaiters } from '../waiters.ts';
import type { AllPosition } from './positions.ts';

export interface HeadWatch {
  /** Resolves when something stands behind `position`, or on abort. */
  readonly waitBehind: (position: Position, signal: AbortSignal) => Promise<void>;
  readonly seen: (position: Position) => void;
}

export interface HeadWatchOptions {
  readonly client: EventStoreDBClient;
  readonly head: () => Promise<Position>;
  readonly positionOf: (at: AllPosition) => Position | null;
  readonly pollMs: number;
  /** The log closes. */
  readonly closing: AbortSignal;
  readonly logger: Logger | undefined;
}

export const watchHead = ({ client, head, positionOf, pollMs, closing, logger }: HeadWatchOptions): HeadWatch => {
  const waiters = createWaiters();
  let known: Position = START;
  let isWatching = false;
  const seen = (position: Position | null): void => {
    if (position === null || position <= known) return;
    known = position;
    waiters.wake(0);
  };
  const pause = (): Promise<void> => delay(pollMs, undefined, { signal: closing }).catch(() => undefined);

  const poll = async (): Promise<void> => {
    while (!closing.aborted) {
      if (waiters.busy(0)) await head().then(seen, () => undefined); // away: the reader says so, and looks again itself
      await pause();
    }
  };
  const listen = async (): Promise<void> => {
    while (!closing.aborted) {
      const subscription = client.subscribeToAll({ fromPosition: 'end', filter: excludeSystemEvents() });
      const stop = (): void => void subscription.unsubscribe();
      closing.addEventListener('abort', stop, { once: true });
      try {
        for await (const { event } of subscription) if (event?.position !== undefined) seen(positionOf(event.position));
      } catch (error) {
        if (!closing.aborted) logger?.debug({ err: error }, 'the subscription to KurrentDB was dropped; its end is looked at meanwhile');
      } finally {
        closing.removeEventListener('abort', stop);
      }
      await pause();
    }
  };

  return {
    seen,
    waitBehind: async (position, signal) => {
      if (!isWatching) {
        isWatching = true;
        void poll();
        void listen();
      }
      await waiters.wait(0, () => known > position, signal);
    },
  };
};
