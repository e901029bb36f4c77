/** Chat commands (chat-contract §1.3-§1.5). */
import type { FastifyInstance } from 'fastify';
import type { Platform } from '../../../platform/src/platform.ts';
import { registerMessages } from './messages.ts';
import { registerPeople } from './people.ts';
import { registerReadMarks } from './read-marks.ts';
import { registerRooms } from './rooms.ts';

export const registerChat = (app: FastifyInstance, platform: Platform): void => {
  registerMessages(app, platform);
  registerReadMarks(app, platform);
  registerRooms(app, platform);
  registerPeople(app, platform);
};
