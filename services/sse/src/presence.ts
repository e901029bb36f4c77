/**
 * Who has a stream open here, told to all nodes: whoever has none is reached by a push instead, and friends are told who comes and goes. Who is
 * back within moments was never gone.
 */
import { formatWhisper, MOST_WHISPERED } from '@tidings/contracts/ephemeral';
import type { UserId } from '@tidings/contracts/ids';
import { openSessions, type Sessions } from '@tidings/infra/presence/sessions';
import { randomUUID } from 'node:crypto';
import type { Platform } from '../../platform/src/platform.ts';

export type Presence = Pick<Sessions, 'opened' | 'closed' | 'stop'>;

/** A reconnect takes less. */
const GRACE_MS = 5_000;

/** Needs `migratePresence`. */
export const openPresence = (platform: Pick<Platform, 'pool' | 'config' | 'logger' | 'signals'>, graceMs = GRACE_MS): Presence => {
  const whisper = (userIds: readonly UserId[]): void => {
    for (let at = 0; at < userIds.length; at += MOST_WHISPERED) {
      const some = userIds.slice(at, at + MOST_WHISPERED);
      const payload = formatWhisper({ type: 'presence', userIds: some });
      if (payload !== null) platform.signals.publish('ephemeral', payload, `presence ${some.join()}`);
    }
  };
  const { presenceTtlMs } = platform.config;
  const sessions = openSessions({
    pool: platform.pool,
    node: `${platform.config.nodeName}/${randomUUID().slice(0, 8)}`,
    logger: platform.logger.child({ service: 'sse' }),
    // Found silent by the heartbeat of another node, at most one later: within the time that is promised.
    ttlMs: presenceTtlMs * 0.75,
    heartbeatMs: presenceTtlMs * 0.25,
    onFound: whisper,
  });
  const streams = new Map<UserId, number>();
  const going = new Map<UserId, NodeJS.Timeout>();

  /** All nodes look for themselves, so it does not matter how often this is said. */
  const announce = async (userId: UserId): Promise<void> => {
    await sessions.told();
    whisper([userId]);
  };

  return {
    opened: (user) => {
      sessions.opened(user);
      const before = streams.get(user) ?? 0;
      streams.set(user, before + 1);
      if (before > 0) return;
      const ending = going.get(user);
      going.delete(user);
      if (ending === undefined) void announce(user);
      else clearTimeout(ending);
    },
    closed: (user) => {
      sessions.closed(user);
      const left = (streams.get(user) ?? 0) - 1;
      if (left > 0) {
        streams.set(user, left);
        return;
      }
      streams.delete(user);
      const ending = setTimeout(() => {
        going.delete(user);
        void announce(user);
      }, graceMs);
      going.set(user, ending.unref());
    },
    stop: async () => {
      for (const ending of going.values()) clearTimeout(ending);
      going.clear();
      await sessions.stop();
    },
  };
};

/** For a feed of its own whose listeners nobody asks for. */
export const UNTOLD: Presence = { opened: () => undefined, closed: () => undefined, stop: () => Promise.resolve() };
