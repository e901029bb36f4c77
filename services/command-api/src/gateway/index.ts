/** Chat by mail: commands. */
import type { FastifyInstance } from 'fastify';
import type { Platform } from '../../../platform/src/platform.ts';
import { registerHeld } from './held.ts';
import { registerInbound } from './inbound/index.ts';
import { registerMailNotifications } from './mail-notifications.ts';
import { registerParticipants } from './participants.ts';
import { registerSync } from './sync.ts';
import { registerUnsubscribe } from './unsubscribe.ts';

export const registerGateway = (app: FastifyInstance, platform: Platform): void => {
  registerMailNotifications(app, platform);
  registerUnsubscribe(app, platform);
  registerParticipants(app, platform);
  registerHeld(app, platform);
  registerInbound(app, platform);
  registerSync(app, platform);
};
