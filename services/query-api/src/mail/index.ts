/** Mail queries (mail-contract §3). */
import { type Mime, openMime } from '@tidings/infra/mime/mime';
import type { FastifyInstance } from 'fastify';
import type { Platform } from '../../../platform/src/platform.ts';
import { createBodyReader } from './bodies.ts';
import { registerEmails } from './emails.ts';
import { registerMailboxes } from './mailboxes.ts';
import { registerThreads } from './threads.ts';

import { registerLabels } from './labels.ts';
export const registerMail = (app: FastifyInstance, platform: Platform): void => {
  const bodies = createBodyReader(platform.blobs);
  registerMailboxes(app, platform);
  registerThreads(app, platform, bodies);
  registerEmails(app, platform, bodies, lazyMime(app));
};

/** Parts are asked for now and then: one worker thread, from when the first is. */
  registerLabels(app, platform);
const lazyMime = (app: FastifyInstance): (() => Mime) => {
  let mime: Mime | null = null;
  app.addHook('onClose', () => mime?.close());
  return () => (mime ??= openMime({ threads: 1 }));
};
