/** Variables about mail that goes out (mail-contract §7). */
import { type Proxy, proxyOf } from '../mail-transport/proxy.ts';
import { type Relay, relayOf, type Routes } from '../mail-transport/routes.ts';
import { flag, optionalText, variable, wholeNumber, word } from './variable.ts';

const DEFAULT_SCHEDULE = '15m,30m,45m,60m,2h,4h,8h,12h,18h,24h,36h,48h';

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };
const durations = (text: string): readonly number[] | undefined => {
  const steps = text.split(',').map((step) => {
    const [, count = '', unit = ''] = /^(\d{1,6})(ms|s|m|h|d)$/.exec(step.trim()) ?? [];
    return count === '' ? Number.NaN : Number(count) * (UNITS[unit] ?? Number.NaN);
  });
  return steps.every((step) => step > 0) ? steps : undefined;
};

/** So many recipients in each window of time, which all begin together. */
export interface Limit {
  readonly count: number;
  readonly windowMs: number;
}
const PERIODS: Readonly<Record<string, number>> = { minute: 60_000, hour: 3_600_000, day: 86_400_000 };
const limit = variable<Limit | null>('off or a count with /minute, /hour or /day, such as 500/hour', null, (text) => {
  if (text === 'off') return null;
  const [, count = '', period = ''] = /^(\d{1,9})\/(minute|hour|day)$/.exec(text) ?? [];
  return Number(count) > 0 ? { count: Number(count), windowMs: PERIODS[period] ?? 0 } : undefined;
});

type Overrides = ReadonlyMap<string, Relay | null>;
const overrides = (text: string): Overrides | undefined => {
  const pairs = text.split(',').map((pair): readonly [string, Relay | null] | undefined => {
    const at = pair.indexOf('=');
    const [domain, way] = [pair.slice(0, at).trim().toLowerCase(), pair.slice(at + 1).trim()];
    if (!/^(\*\.)?[a-z0-9.-]+$/.test(domain)) return undefined;
    if (way === 'direct') return [domain, null];
    const relay = relayOf(way);
    return relay === undefined ? undefined : [domain, relay];
  });
  return pairs.every((pair) => pair !== undefined) ? new Map(pairs) : undefined;
};

const proxies = (text: string): readonly Proxy[] | undefined => {
  const found = text.split(',').map((url) => proxyOf(url.trim()));
  return found.every((proxy) => proxy !== undefined) ? found : undefined;
};

