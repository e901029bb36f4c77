/** The email gateway: a conversation does not care who writes by mail and who by chat. */
import { worstOf } from '@tidings/infra/process-manager/process-manager';
import type { LeaseOptions } from '@tidings/infra/projector/lease';
import type { Platform, Service } from '../../platform/src/platform.ts';
import { startFetcher } from './in/fetcher.ts';
import { startGatewayIn } from './in/index.ts';
import { startGatewayOut } from './out/index.ts';

export interface GatewayOptions {
  readonly lease?: LeaseOptions;
}

/** Runs on every node; each shard is worked on by the one that holds its lease. Needs `migrateProjector` (leases, checkpoints) and `migrateGateway`. */
export const startGateway = async (platform: Platform, options: GatewayOptions = {}): Promise<Service> => {
  const logger = platform.logger.child({ service: 'gateway' });
  const fetcher = startFetcher(platform, logger, options.lease);
  const managers = [
    await startGatewayIn(platform, logger, options.lease),
    await startGatewayOut(platform, logger, options.lease),
    ...(fetcher === null ? [] : [fetcher]),
  ];
  return {
    name: 'gateway',
    health: () => worstOf(managers.map((manager) => manager.health())),
    stop: async () => {
      await Promise.all(managers.map((manager) => manager.stop()));
    },
  };
};
