/** Who has a stream open here, told to all nodes: whoever has none is reached by a push instead. */
import { openSessions, type Sessions } from '@tidings/infra/presence/sessions';
import { randomUUID } from 'node:crypto';
import type { Platform } from '../../platform/src/platform.ts';

export type Presence = Pick<Sessions, 'opened' | 'closed' | 'stop'>;

/** Needs `migratePresence`. */
export const openPresence = (platform: Pick<Platform, 'pool' | 'config' | 'logger'>): Presence =>
  openSessions({
    pool: platform.pool,
    node: `${platform.config.nodeName}/${randomUUID().slice(0, 8)}`,
    logger: platform.logger.child({ service: 'sse' }),
  });

/** For a feed of its own whose listeners nobody asks for. */
export const UNTOLD: Presence = { opened: () => undefined, closed: () => undefined, stop: () => Promise.resolve() };
