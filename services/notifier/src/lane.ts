/**
 * One lane: makes its calls, a few at a time, those that are due first, each until it is taken or given up. What it does is in the database
 * before and after each call, so a crash repeats at most what was on its way.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { msOf } from '@tidings/contracts/time';
import { Waker } from '@tidings/infra/projector/waker';
import { nextOf, noteFailure, removeDeliveries, type Delivery } from '@tidings/infra/webhooks/deliveries';
import type { Logger } from 'pino';
import type { Platform } from '../../platform/src/platform.ts';
import type { Channel, Result } from './channels.ts';
import { presentOf, type Due } from './due.ts';
import type { Measures } from './measures.ts';
import { nextAttempt, type Schedule } from './retry.ts';

export interface LaneParts {
  readonly platform: Pick<Platform, 'pool' | 'read' | 'liveSchema' | 'now'>;
  readonly channel: Channel;
  readonly schedule: Schedule;
  readonly measures: Measures;
  readonly logger: Logger;
  readonly signal: AbortSignal;
}

export interface RunningLane {
  /** There is more to do, or sooner. */
  poke(): void;
}

const BUFFER = 64;
const LONGEST_SLEEP_MS = 30_000;
const AFTER_FAULT_MS = 1_000;

/** @param onIdle called, in the same turn, when there is nothing left to do; then the lane is over */
export const startLane = (key: string, parts: LaneParts, onIdle: () => void): RunningLane & { readonly over: Promise<void> } => {
  const { platform, channel, schedule, measures, logger, signal } = parts;
  const waker = new Waker();
  const doing = new Map<Delivery['id'], Promise<void>>();
  let attempts = 0;
  let buffer: readonly Delivery[] = [];
  let poked = false;

  const settle = async (due: readonly Due[], result: Result): Promise<void> => {
    const ids = due.map(({ delivery }) => delivery.id);
    if (result.type === 'taken' || result.type === 'gone') {
      await removeDeliveries(platform.pool, ids);
      measures.called(channel.name, result.type, due.length);
      if (result.type === 'taken')
        for (const { row } of due) if (row !== null) measures.took(channel.name, platform.now() - msOf(row.recordedAt));
      return;
    }
    for (const { delivery } of due) {
      const nextAt = result.type === 'hopeless' ? null : nextAttempt(schedule, failureOf(delivery, result.retryAfterMs, platform.now()));
      measures.called(channel.name, nextAt === null ? 'given-up' : 'failed');
      if (nextAt === null && !channel.keepsDead) {
        logger.warn({ lane: key, delivery: delivery.id, error: result.error }, 'a call was given up');
        await removeDeliveries(platform.pool, [delivery.id]);
      } else {
        await noteFailure(platform.pool, delivery.id, { error: result.error, nextAt });
      }
    }
  };

  const make = (deliveries: readonly Delivery[]): void => {
    const work = (async () => {
      try {
        const due = await presentOf(platform, deliveries);
        const result = await channel.attempt(due, signal);
        // Cut short because we stop: whoever has the lease next makes the call again.
        if (!(signal.aborted && result.type === 'failed')) await settle(due, result);
      } catch (error) {
        if (!signal.aborted) logger.warn({ err: error, lane: key }, 'a call could not be made or settled; it will be made again');
        await pause();
      } finally {
        attempts -= 1;
        for (const { id } of deliveries) doing.delete(id);
        waker.wake();
      }
    })();
    attempts += 1;
    for (const { id } of deliveries) doing.set(id, work);
  };

  const pause = (): Promise<unknown> => delay(AFTER_FAULT_MS, undefined, { signal }).catch(() => undefined);

  /** What is due into the buffer. @returns how long until there is more; null when there is nothing at all */
  const fill = async (): Promise<number | null> => {
    const next = await nextOf(platform.pool, key, [...doing.keys()], BUFFER);
    const now = platform.now();
    buffer = next.filter(({ nextAt }) => msOf(nextAt) <= now);
    const [first] = next;
    return first === undefined ? null : Math.max(0, msOf(first.nextAt) - now);
  };

  /** How long to sleep unless woken; null when there is nothing left to do. */
  const sleepFor = (untilNext: number | null): number | null => {
    if (buffer.length > 0 || attempts >= channel.atOnce) return LONGEST_SLEEP_MS; // the end of a call wakes us
    if (untilNext === null) return doing.size > 0 ? LONGEST_SLEEP_MS : null;
    return Math.min(LONGEST_SLEEP_MS, untilNext);
  };

  const run = async (): Promise<void> => {
    while (!signal.aborted) {
      try {
        poked = false;
        const untilNext = buffer.length > 0 || attempts >= channel.atOnce ? 0 : await fill();
        while (attempts < channel.atOnce && buffer.length > 0) {
          make(buffer.slice(0, channel.inOne));
          buffer = buffer.slice(channel.inOne);
        }
        const sleep = sleepFor(untilNext);
        if (sleep !== null) {
          await waker.wait(sleep);
        } else if (!poked) {
          onIdle();
          return;
        }
      } catch (error) {
        if (signal.aborted) break;
        logger.warn({ err: error, lane: key }, 'what is to be called could not be read; trying again');
        await pause();
      }
    }
    await Promise.all(doing.values());
  };

  const wake = (): void => waker.wake();
  signal.addEventListener('abort', wake, { once: true });
  return {
    poke: () => {
      poked = true;
      waker.wake();
    },
    over: run().finally(() => signal.removeEventListener('abort', wake)),
  };
};

const failureOf = (delivery: Delivery, retryAfterMs: number | null, now: number) => ({
  attempts: delivery.attempts + 1,
  since: msOf(delivery.since),
  now,
  retryAfterMs,
  chance: Math.random(),
});
