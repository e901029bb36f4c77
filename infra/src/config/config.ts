/** The environment, decoded once (architecture §8). Every fault is a sentence that names the variable and its rule. */
import * as E from 'fp-ts/lib/Either.js';
import { hostname } from 'node:os';
import { resolve } from 'node:path';
import { domainToASCII } from 'node:url';
import * as t from 'io-ts';
import { decode } from '@tidings/contracts/codec';
import { blobFaults, type BlobStorage, blobStorageOf, blobVariables } from './blob-storage.ts';
import { type GatewayOut, gatewayOutOf, gatewayOutVariables } from './gateway-out.ts';
import type { LogPlace } from '../event-log/open.ts';
import { type Gateway, gatewayFaults, gatewayOf, gatewayVariables } from './gateway.ts';
import { kafkaFaults, kafkaOf, type KafkaSettings, kafkaVariables } from './kafka.ts';
import { mailCheckVariables, mailChecksOf, type MailChecks } from './mail-checks.ts';
import { mailOutFaults, mailOutOf, mailOutVariables, type MailOut } from './mail-out.ts';
import { openSearchOf, type OpenSearchSettings, openSearchVariables } from './opensearch.ts';
import { formatRates, DEFAULT_RATES, type RateLimits, rateLimits } from './rate-limits.ts';
import { flag, list, names, networks, optionalText, port, text, url, variable, wholeNumber, word } from './variable.ts';

