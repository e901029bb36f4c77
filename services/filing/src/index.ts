/**
 * Filing: the process manager that gives each received mail its place, in each mailbox it is for (architecture §5). Side effects are
 * events only, and it is never replayed.
 */
import { openDns } from '@tidings/infra/dns/system-dns';
import { openMailAuth } from '@tidings/infra/mail-auth/mail-auth';
import { openMime } from '@tidings/infra/mime/mime';
import { createLeases, DEFAULT_LEASE, type LeaseOptions } from '@tidings/infra/projector/lease';
import type { Platform, Service, ServiceHealth } from '../../platform/src/platform.ts';
import { rspamd } from '@tidings/infra/spam/rspamd';
import { clamd } from '@tidings/infra/virus/clamd';
import type { Checkers } from './checks.ts';
import { startFiler } from './filer.ts';
import { openInboundHooks } from './inbound-hooks.ts';
import { createMeasures } from './measures.ts';
import { migrateFiling } from './migrations.ts';

export { migrateFiling } from './migrations.ts';

export interface FilingOptions {
  readonly lease?: LeaseOptions;
  /** Worker threads that read mail; one per core unless said. */
  readonly threads?: number;
  /** Instead of those that are configured. */
  readonly checkers?: Checkers;
}

/** Runs on every node; each shard is filed by the one that holds its lease. Needs `migrateProjector` to have run (leases, checkpoints). */
export const startFiling = async (platform: Platform, options: FilingOptions = {}): Promise<Service> => {
  const logger = platform.logger.child({ service: 'filing' });
  await migrateFiling(platform.pool);
  const measures = createMeasures(platform.metrics);
  const mime = openMime(options.threads === undefined ? {} : { threads: options.threads });
  const opened = options.checkers === undefined ? openCheckers(platform) : { checkers: options.checkers, close: async () => undefined };
  const { checkers } = opened;
  const leases = createLeases(platform.pool, {
    ...(options.lease ?? DEFAULT_LEASE),
    onLost: ({ shard }) => filers.get(shard)?.lost(),
    onError: (error) => logger.warn({ err: error }, 'the lease could not be renewed; trying again'),
  });
  const filers = new Map(
    platform.log.shards.map((shard) => [shard, startFiler({ platform, shard, leases, mime, checkers, logger, measures })]),
  );

  return {
    name: 'filing',
    health: () => [...filers.values()].map((filer) => filer.health()).toSorted((a, b) => severity(b) - severity(a))[0] ?? IDLE,
    stop: async () => {
      await Promise.all([...filers.values()].map((filer) => filer.stop()));
      leases.close();
      await Promise.all([mime.close(), opened.close()]);
      measures.close();
    },
  };
};

const openCheckers = (platform: Platform): { readonly checkers: Checkers; readonly close: () => Promise<void> } => {
  const { config } = platform;
  const { auth, trustedSealers, rspamd: spam, clamd: virus } = config.mailChecks;
  const dns = openDns({ servers: config.dnsServers });
  const inbound = openInboundHooks(platform);
  const authenticator = auth ? openMailAuth({ dns, trustedSealers }) : null;
  return {
    checkers: {
      inbound: inbound.hooks,
      ...(authenticator === null ? {} : { authenticator }),
      ...(spam === null ? {} : { spam: rspamd(spam) }),
      ...(virus === null ? {} : { virus: clamd(virus) }),
    },
    close: async () => {
      dns.close();
      inbound.close();
      await authenticator?.close();
    },
  };
};

const IDLE: ServiceHealth = { state: 'idle', lastProgressAt: null, waitingOn: null };
const ORDER: readonly ServiceHealth['state'][] = ['not-owner', 'idle', 'working', 'starting', 'behind', 'stuck', 'failed'];
const severity = ({ state }: ServiceHealth): number => ORDER.indexOf(state);
