/** Tells friends who came and who went. Each node looks for itself, in one go for all that were announced within a moment. */
import type { UserId } from '@tidings/contracts/ids';
import { timestamp } from '@tidings/contracts/time';
import { whoIsThere } from '@tidings/infra/presence/who-is-there';
import { friendsOf } from '@tidings/projections/relationships/index';
import { atMost } from '@tidings/infra/cache/at-most';
import { LRUCache } from 'lru-cache';
import type { Platform } from '../../platform/src/platform.ts';
import { ephemeralFrame } from './frames.ts';
import type { Hub } from './hub.ts';

/** Announcements gather for so long: after a restart everyone comes at once. */
const GATHER_MS = 50;
const REMEMBERED = 100_000;

export class Comings {
  readonly #hub: () => Hub | null;
  readonly #platform: Platform;
  readonly #announced = new Set<UserId>();
  /** As the streams here were told it last. */
  readonly #online = new LRUCache<UserId, boolean>(atMost(REMEMBERED));
  #timer: NodeJS.Timeout | null = null;

  constructor(hub: () => Hub | null, platform: Platform) {
    this.#hub = hub;
    this.#platform = platform;
  }

  hear(users: readonly UserId[]): void {
    for (const user of users) this.#announced.add(user);
    this.#timer ??= setTimeout(() => {
      this.#timer = null;
      this.#tell().catch((error: unknown) => this.#platform.logger.warn({ err: error }, 'friends could not be told who came and went'));
    }, GATHER_MS).unref();
  }

  stop(): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  async #tell(): Promise<void> {
    const hub = this.#hub();
    const users = [...this.#announced];
    this.#announced.clear();
    if (hub === null || hub.users === 0) return;
    const { pool, read, liveSchema, now } = this.#platform;
    const [there, friends] = await Promise.all([whoIsThere(pool, users), read.any(friendsOf(liveSchema('relationships'), users))]);
    const friendsBy = Map.groupBy(friends, ({ user }) => user);
    for (const { userId, online, lastSeenAt } of there) {
      if (this.#online.get(userId) === online) continue;
      this.#online.set(userId, online);
      const frame = ephemeralFrame({ type: 'PresenceChanged', createdAt: timestamp(now()), userId, online, lastSeenAt });
      for (const { friend } of friendsBy.get(userId) ?? []) hub.whisper(friend, frame);
    }
  }
}