const DOMAIN = /^(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;
/** RFC 5891; what is ASCII already stays, because `domainToASCII` reads numbers as addresses. */
const inAscii = (domain: string): string => (/^[\0-\x7f]*$/.test(domain) ? domain : domainToASCII(domain) || domain);
const MIB = 1024 * 1024;

/** Every variable: its rule, its default, what it is for. The codec and docs/reference/configuration.md derive from here. */
export const variables = {
  TIDINGS_ENV: word('development', 'production').means(
    'What this is for. In `production` the development issuer, whose passwords are published, refuses to start.',
  ),
  DATA_DIR: text('.data').means('The folder that holds everything which is not in a database of yours; made when missing.'),
  DATABASE_URL: url('postgresql', 'postgres').means('A Postgres of your own; without it an embedded one runs in `DATA_DIR`.'),
  MAIL_DOMAINS: list('domain names with commas between them', ['tidings.test'], DOMAIN, inAscii).means(
    'The domains whose mail we take, in Unicode or in ASCII. Users with an email address at one of them get that mailbox.',
  ),
  HTTP_HOST: text('127.0.0.1').means('The address the API listens on; `0.0.0.0` for all.'),
  HTTP_PORT: port(8080).means('The port the API listens on; 0 takes a free one.'),
  PUBLIC_URL: url('http', 'https').means(
    'How clients reach the API when something stands in front of it; without it `http://localhost:<port>`.',
  ),
  CORS_ORIGIN: url('http', 'https').means('The one origin that browsers may call the API from; without it none but its own.'),
  RATE_LIMITS: rateLimits.means(
    `How often one caller may ask, each node counting for itself: by user, and \`failures\` (tokens that are not valid) by address. The default is \`${formatRates(DEFAULT_RATES)}\`; a class left out keeps its own.`,
  ),
  OPS: flag(true).means('Whether the API serves `/ready` and `/metrics`.'),
  MAILBOX_QUOTA_BYTES: wholeNumber(0, 1e15, 0).means(
    'How much mail one mailbox may keep unless its domain’s admins say otherwise; more is put off (452). 0: without limit.',
  ),
  TRASH_DAYS: wholeNumber(0, 36_500, 30).means(
    'How many days mail lies in the trash before it is destroyed for ever; 0: until somebody empties it.',
  ),
  SPAM_DAYS: wholeNumber(0, 36_500, 30).means('The same for spam.'),
  IMAGE_PROXY: flag(false).means(
    'Whether pictures that mails show from elsewhere are fetched for their readers (`GET /api/images`); otherwise they are held back.',
  ),
  MAIL_HOST: variable('a host name', hostname().includes('.') ? hostname().toLowerCase() : '', (name) =>
    DOMAIN.test(name.toLowerCase()) ? name.toLowerCase() : undefined,
  ).means('The name under which other mail servers reach us; without it the machine’s, or `mail.` before the first of `MAIL_DOMAINS`.'),
  SMTP_HOST: text('127.0.0.1').means('The address the SMTP door listens on; `0.0.0.0` for all.'),
  SMTP_PORT: port(2525).means('The port the SMTP door listens on; 0 takes a free one.'),
  SMTP_MAX_SESSIONS: wholeNumber(1, 100_000, 1_000).means('SMTP sessions at once; more are told to come again later (421).'),
  SMTP_MAX_SESSIONS_PER_CLIENT: wholeNumber(1, 100_000, 100).means(
    'The same, from one client: an IPv4 address, or the 64-bit network of an IPv6 address.',
  ),
  SMTP_MAX_NEW_SESSIONS_PER_CLIENT: wholeNumber(1, 10_000_000, 3_000).means(
    'SMTP sessions that one client may begin in a minute; more are told to come again later (421).',
  ),
  SMTP_MAX_COMMANDS: wholeNumber(10, 1_000_000, 1_000).means('Commands of one SMTP session between two messages; one more ends it (421).'),
  SMTP_MAX_ERRORS: wholeNumber(1, 1_000_000, 100).means('Commands of one SMTP session that may be refused; one more ends it (421).'),
  SMTP_MAX_UNKNOWN_RECIPIENTS: wholeNumber(1, 1_000_000, 25).means(
    'Addresses without a mailbox that one SMTP session may name; one more ends it (421), so that nobody finds ours by guessing.',
  ),
  SMTP_MAX_RECIPIENTS: wholeNumber(1, 10_000, 100).means('Recipients of one mail; the rest are to come in another (452).'),
  SMTP_IDLE_TIMEOUT_SECONDS: wholeNumber(1, 3_600, 300).means(
    'How long an SMTP client may take for a command, or fall behind a trickle of 1 KiB a second within a message.',
  ),
  SMTP_DATA_TIMEOUT_SECONDS: wholeNumber(1, 86_400, 900).means('How long an SMTP client may take for a whole message.'),
  SMTP_PROXY_NETWORKS: networks.means(
    'Where proxies stand that begin each connection with a PROXY protocol header (version 1 or 2), such as `10.0.0.0/8,::1`; from there it must come, from elsewhere it is refused.',
  ),
  SMTP_TLS_KEY_FILE: optionalText.means(
    'Private key for STARTTLS, in PEM; goes with `SMTP_TLS_CERT_FILE`. Without the two, a certificate of its own making is offered.',
  ),
  SMTP_TLS_CERT_FILE: optionalText.means('Certificate chain for STARTTLS, in PEM.'),
  MAX_MESSAGE_BYTES: wholeNumber(64 * 1024, 150 * MIB, 30 * MIB).means('The largest mail we take (RFC 1870 SIZE).'),
  MAX_IMPORT_BYTES: wholeNumber(MIB, 1024 * 1024 * MIB, 50 * 1024 * MIB).means(
    'The largest file of mail that an import takes, also unpacked. Twice as much must be free where temporary files go.',
  ),
  OIDC_ISSUER: url('http', 'https').means(
    'The OpenID Connect issuer whose tokens are taken; without it a development issuer runs below `/realms/tidings`.',
  ),
  OIDC_AUDIENCE: text('account').means('What the `aud` of a token must name.'),
  OIDC_ADMIN_ROLE: text('tidings-admin').means('The realm role that makes an administrator.'),
  NODE_NAME: variable('1 to 100 visible characters', hostname(), (name) => (/^[!-~]{1,100}$/.test(name) ? name : undefined)).means(
    "Tells this node from others in leases and heartbeats; without it the host's name.",
  ),
  PRESENCE_TTL_SECONDS: wholeNumber(1, 3_600, 60).means(
    'How soon friends of who was connected to a node that died are told that they are gone.',
  ),
  PROCESSES: word('several', 'one').means(
    'Whether `serve` runs its groups of services in processes of their own, or all in one: less than half the memory and a quicker start, but what keeps one group busy keeps the others waiting.',
  ),
  LOG_LEVEL: word('info', 'trace', 'debug', 'warn', 'error', 'fatal', 'silent').means('The least that is logged.'),
  OTEL_EXPORTER_OTLP_ENDPOINT: url('http', 'https').means('Where traces go, by OTLP over HTTP; without it nowhere.'),
  EVENT_LOG: word<LogPlace['type']>('postgres', 'kurrentdb').means('What keeps the log: Postgres, or the KurrentDB at `KURRENTDB_URL`.'),
  KURRENTDB_URL: variable<string | null>('a URL like esdb://user:password@host:2113 or esdb+discover://…', null, (value) =>
    /^(esdb|kurrentdb)(\+discover)?:\/\/[^\s/]+\S*$/.test(value) ? value : undefined,
  ).means('The KurrentDB that keeps the log with `EVENT_LOG=kurrentdb`, and nothing else.'),
  NOTIFY_CLIENT_IDS: names('client ids with commas between them').means(
    'Applications (`azp` of their tokens) that may send custom notifications, beside administrators.',
  ),
  ...kafkaVariables,
  WEBHOOK_ALLOW_PRIVATE: flag(false).means(
    'Whether webhooks and push services may be at private, loopback and link-local addresses. Only for a network whose users you trust.',
  ),
  WEBHOOK_TIMEOUT_MS: wholeNumber(100, 60_000, 10_000).means('How long one call of a webhook or push service may take.'),
  WEBHOOK_RETRY_FIRST_MS: wholeNumber(10, 3_600_000, 1_000).means(
    'How soon a call that failed is made again; each further pause is twice as long, up to six hours.',
  ),
  WEBHOOK_RETRY_FOR_SECONDS: wholeNumber(1, 604_800, 172_800).means('How long a call that fails is repeated before it is a dead letter.'),
  WEB_PUSH_CONTACT: variable<string | null>('a mailto: or https: URL', null, (value) =>
    /^(mailto:\S+@\S+|https:\/\/\S+)$/.test(value) ? value : undefined,
  ).means('Whom push services may write to about us (RFC 8292); without it `postmaster` at the first of `MAIL_DOMAINS`.'),
  ...mailCheckVariables,
  ...blobVariables,
  ...mailOutVariables,
  ...gatewayOutVariables,
  ...gatewayVariables,
  ...openSearchVariables,
};

const Environment = t.type(variables);

export interface Config {
  readonly environment: 'development' | 'production';
  /** Absolute. */
  readonly dataDir: string;
  /** null: the embedded Postgres below `dataDir`, which the supervisor starts and hands to its children as `DATABASE_URL`. */
  readonly databaseUrl: string | null;
  readonly http: {
    readonly host: string;
    /** 0: any free one. */
    readonly port: number;
    /** How clients reach us when something stands in front; null: `http://localhost:<port>`. */
    readonly publicUrl: string | null;
    /** The one origin that browsers may call from; null: none but our own. */
    readonly corsOrigin: string | null;
    readonly rateLimits: RateLimits;
  };
  readonly smtp: {
    readonly host: string;
    /** 0: any free one. */
    readonly port: number;
    readonly maxMessageBytes: number;
    readonly maxRecipients: number;
    readonly maxSessions: number;
    readonly maxSessionsPerClient: number;
    /** In a minute. */
    readonly maxNewSessionsPerClient: number;
    readonly maxCommands: number;
    readonly maxErrors: number;
    readonly maxUnknownRecipients: number;
    readonly idleTimeoutMs: number;
    readonly dataTimeoutMs: number;
    /** In CIDR notation; from there each connection begins with a PROXY protocol header. */
    readonly proxyNetworks: readonly string[];
    /** null: a self-signed certificate. */
    readonly tls: { readonly keyFile: string; readonly certFile: string } | null;
  };
  /** Of a file of mail to be brought along. */
  readonly maxImportBytes: number;
  /** Lower-case; at least one. The first is the default. */
  readonly mailDomains: readonly string[];
  /** Of one mailbox, unless it has its own; null: without limit. */
  readonly mailboxQuotaBytes: number | null;
  /** How long mail lies in trash and spam, in milliseconds; null: until somebody empties it. */
  readonly keptMs: { readonly trash: number | null; readonly spam: number | null };
  /** Pictures that mails show from elsewhere are fetched for their readers. */
  readonly imageProxy: boolean;
  /** The name that MX records give. */
  readonly mailHost: string;
  readonly oidc: {
    /** null: the development issuer. */
    readonly issuer: string | null;
    readonly audience: string;
    readonly adminRole: string;
  };
  /** Applications that may send custom notifications. */
  readonly notifyClientIds: readonly string[];
  readonly kafka: KafkaSettings;
  readonly eventLog: LogPlace;
  /** null: Postgres finds what is searched. */
  readonly openSearch: OpenSearchSettings | null;
  /** Calls to webhooks and push services. */
  readonly outbound: {
    readonly allowPrivate: boolean;
    readonly timeoutMs: number;
    readonly retryFirstMs: number;
    readonly retryForMs: number;
    /** A `mailto:` or `https:` URL. */
    readonly pushContact: string;
  };
  readonly mailChecks: MailChecks;
  readonly blobs: BlobStorage;
  readonly mailOut: MailOut;
  /** Mail that tells of chat messages. */
  readonly gatewayOut: GatewayOut;
  readonly gateway: Gateway;
  /** Empty: the machine's own. */
  readonly dnsServers: readonly string[];
  /** Tells this node's processes from other nodes' in leases and heartbeats. */
  readonly nodeName: string;
  /** Whoever was connected to a node that died is told of as gone within this. */
  readonly presenceTtlMs: number;
  /** Whether the groups of services run in processes of their own, or all in one. */
  readonly processes: 'several' | 'one';
  readonly logLevel: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent';
  /** Serve `/ready` and `/metrics`. */
  readonly ops: boolean;
  readonly otlpEndpoint: string | null;
}

/** @returns the configuration, or every fault at once */
export const loadConfig = (env: Readonly<Record<string, string | undefined>>): E.Either<readonly string[], Config> => {
  const decoded = decode(Environment, Object.fromEntries(Object.keys(Environment.props).map((name) => [name, env[name]])));
  if (E.isLeft(decoded)) return E.left(decoded.left.map(({ path, message }) => `${path} ${message}${quoted(path, env[path])}`));
  const faults = contradictions(decoded.right);
  return faults.length > 0 ? E.left(faults) : E.right(toConfig(decoded.right));
};

/** The wrong value, where it cannot hold a secret. */
const quoted = (name: string, value: string | undefined): string =>
  value === undefined ||
  value.length > 80 ||
  name.endsWith('_URL') ||
  name.endsWith('_KEYS') ||
  name.endsWith('_CREDENTIALS') ||
  name.includes('SECRET')
    ? ''
    : ` (it is "${value}")`;

const contradictions = (env: t.TypeOf<typeof Environment>): readonly string[] => [
  ...((env.SMTP_TLS_KEY_FILE === null) === (env.SMTP_TLS_CERT_FILE === null)
    ? []
    : ['SMTP_TLS_KEY_FILE and SMTP_TLS_CERT_FILE must be set together']),
  ...blobFaults(env),
  ...kafkaFaults(env),
  ...mailOutFaults(env, env.MAIL_DOMAINS),
  ...(env.EVENT_LOG === 'kurrentdb' && env.KURRENTDB_URL === null ? ['KURRENTDB_URL must be set when EVENT_LOG is kurrentdb'] : []),
  ...gatewayFaults(env),
  ...(env.TIDINGS_ENV === 'production' && env.OIDC_ISSUER === null
    ? ['OIDC_ISSUER must be set when TIDINGS_ENV is production: the development issuer hands out tokens to anybody who asks']
    : []),
];

const daysOf = (days: number): number | null => (days === 0 ? null : days * 86_400_000);

const toConfig = (env: t.TypeOf<typeof Environment>): Config => ({
  environment: env.TIDINGS_ENV,
  dataDir: resolve(env.DATA_DIR),
  databaseUrl: env.DATABASE_URL,
  http: { host: env.HTTP_HOST, port: env.HTTP_PORT, publicUrl: env.PUBLIC_URL, corsOrigin: env.CORS_ORIGIN, rateLimits: env.RATE_LIMITS },
  smtp: {
    host: env.SMTP_HOST,
    port: env.SMTP_PORT,
    maxMessageBytes: env.MAX_MESSAGE_BYTES,
    maxRecipients: env.SMTP_MAX_RECIPIENTS,
    maxSessions: env.SMTP_MAX_SESSIONS,
    maxSessionsPerClient: env.SMTP_MAX_SESSIONS_PER_CLIENT,
    maxNewSessionsPerClient: env.SMTP_MAX_NEW_SESSIONS_PER_CLIENT,
    maxCommands: env.SMTP_MAX_COMMANDS,
    maxErrors: env.SMTP_MAX_ERRORS,
    maxUnknownRecipients: env.SMTP_MAX_UNKNOWN_RECIPIENTS,
    idleTimeoutMs: env.SMTP_IDLE_TIMEOUT_SECONDS * 1000,
    dataTimeoutMs: env.SMTP_DATA_TIMEOUT_SECONDS * 1000,
    proxyNetworks: env.SMTP_PROXY_NETWORKS,
    tls:
      env.SMTP_TLS_KEY_FILE === null || env.SMTP_TLS_CERT_FILE === null
        ? null
        : { keyFile: env.SMTP_TLS_KEY_FILE, certFile: env.SMTP_TLS_CERT_FILE },
  },
  maxImportBytes: env.MAX_IMPORT_BYTES,
  mailDomains: env.MAIL_DOMAINS,
  mailboxQuotaBytes: env.MAILBOX_QUOTA_BYTES === 0 ? null : env.MAILBOX_QUOTA_BYTES,
  keptMs: { trash: daysOf(env.TRASH_DAYS), spam: daysOf(env.SPAM_DAYS) },
  imageProxy: env.IMAGE_PROXY,
  mailHost: env.MAIL_HOST === '' ? `mail.${env.MAIL_DOMAINS[0] ?? 'localhost'}` : env.MAIL_HOST,
  oidc: { issuer: env.OIDC_ISSUER, audience: env.OIDC_AUDIENCE, adminRole: env.OIDC_ADMIN_ROLE },
  notifyClientIds: env.NOTIFY_CLIENT_IDS,
  kafka: kafkaOf(env),
  openSearch: openSearchOf(env),
  eventLog: { type: env.EVENT_LOG, kurrentdb: env.KURRENTDB_URL },
  outbound: {
    allowPrivate: env.WEBHOOK_ALLOW_PRIVATE,
    timeoutMs: env.WEBHOOK_TIMEOUT_MS,
    retryFirstMs: env.WEBHOOK_RETRY_FIRST_MS,
    retryForMs: env.WEBHOOK_RETRY_FOR_SECONDS * 1000,
    pushContact: env.WEB_PUSH_CONTACT ?? `mailto:postmaster@${env.MAIL_DOMAINS[0] ?? 'localhost'}`,
  },
  mailChecks: mailChecksOf(env),
  blobs: blobStorageOf(env),
  mailOut: mailOutOf(env, env.TIDINGS_ENV !== 'production'),
  gatewayOut: gatewayOutOf(env, env.MAIL_DOMAINS[0] ?? 'localhost'),
  gateway: gatewayOf(env, env.MAIL_DOMAINS),
  dnsServers: env.DNS_SERVERS,
  nodeName: env.NODE_NAME,
  presenceTtlMs: env.PRESENCE_TTL_SECONDS * 1000,
  processes: env.PROCESSES,
  logLevel: env.LOG_LEVEL,
  ops: env.OPS,
  otlpEndpoint: env.OTEL_EXPORTER_OTLP_ENDPOINT,
});
