/** Chat by mail: what can be read. */
import type { FastifyInstance } from 'fastify';
import type { Platform } from '../../../platform/src/platform.ts';
import { registerMailedFiles } from './files.ts';
import { registerMailNotifications } from './mail-notifications.ts';
import { registerMappings } from './mappings.ts';
import { registerStats } from './stats.ts';

export const registerGateway = (app: FastifyInstance, platform: Platform): void => {
  registerMailNotifications(app, platform);
  registerMailedFiles(app, platform);
  registerMappings(app, platform);
  registerStats(app, platform);
};
