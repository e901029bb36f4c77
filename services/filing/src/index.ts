/**
 * Filing: the process manager that gives each received mail its place, in each mailbox it is for (architecture §5). Side effects are
 * events only, and it is never replayed.
 */
import { openMime } from '@tidings/infra/mime/mime';
import { createLeases, DEFAULT_LEASE, type LeaseOptions } from '@tidings/infra/projector/lease';
import type { Platform, Service, ServiceHealth } from '../../platform/src/platform.ts';
import { startFiler } from './filer.ts';
import { createMeasures } from './measures.ts';
import { migrateFiling } from './migrations.ts';

export { migrateFiling } from './migrations.ts';

export interface FilingOptions {
  readonly lease?: LeaseOptions;
  /** Worker threads that read mail; one per core unless said. */
  readonly threads?: number;
}

/** Runs on every node; each shard is filed by the one that holds its lease. Needs `migrateProjector` to have run (leases, checkpoints). */
export const startFiling = async (platform: Platform, options: FilingOptions = {}): Promise<Service> => {
  const logger = platform.logger.child({ service: 'filing' });
  await migrateFiling(platform.pool);
  const measures = createMeasures(platform.metrics);
  const mime = openMime(options.threads === undefined ? {} : { threads: options.threads });
  const leases = createLeases(platform.pool, {
    ...(options.lease ?? DEFAULT_LEASE),
    onLost: ({ shard }) => filers.get(shard)?.lost(),
    onError: (error) => logger.warn({ err: error }, 'the lease could not be renewed; trying again'),
  });
  const filers = new Map(platform.log.shards.map((shard) => [shard, startFiler({ platform, shard, leases, mime, logger, measures })]));

  return {
    name: 'filing',
    health: () => [...filers.values()].map((filer) => filer.health()).toSorted((a, b) => severity(b) - severity(a))[0] ?? IDLE,
    stop: async () => {
      await Promise.all([...filers.values()].map((filer) => filer.stop()));
      leases.close();
      await mime.close();
      measures.close();
    },
  };
};

const IDLE: ServiceHealth = { state: 'idle', lastProgressAt: null, waitingOn: null };
const ORDER: readonly ServiceHealth['state'][] = ['not-owner', 'idle', 'working', 'starting', 'behind', 'stuck', 'failed'];
const severity = ({ state }: ServiceHealth): number => ORDER.indexOf(state);
