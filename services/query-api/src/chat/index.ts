/** Chat queries (chat-contract §1.3-§1.5). */
import type { FastifyInstance } from 'fastify';
import type { Platform } from '../../../platform/src/platform.ts';
import { registerMedia } from './media.ts';
import { registerMessages } from './messages.ts';
import { registerPeople } from './people.ts';
import { registerPresence } from './presence.ts';
import { registerPushKey } from './push-key.ts';
import { registerReceipts } from './receipts.ts';
import { registerRooms } from './rooms.ts';
import { registerSearch } from './search.ts';
import { registerShareTargets } from './share-targets.ts';
import { registerSync } from './sync.ts';
import { registerTimeline } from './timeline.ts';

export const registerChat = (app: FastifyInstance, platform: Platform): void => {
  registerRooms(app, platform);
  registerTimeline(app, platform);
  registerMessages(app, platform);
  registerReceipts(app, platform);
  registerPeople(app, platform);
  registerMedia(app, platform);
  registerPushKey(app, platform);
  registerSearch(app, platform);
  registerShareTargets(app, platform);
  registerSync(app, platform);
  registerPresence(app, platform);
};
