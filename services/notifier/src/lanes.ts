/** The lanes that have something to do. One that is slow, or whose other side is away, delays no other. */
import { setTimeout as delay } from 'node:timers/promises';
import { forgetDead, lanesWaiting } from '@tidings/infra/webhooks/deliveries';
import type { Channel } from './channels.ts';
import { startLane, type LaneParts, type RunningLane } from './lane.ts';

export interface Lanes {
  /** These lanes have more to do. */
  poke(keys: Iterable<string>): void;
  /** Resolves when all calls on their way have ended; call after the signal. */
  readonly over: () => Promise<void>;
  readonly running: () => number;
}

/** How soon a retry by hand, at another node, is seen. */
const LOOK_MS = 1_000;
const FORGET_EVERY_MS = 60 * 60 * 1000;

export interface LanesParts extends Omit<LaneParts, 'channel'> {
  /** Null: none such is configured now, so its calls wait. */
  readonly channelOf: (lane: string) => Channel | null;
}

export const startLanes = (parts: LanesParts): Lanes => {
  const { platform, logger, signal, channelOf } = parts;
  const running = new Map<string, RunningLane>();
  const ending = new Set<Promise<void>>();

  const poke = (keys: Iterable<string>): void => {
    for (const key of keys) {
      const known = running.get(key);
      if (known !== undefined) {
        known.poke();
        continue;
      }
      const channel = signal.aborted ? null : channelOf(key);
      if (channel === null) continue;
      const lane = startLane(key, { ...parts, channel }, () => running.delete(key));
      running.set(key, lane);
      const over = lane.over.finally(() => ending.delete(over));
      ending.add(over);
    }
  };

  const look = async (): Promise<void> => {
    let forgottenAt = -Infinity;
    let failing = false;
    while (!signal.aborted) {
      try {
        poke(await lanesWaiting(platform.pool));
        if (platform.now() - forgottenAt > FORGET_EVERY_MS) {
          await forgetDead(platform.pool);
          forgottenAt = platform.now();
        }
        failing = false;
      } catch (error) {
        if (!failing) logger.warn({ err: error }, 'waiting calls could not be read; trying again');
        failing = true;
      }
      await delay(LOOK_MS, undefined, { signal }).catch(() => undefined);
    }
  };
  const looking = look();

  return {
    poke,
    running: () => running.size,
    over: async () => {
      await looking;
      await Promise.all(ending);
    },
  };
};
