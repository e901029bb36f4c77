/**
 * Filing: the process manager that gives each received mail its place, in each mailbox it is for (architecture §5). Side effects are
 * events only, and it is never replayed.
 */
import { openDns } from '@tidings/infra/dns/system-dns';
import { openMailAuth } from '@tidings/infra/mail-auth/mail-auth';
import { openMime, type Mime } from '@tidings/infra/mime/mime';
import { startProcessManager } from '@tidings/infra/process-manager/process-manager';
import type { LeaseOptions } from '@tidings/infra/projector/lease';
import type { Platform, Service } from '../../platform/src/platform.ts';
import { cameBackTo, returnPathSecret } from '../../platform/src/return-path.ts';
import { rspamd } from '@tidings/infra/spam/rspamd';
import { clamd } from '@tidings/infra/virus/clamd';
import type { Checkers } from './checks.ts';
import { createFiler } from './filer.ts';
import { openInboundHooks } from './inbound-hooks.ts';
import { createMeasures } from './measures.ts';
import { migrateFiling } from './migrations.ts';
import { reportsOn } from './reports.ts';

export { migrateFiling } from './migrations.ts';

/** Of its leases and checkpoints. */
const FILING = 'filing';

export interface FilingOptions {
  readonly lease?: LeaseOptions;
  /** Instead of one of its own, with a thread per core. It stays open. */
  readonly mime?: Mime;
  /** Instead of those that are configured. */
  readonly checkers?: Checkers;
}

/** Runs on every node; each shard is filed by the one that holds its lease. Needs `migrateProjector` to have run (leases, checkpoints). */
export const startFiling = async (platform: Platform, options: FilingOptions = {}): Promise<Service> => {
  const logger = platform.logger.child({ service: 'filing' });
  await migrateFiling(platform.pool);
  const measures = createMeasures(platform.metrics);
  const mime = options.mime ?? openMime();
  const opened = options.checkers === undefined ? openCheckers(platform) : { checkers: options.checkers, close: async () => undefined };
  const { checkers } = opened;
  const secret = await returnPathSecret(platform.keys);
  const reports = reportsOn({ commands: platform.commands, mime, returning: cameBackTo(secret) });
  const filer = createFiler({ platform, mime, checkers, reports, logger, measures });
  const { log, pool, now } = platform;
  const { follow } = filer;
  const process = startProcessManager({
    ...{ name: FILING, shards: log.shards, pool, logger, now, lease: options.lease, follow },
    onFailure: () => measures.failed(),
  });

  return {
    name: 'filing',
    health: () => {
      const health = process.health();
      return { ...health, waitingOn: health.waitingOn ?? filer.waitingOn() };
    },
    stop: async () => {
      await process.stop();
      await Promise.all([filer.over(), options.mime === undefined ? mime.close() : undefined, opened.close()]);
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
