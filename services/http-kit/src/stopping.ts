/** What comes while a server is being stopped: its open connections stay until their answers are sent, and clients send more on them. */
import type { FastifyInstance } from 'fastify';
import { ApiError } from './errors.ts';

/**
 * Answers 503 from the moment that the app is closed. Fastify's own answer says neither when to come again nor what happened (`return503OnClosing`).
 * What was begun before is finished, and is the last on its connection: on one that stayed open, the stop would wait for a request that never comes.
 */
export const turnAwayWhileStopping = (app: FastifyInstance): void => {
  let isStopping = false;
  app.addHook('preClose', async () => {
    isStopping = true;
  });
  app.addHook('onSend', async (_, reply) => {
    if (isStopping) reply.header('connection', 'close');
  });
  app.addHook('onRequest', async () => {
    if (!isStopping) return;
    throw new ApiError('SERVICE_UNAVAILABLE', 'This server is being stopped; nothing was changed. Try again shortly.', {
      headers: { 'retry-after': '1' },
    });
  });
};
