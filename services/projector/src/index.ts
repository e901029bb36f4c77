/** The service that keeps the read models up to date. */
import type { PositionFeed } from '@tidings/infra/projector/announce';
import { startProjector } from '@tidings/infra/projector/projector';
import type { Platform, Service } from '../../platform/src/platform.ts';
import { projectionsOver } from './projections.ts';

/**
 * Starts when every projection has an instance and a loop. Several processes may run it; each instance is worked on by one.
 * @param platform with `feed`, its own `freshness` hears of positions without a detour
 */
export const startProjectorService = async (platform: Platform & { readonly feed?: PositionFeed }): Promise<Service> => {
  const { pool, log, events, signals, metrics, feed } = platform;
  const projections = projectionsOver(platform.blobs);
  const projector = await startProjector({
    ...{ pool, log, events, signals, metrics, projections },
    logger: platform.logger.child({ service: 'projector' }),
    ...(feed === undefined ? {} : { feed }),
  });
  return { name: 'projector', health: () => projector.health(), stop: () => projector.stop() };
};
