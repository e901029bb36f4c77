/** The service that keeps the read models up to date. */
import type { PositionFeed } from '@tidings/infra/projector/announce';
import { openFannedLog } from '@tidings/infra/kafka/fanned-log';
import { startProjector } from '@tidings/infra/projector/projector';
import type { Platform, Service } from '../../platform/src/platform.ts';
import { projectionsOver } from './projections.ts';

/**
 * Starts when every projection has an instance and a loop. Several processes may run it; each instance is worked on by one.
 * @param platform with `feed`, its own `freshness` hears of positions without a detour
 */
export const startProjectorService = async (platform: Platform & { readonly feed?: PositionFeed }): Promise<Service> => {
  const { pool, events, signals, metrics, feed } = platform;
  const { kafka } = platform.config;
  const logger = platform.logger.child({ service: 'projector' });
  const fanned =
    kafka.projectFrom === 'kafka' && kafka.logTopic !== null
      ? openFannedLog(platform.log, { ...kafka, topic: kafka.logTopic, logger, metrics })
      : null;
  const projections = projectionsOver(platform.blobs, platform.wordIndex);
  const projector = await startProjector({
    ...{ pool, events, signals, metrics, projections, logger },
    log: fanned?.log ?? platform.log,
    ...(feed === undefined ? {} : { feed }),
  });
  return {
    name: 'projector',
    health: () => projector.health(),
    stop: async () => {
      await projector.stop();
      await fanned?.stop();
    },
  };
};
