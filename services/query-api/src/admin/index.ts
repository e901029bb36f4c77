/** What only administrators see. */
import type { FastifyInstance } from 'fastify';
import type { Platform } from '../../../platform/src/platform.ts';
import { registerExport } from './export.ts';
import { registerPendingMail } from './pending-mail.ts';
import { registerReports } from './reports.ts';
import { registerRooms } from './rooms.ts';
import { registerUsers } from './users.ts';
import { registerWebhooks } from './webhooks.ts';

export const registerAdmin = (app: FastifyInstance, platform: Platform): void => {
  registerWebhooks(app, platform);
  registerUsers(app, platform);
  registerExport(app, platform);
  registerRooms(app, platform);
  registerReports(app, platform);
  registerPendingMail(app, platform);
};
