/** What only administrators do. */
import type { FastifyInstance } from 'fastify';
import type { Platform } from '../../../platform/src/platform.ts';
import { registerWebhooks } from './webhooks.ts';

export const registerAdmin = (app: FastifyInstance, platform: Platform): void => {
  registerWebhooks(app, platform);
};