export const mailOutVariables = {
  EGRESS: word('auto', 'direct', 'hold').means(
    'Whether mail to other domains leaves this machine. `auto`: by `SMTP_RELAY_URL` where that is set; else, in `production`, directly, and in `development` it is held, so that nothing gets out by surprise. `hold` keeps all of it, except what `EGRESS_ROUTES` names.',
  ),
  SMTP_RELAY_URL: variable<Relay | null>(
    'a URL such as smtp://user:password@relay.example:587, smtps:// for TLS from the start, with ?tls=verify, opportunistic or none',
    null,
    relayOf,
  ).means(
    'The server that takes all outgoing mail; without it mail goes to the exchangers of each domain. With a password a verified certificate is demanded unless `?tls=` says otherwise.',
  ),
  EGRESS_ROUTES: variable<Overrides>(
    'pairs like example.org=smtp://relay.example or *.example.org=direct with commas between them',
    new Map(),
    overrides,
  ).means('Another way for the mail of some domains (`*.` for all below one).'),
  SMTP_SOCKS_PROXIES: variable<readonly Proxy[]>('socks5:// URLs with commas between them', [], proxies).means(
    'Proxies through which mail goes out directly, one by lot for each connection; their names are told in EHLO.',
  ),
  EGRESS_UNKNOWN_POLICY: word('hold', 'retry').means(
    'What becomes of a recipient when the connection broke after the last byte, so that nobody knows whether the mail arrived: `hold` leaves it to people, `retry` sends again after the first pause, and it may arrive twice.',
  ),
  EGRESS_RETRY_SCHEDULE: variable<readonly number[]>(
    'times with commas between them, such as 15m,1h,1d',
    durations(DEFAULT_SCHEDULE) ?? [],
    durations,
  ).means(`The pauses between tries; after the last one it has failed. The default is \`${DEFAULT_SCHEDULE}\`.`),
  EGRESS_SESSIONS: wholeNumber(1, 5_000, 100).means('Mails on their way at once.'),
  EGRESS_SESSIONS_PER_DESTINATION: wholeNumber(1, 1_000, 10).means('The same, to one domain or relay.'),
  EGRESS_MAILBOX_LIMIT: limit.means('How many recipients one mailbox may send to in a time; more wait. Counted in windows of that length.'),
  EGRESS_DOMAIN_LIMIT: limit.means('The same for all mailboxes of one of our domains together.'),
  EGRESS_MTA_STS: flag(true).means(
    'Whether policies of domains (MTA-STS, RFC 8461) are looked up and kept to, for mail that goes out directly: TLS with a good certificate, or no mail.',
  ),
  EGRESS_DANE: word('auto', 'on', 'off').means(
    'Whether TLSA records that DNSSEC signs (DANE, RFC 7672) are kept to, for mail that goes out directly. It takes a resolver that validates and says so. `auto` believes resolvers on this machine (loopback addresses); `on` all of `DNS_SERVERS`, for a network in which nobody can pretend to be them.',
  ),
  EGRESS_TLS_REPORTS_ORGANIZATION: optionalText.means(
    'Who reports to other domains how TLS with their servers went (RFC 8460), once a day to each that wants it, for mail that goes out directly: the name of your organization. Without it nobody reports.',
  ),
  EGRESS_TLS_REPORTS_CONTACT: variable<string | null>('an email address', null, (value) =>
    /^[^\s@<>"]+@[a-z0-9.-]+$/i.test(value) ? value : undefined,
  ).means('Whom they may write to about those reports, and their sender: an address at one of `MAIL_DOMAINS`.'),
  EGRESS_PORT: wholeNumber(1, 65_535, 25).means('The port of other domains’ servers. Any but 25 is for networks that you made yourself.'),
  EGRESS_ALLOW_PRIVATE: flag(false).means(
    'Whether direct mail may go to private, loopback and link-local addresses that DNS names. Relays and routes may be anywhere.',
  ),
};

export interface MailOut {
  /** What has no other way is kept here. */
  readonly holds: boolean;
  readonly relay: Relay | null;
  readonly overrides: Overrides;
  readonly proxies: readonly Proxy[];
  readonly unknownPolicy: 'hold' | 'retry';
  readonly scheduleMs: readonly number[];
  readonly sessions: number;
  readonly sessionsPerDestination: number;
  readonly mailboxLimit: Limit | null;
  readonly domainLimit: Limit | null;
  readonly mtaSts: boolean;
  readonly dane: 'auto' | 'on' | 'off';
  /** Null: nobody reports. */
  readonly tlsReporting: TlsReporting | null;
  readonly port: number;
  readonly allowPrivate: boolean;
}

/** Who reports how TLS went (RFC 8460). */
export interface TlsReporting {
  readonly organization: string;
  readonly contact: string;
}

type Values = { readonly [K in keyof typeof mailOutVariables]: (typeof mailOutVariables)[K]['fallback'] };

/** @param development nothing leaves by surprise */
export const mailOutOf = (env: Values, development: boolean): MailOut => ({
  holds: env.EGRESS === 'hold' || (env.EGRESS === 'auto' && env.SMTP_RELAY_URL === null && development),
  relay: env.EGRESS === 'direct' ? null : env.SMTP_RELAY_URL,
  overrides: env.EGRESS_ROUTES,
  proxies: env.SMTP_SOCKS_PROXIES,
  unknownPolicy: env.EGRESS_UNKNOWN_POLICY,
  scheduleMs: env.EGRESS_RETRY_SCHEDULE,
  sessions: env.EGRESS_SESSIONS,
  sessionsPerDestination: env.EGRESS_SESSIONS_PER_DESTINATION,
  mailboxLimit: env.EGRESS_MAILBOX_LIMIT,
  domainLimit: env.EGRESS_DOMAIN_LIMIT,
  mtaSts: env.EGRESS_MTA_STS,
  dane: env.EGRESS_DANE,
  tlsReporting:
    env.EGRESS_TLS_REPORTS_ORGANIZATION === null || env.EGRESS_TLS_REPORTS_CONTACT === null
      ? null
      : { organization: env.EGRESS_TLS_REPORTS_ORGANIZATION, contact: env.EGRESS_TLS_REPORTS_CONTACT },
  port: env.EGRESS_PORT,
  allowPrivate: env.EGRESS_ALLOW_PRIVATE,
});

/** What does not go together. @param domains ours: reports are signed by one of them (RFC 8460 §3) */
export const mailOutFaults = (env: Values, domains: readonly string[]): readonly string[] => {
  const { EGRESS_TLS_REPORTS_ORGANIZATION: organization, EGRESS_TLS_REPORTS_CONTACT: contact } = env;
  if ((organization === null) !== (contact === null))
    return ['EGRESS_TLS_REPORTS_ORGANIZATION and EGRESS_TLS_REPORTS_CONTACT must be set together'];
  const domain = contact?.slice(contact.lastIndexOf('@') + 1).toLowerCase();
  return domain === undefined || domains.includes(domain) ? [] : ['EGRESS_TLS_REPORTS_CONTACT must be at one of MAIL_DOMAINS'];
};

/** By the domain's own name, then by those above it, then as for all. */
export const routesOf = ({ relay, overrides: named }: Pick<MailOut, 'relay' | 'overrides'>): Routes => {
  return (domain) => overrideFor(named, domain) ?? (isNamed(named, domain) ? null : relay);
};

/** Whether `EGRESS_ROUTES` says how the mail of this domain goes. */
export const isNamed = (named: Overrides, domain: string): boolean => namesFor(domain).some((name) => named.has(name));

const overrideFor = (named: Overrides, domain: string): Relay | null => {
  const name = namesFor(domain).find((one) => named.has(one));
  return name === undefined ? null : (named.get(name) ?? null);
};
const namesFor = (domain: string): readonly string[] => {
  const labels = domain.split('.');
  return [domain, ...labels.slice(1).map((_, at) => `*.${labels.slice(at + 1).join('.')}`)];
};
