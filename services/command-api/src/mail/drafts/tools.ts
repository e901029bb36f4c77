/** What reads and writes mail: worker threads, from when the first is needed. */
import { type Composer, openComposer } from '@tidings/infra/compose/compose';
import { type Mime, openMime } from '@tidings/infra/mime/mime';
import type { FastifyInstance } from 'fastify';

export interface Tools {
  readonly composer: () => Composer;
  readonly mime: () => Mime;
}

export const openTools = (app: FastifyInstance): Tools => {
  let composer: Composer | null = null;
  let mime: Mime | null = null;
  app.addHook('onClose', async () => {
    await Promise.all([composer?.close(), mime?.close()]);
  });
  return { composer: () => (composer ??= openComposer()), mime: () => (mime ??= openMime({ threads: 1 })) };
};
