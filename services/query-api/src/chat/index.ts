/** Chat queries (chat-contract §1.3-§1.5). */
import type { FastifyInstance } from 'fastify';
import type { Platform } from '../../../platform/src/platform.ts';
import { registerPeople } from './people.ts';
import { registerRooms } from './rooms.ts';
import { registerTimeline } from './timeline.ts';

export const registerChat = (app: FastifyInstance, platform: Platform): void => {
  registerRooms(app, platform);
  registerTimeline(app, platform);
  registerPeople(app, platform);
};
