/** The way out as it is configured: routes, proxies, where we may call, and which policies of other domains are kept to. */
import { getServers } from 'node:dns';
import type { Dns } from '@tidings/contracts/ports/dns';
import type { MailTransport } from '@tidings/contracts/ports/mail-transport';
import type { Config } from '@tidings/infra/config/config';
import { routesOf } from '@tidings/infra/config/mail-out';
import { daneFor } from '@tidings/infra/mail-policy/dane';
import { policyFetcher } from '@tidings/infra/mail-policy/fetch-policy';
import { openMtaSts } from '@tidings/infra/mail-policy/mta-sts';
import { tlsPolicies } from '@tidings/infra/mail-policy/tls-policies';
import { endpointOf, openValidatingDns } from '@tidings/infra/mail-policy/validating-dns';
import { openMailTransport } from '@tidings/infra/mail-transport/open-transport';
import { proxiesOf } from '@tidings/infra/mail-transport/proxies';
import type { TlsFailure, TlsResult } from '@tidings/infra/tls-report/result';
import { isPublicAddress } from '@tidings/infra/webhooks/guard';
import ipaddr from 'ipaddr.js';
import type { Logger } from 'pino';
import type { Pool } from 'pg';
import { stsPoliciesIn } from './sts-policies.ts';

export interface TransportParts {
  readonly config: Pick<Config, 'mailOut' | 'mailHost' | 'dnsServers'>;
  readonly pool: Pool;
  readonly now: () => number;
  readonly logger: Logger;
  /** How TLS went, for each session with an exchanger. */
  readonly onTls?: (result: TlsResult) => void;
}

/** What the internet has fixed, and tests cannot have. */
export interface World {
  readonly smtpPort?: number;
  readonly httpsPort?: number;
  /** Certificate authorities beside those that everybody trusts, in PEM. */
  readonly trusted?: readonly string[];
}

export const configuredTransport = (parts: TransportParts, dns: Dns, world: World = {}): MailTransport => {
  const { config, pool, now, logger, onTls } = parts;
  const { mailOut, mailHost, dnsServers } = config;
  const { smtpPort = mailOut.port, httpsPort = 443, trusted = [] } = world;
  const mayCall = (address: string): boolean => mailOut.allowPrivate || isPublicAddress(address);
  const fetchPolicy = policyFetcher({ dns, mayCall, port: httpsPort, trusted });
  const told = onTls === undefined ? {} : { onTls };
  const onFailure = (domain: string, failure: TlsFailure): void =>
    onTls?.({ domain, policy: { type: 'sts', strings: [], mx: [] }, host: null, address: null, failure });
  const mtaSts = mailOut.mtaSts ? openMtaSts({ dns, memory: stsPoliciesIn(pool), fetchPolicy, now, logger, onFailure }) : null;
  const resolvers = believed(mailOut.dane, dnsServers.length > 0 ? dnsServers : getServers());
  const dane = resolvers.length === 0 ? null : daneFor(openValidatingDns({ servers: resolvers, now }), now, smtpPort);
  return openMailTransport({
    ...{ dns, name: mailHost, routes: routesOf(mailOut), proxies: proxiesOf(mailOut.proxies), mayCall, trusted, port: smtpPort },
    ...{ policies: tlsPolicies({ dane, mtaSts }), ...told },
  });
};

/** The same way out for what goes out whatever TLS does: no policy is asked, and nothing is told of it. */
export const plainTransport = ({ mailOut, mailHost }: TransportParts['config'], dns: Dns): MailTransport =>
  openMailTransport({
    ...{ dns, name: mailHost, routes: routesOf(mailOut), proxies: proxiesOf(mailOut.proxies), port: mailOut.port },
    mayCall: (address) => mailOut.allowPrivate || isPublicAddress(address),
  });

/** The servers whose word on signatures counts: anybody between us and another could say as much. */
export const believed = (dane: 'auto' | 'on' | 'off', servers: readonly string[]): readonly string[] => {
  if (dane === 'off') return [];
  return dane === 'on' ? servers : servers.filter((server) => isLoopback(endpointOf(server).host));
};

const isLoopback = (host: string): boolean => ipaddr.isValid(host) && ipaddr.process(host).range() === 'loopback';
