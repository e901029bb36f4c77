/** Chat commands (chat-contract §1.3-§1.5). */
import type { FastifyInstance } from 'fastify';
import type { Platform } from '../../../platform/src/platform.ts';
import { registerMessageChanges } from './message-changes.ts';
import { registerMessages } from './messages.ts';
import { registerNotify } from './notify.ts';
import { registerPeople } from './people.ts';
import { registerPins } from './pins.ts';
import { registerPushSubscriptions } from './push-subscriptions.ts';
import { registerReactions } from './reactions.ts';
import { registerReadMarks } from './read-marks.ts';
import { registerReports } from './reports.ts';
import { registerRoomRoles } from './room-roles.ts';
import { registerRooms } from './rooms.ts';
import { registerTyping } from './typing.ts';
import { registerUploads } from './uploads.ts';

export const registerChat = (app: FastifyInstance, platform: Platform): void => {
  registerMessages(app, platform);
  registerMessageChanges(app, platform);
  registerReactions(app, platform);
  registerPins(app, platform);
  registerReadMarks(app, platform);
  registerTyping(app, platform);
  registerRooms(app, platform);
  registerUploads(app, platform);
  registerRoomRoles(app, platform);
  registerReports(app, platform);
  registerPeople(app, platform);
  registerNotify(app, platform);
  registerPushSubscriptions(app, platform);
};
