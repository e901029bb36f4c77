/**
 * Mail goes out: the process manager that takes each queued mail to its recipients (architecture §5). The log is its queue; what it keeps beside is
 * built from it. Runs on every node; each shard is sent by the one that holds its lease.
 */
import type { MailTransport } from '@tidings/contracts/ports/mail-transport';
import { isNamed } from '@tidings/infra/config/mail-out';
import { openDns } from '@tidings/infra/dns/system-dns';
import { domainIn } from '@tidings/infra/mail-transport/routes';
import { startProcessManager } from '@tidings/infra/process-manager/process-manager';
import type { LeaseOptions } from '@tidings/infra/projector/lease';
import type { Platform, Service } from '../../platform/src/platform.ts';
import { cameBackTo, returnPathOf, returnPathSecret } from '../../platform/src/return-path.ts';
import { gatewayAddresses } from '../../smtp-ingress/src/gateway-addresses.ts';
import { findRecipientIn } from '../../smtp-ingress/src/recipients.ts';
import { refusalsOf } from '../../smtp-ingress/src/refusals.ts';
import { attempt, INTERNAL } from './attempt.ts';
import { NO_DOMAIN } from './changes.ts';
import { internalDelivery } from './internal.ts';
import { domainAllowance, mailboxAllowance, spend } from './limits.ts';
import { createMeasures } from './measures.ts';
import { messagesFrom } from './message.ts';
import { migrateEgress } from './migrations.ts';
import { sendFrom } from './owner.ts';
import { openReporter, reportTls } from './report-tls.ts';
import { signerOf } from './sign.ts';
import { countTls } from './tls-counts.ts';
import { configuredTransport } from './transport.ts';

export interface EgressOptions {
  readonly lease?: LeaseOptions;
  /** Instead of the one that is configured. */
  readonly transport?: MailTransport;
}

/** The name of its leases and checkpoints. */
const EGRESS = 'egress';
const HELD = 'Held: mail to other domains does not leave this machine. Set SMTP_RELAY_URL, or EGRESS=direct.';
/** What is under way at the end has so long to come to an end of its own. */
const GRACE_MS = 5_000;

/** Needs `migrateProjector` to have run (leases, checkpoints). */
export const startSmtpEgress = async (platform: Platform, options: EgressOptions = {}): Promise<Service> => {
  const { config, commands, pool, now } = platform;
  const { mailOut, mailDomains } = config;
  const logger = platform.logger.child({ service: 'smtp-egress' });
  await migrateEgress(pool);
  const measures = createMeasures(platform.metrics);
  const secret = await returnPathSecret(platform.keys);
  const dns = openDns({ servers: config.dnsServers });
  const reporter = openReporter(platform, dns);
  const counts = reporter === null ? null : countTls(pool, now, logger);
  const told = counts === null ? {} : { onTls: counts.add };
  const transport = options.transport ?? configuredTransport({ config, pool, now, logger, ...told }, dns);
  const messages = messagesFrom(platform.blobs, signerOf({ ...platform, logger }));
  const findRecipient = findRecipientIn(commands, {
    ...{ domains: mailDomains, maxRecipients: Infinity, refuse: refusalsOf(platform), returning: cameBackTo(secret) },
    gateway: await gatewayAddresses(platform),
  });
  const deliverInternally = internalDelivery({ ...platform, findRecipient, scheduleMs: mailOut.scheduleMs });
  const { shards } = platform.log;
  const isOurs = (domain: string): boolean => mailDomains.includes(domain) || domain === config.gateway.replyDomain;
  const heldBack = (domain: string): string | null => (mailOut.holds && !isNamed(mailOut.overrides, domain) ? HELD : null);
  /** What has another fate than the rest goes alone, whatever the relay. */
  const routeOf = (domain: string): string => {
    if (domain === NO_DOMAIN) return 'nowhere';
    if (isOurs(domain)) return INTERNAL;
    return heldBack(domain) === null ? transport.route(domain) : 'held';
  };
  /** Of turns whose lease was lost. */
  const leftBehind = new Set<Promise<unknown>>();
  const leave = (over: Promise<unknown>): void => {
    leftBehind.add(over);
    void over.finally(() => leftBehind.delete(over));
  };
  const follow = sendFrom({
    ...{ platform, logger, measures, routeOf, leave },
    sessions: Math.max(1, Math.floor(mailOut.sessions / shards.length)),
    attempt: (job, leaseToken, signal) =>
      attempt(job, {
        ...{ commands, messages, transport, deliverInternally, now, logger, measures, leaseToken, signal },
        ...{ isOurs, heldBack },
        spend: (mailboxId, from, recipients) => {
          const allowances = [...mailboxAllowance(mailboxId, mailOut.mailboxLimit), ...domainAllowance(from, mailOut.domainLimit)];
          return spend(pool, allowances, recipients, now());
        },
        returnPath: (envelopeFrom, to) => {
          const domain = domainIn(envelopeFrom);
          // The null sender stays what it is, and what we do not take mail for is left alone.
          if (domain === null || !mailDomains.includes(domain)) return envelopeFrom;
          return returnPathOf(secret, to, domain);
        },
        ...{ scheduleMs: mailOut.scheduleMs, unknownPolicy: mailOut.unknownPolicy },
      }),
  });
  const manager = startProcessManager({ name: EGRESS, shards, pool, logger, now, lease: options.lease, follow });
  const stopping = new AbortController();
  const reporting = reporter === null ? null : reportTls(reporter, now, logger, stopping.signal);
  return {
    name: 'smtp-egress',
    health: manager.health,
    stop: async () => {
      const grace = setTimeout(() => void transport.close(), GRACE_MS);
      stopping.abort();
      await Promise.all([manager.stop(), reporting]);
      await Promise.all(leftBehind);
      clearTimeout(grace);
      await Promise.all([transport.close(), reporter?.close(), counts?.close()]);
      dns.close();
      measures.close();
    },
  };
};
