/** Everything that changes something, over HTTP. A Fastify plugin, mounted by `services/api` or a listener of its own. */
import type { FastifyPluginCallback } from 'fastify';
import type { Platform } from '../../platform/src/platform.ts';
import { registerAdmin } from './admin/index.ts';
import { registerChat } from './chat/index.ts';
import { registerGateway } from './gateway/index.ts';
import { registerMail } from './mail/index.ts';

export const commandApi =
  (platform: Platform): FastifyPluginCallback =>
  (app, _options, done) => {
    registerChat(app, platform);
    registerMail(app, platform);
    registerGateway(app, platform);
    registerAdmin(app, platform);
    done();
  };
