/** What comes while a server is being stopped: its open connections stay until their answers are sent, and clients send more on them. */
import type { FastifyInstance } from 'fastify';
import { ApiError } from './errors.ts';

/** Answers 503 from the moment that the app is closed. Fastify's own answer says neither when to come again nor what happened (`return503OnClosing`). */
export const turnAwayWhileStopping = (app: FastifyInstance): void => {
  let isStopping = false;
  app.addHook('preClose', async () => {
    isStopping = true;
  });
  app.addHook('onRequest', async () => {
    if (!isStopping) return;
    throw new ApiError('SERVICE_UNAVAILABLE', 'This server is being stopped; nothing was changed. Try again shortly.', {
      headers: { 'retry-after': '1' },
    });
  });
};
