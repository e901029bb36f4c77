/** Reports about TLS as a part of the service: counts are kept, and every now and then the reports of days that are over are made and sent. */
import type { Dns } from '@tidings/contracts/ports/dns';
import { isNamed } from '@tidings/infra/config/mail-out';
import { signingKeys } from '@tidings/infra/dkim/keys';
import { domainIn } from '@tidings/infra/mail-transport/routes';
import { createCaller } from '@tidings/infra/webhooks/caller';
import { guardOf } from '@tidings/infra/webhooks/guard';
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Platform } from '../../platform/src/platform.ts';
import { type Sent, tlsReports, type TlsReports, yesterday } from './tls-reports.ts';
import { plainTransport } from './transport.ts';

type ReportingPlatform = Pick<Platform, 'config' | 'pool' | 'keys' | 'now'>;

export interface Reporter extends TlsReports {
  readonly close: () => Promise<void>;
}

/** Null when no reports are to be sent. */
export const openReporter = ({ config, pool, keys, now }: ReportingPlatform, dns: Dns): Reporter | null => {
  const { mailOut, mailHost } = config;
  const { tlsReporting: reporting } = mailOut;
  if (reporting === null) return null;
  const transport = plainTransport(config, dns);
  const caller = createCaller({ ...guardOf(config), timeoutMs: config.outbound.timeoutMs });
  const domain = domainIn(reporting.contact) ?? '';
  const sign = async (mail: Buffer): Promise<string> => {
    const bytes = async function* (): AsyncGenerator<Uint8Array> {
      yield mail;
    };
    const { signMail } = await import('@tidings/infra/dkim/sign'); // as for all other mail: when there is some
    return signMail(bytes(), domain, await signingKeys(pool, keys, domain, now()), now());
  };
  const heldBack = (to: string): string | null =>
    mailOut.holds && !isNamed(mailOut.overrides, to) ? 'mail to other domains does not leave this machine' : null;
  return {
    ...tlsReports({ pool, dns, transport, caller, sign, heldBack, reporting, host: mailHost, now }),
    close: async () => {
      await transport.close();
      caller.close();
    },
  };
};

const EVERY_MS = 60_000;
/** So that nodes have written what they counted, and not all who report do it at midnight (RFC 8460 §4.1). */
const AFTER_MIDNIGHT_MS = 600_000;
const SPREAD_MS = 3_600_000;
const DAY_MS = 86_400_000;

/** Ends with the signal, and never rejects. */
export const reportTls = async (reporter: Reporter, now: () => number, logger: Logger, signal: AbortSignal): Promise<void> => {
  while (!signal.aborted) {
    try {
      if (now() % DAY_MS >= AFTER_MIDNIGHT_MS) await reporter.make(yesterday(now()), () => now() + Math.random() * SPREAD_MS);
      for (const one of await reporter.send(signal)) log(logger, one);
    } catch (error) {
      if (!signal.aborted) logger.warn({ err: error }, 'reports about TLS could not be made; trying again');
    }
    await delay(EVERY_MS, undefined, { signal }).catch(() => undefined);
  }
};

const log = (logger: Logger, { fault, ...sent }: Sent): void => {
  if (fault === null) logger.info(sent, 'a report about TLS was taken');
  else logger.warn({ ...sent, fault }, 'a report about TLS was not taken');
};
