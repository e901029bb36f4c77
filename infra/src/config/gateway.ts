/** Variables of the email gateway. Their names are the seed's where it has them. */
import { createPublicKey } from 'node:crypto';
import { list, names, optionalText, variable, wholeNumber, word } from './variable.ts';

const DOMAIN = /^(?=.{1,190}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;
const DAY_MS = 86_400_000;

/** Texts with commas between them; what is secret is shown nowhere. */
const secrets = variable<readonly string[]>('texts with commas between them', [], (value) =>
  value.split(',').flatMap((one) => (one.trim() === '' ? [] : [one.trim()])),
);

const isPublicKey = (text: string): boolean => {
  try {
    createPublicKey({ key: Buffer.from(text, 'base64'), format: 'der', type: 'spki' });
    return true;
  } catch {
    return false;
  }
};

export const gatewayVariables = {
  EMAIL_REPLY_DOMAIN: variable<string | null>('a domain name', null, (value) =>
    DOMAIN.test(value.toLowerCase()) ? value.toLowerCase() : undefined,
  ).means(
    'Where answers by mail go: `reply+TOKEN@` this. Its mail must come here (MX). Without it `inbox.` and the first of `MAIL_DOMAINS`.',
  ),
  EMAIL_REPLY_SECRET: optionalText.means(
    'What tokens of reply addresses are signed with; without it one is made at the first start and kept with the other keys.',
  ),
  EMAIL_REPLY_SECRETS_PREVIOUS: secrets.means('Secrets of before, with commas between them: tokens that were signed with them stay good.'),
  EMAIL_REPLY_TTL_DAYS: wholeNumber(1, 36_500, 365).means(
    'How long tokens of version 1 are good. Those of version 2 end with the conversation, or when they are revoked.',
  ),
  EMAIL_REPLY_TOKEN: word('v2', 'v1').means(
    'Which tokens are given out. `v2` is short, has no case, and is good for one recipient; `v1` is for systems that make or read tokens themselves. Both are taken.',
  ),
  EMAIL_GATEWAY_MAILBOX: variable<string | null>('an email address', null, (value) =>
    /^[^\s@]+@[^\s@]+$/.test(value) ? value : undefined,
  ).means(
    'Where mail to `EMAIL_REPLY_DOMAIN` goes that belongs to no conversation; without it `postmaster@` the first of `MAIL_DOMAINS`. Without such a mailbox it is refused.',
  ),
  EMAIL_REPLY_STRANGERS: word('hold', 'post').means(
    'What becomes of an answer whose author takes no part in the conversation: `hold` leaves it to a member, `post` posts it as of an unverified external.',
  ),
  EMAIL_HOURLY_LIMIT: wholeNumber(1, 1_000_000, 60).means(
    'How many mails of one author go into one conversation within an hour; more are taken for a loop and go no further.',
  ),
  EMAIL_INBOUND_MODE: word('smtp', 'webhook', 'imap').means(
    'How answers come in beside SMTP: `webhook` wants `EMAIL_WEBHOOK_SECRET`, `imap` an account whose mail is fetched.',
  ),
  EMAIL_WEBHOOK_SECRET: optionalText.means('What calls of `/gateway/inbound` are signed with; without it that door is closed.'),
  EMAIL_WEBHOOK_SECRETS_PREVIOUS: secrets.means('Secrets of before, with commas between them, that are still taken.'),
  EMAIL_POSTMARK_CREDENTIALS: variable<string | null>('user:password', null, (value) =>
    /^[^:]+:.+$/.test(value) ? value : undefined,
  ).means('What Postmark authenticates by at `/gateway/inbound/postmark`; without it that door is closed.'),
  EMAIL_SENDGRID_PUBLIC_KEY: variable<string | null>('a public key in base64, as SendGrid shows it', null, (value) =>
    isPublicKey(value) ? value : undefined,
  ).means("The key of the security policy that SendGrid's Inbound Parse is signed by; without it that door is closed."),
  EMAIL_MAILGUN_SIGNING_KEY: optionalText.means("Mailgun's HTTP webhook signing key; without it that door is closed."),
  EMAIL_SES_TOPICS: names('ARNs of SNS topics with commas between them', /^arn:[a-z0-9-]+:sns:[a-z0-9-]+:\d+:[\w.-]+$/i).means(
    'The SNS topics by which Amazon SES may bring mail; without one that door is closed.',
  ),
  EMAIL_IMAP_HOST: optionalText.means(
    'The IMAP server whose mail is fetched; mail in its inbox is marked as seen, and nothing is removed.',
  ),
  EMAIL_IMAP_PORT: wholeNumber(1, 65_535, 993).means('Its port.'),
  EMAIL_IMAP_TLS: word('implicit', 'starttls', 'none').means('How the connection is secured; `none` only within a network that you trust.'),
  EMAIL_IMAP_USER: optionalText.means('The account.'),
  EMAIL_IMAP_PASS: optionalText.means('Its password.'),
  EMAIL_IMAP_POLL_INTERVAL: wholeNumber(1_000, 86_400_000, 60_000).means(
    'How often it is looked at, in milliseconds, in case the server tells nothing by itself (IDLE).',
  ),
  EMAIL_TRUSTED_AUTHSERV_IDS: list('names with commas between them', [], /^[a-z0-9.-]{1,253}$/).means(
    'Servers whose `Authentication-Results` are believed in mail that is fetched by IMAP (RFC 8601). Without them, signatures are checked here.',
  ),
};

export interface Gateway {
  /** Lower-case. */
  readonly replyDomain: string;
  /** Null: made at the first start. */
  readonly replySecret: string | null;
  readonly previousSecrets: readonly string[];
  readonly replyTtlMs: number;
  readonly replyToken: 'v1' | 'v2';
  readonly mailbox: string;
  readonly strangers: 'hold' | 'post';
  readonly hourlyLimit: number;
  readonly inboundMode: 'smtp' | 'webhook' | 'imap';
  /** Null outside of IMAP mode. */
  readonly imap: {
    readonly host: string;
    readonly port: number;
    readonly tls: 'implicit' | 'starttls' | 'none';
    readonly user: string;
    readonly pass: string;
    readonly pollMs: number;
  } | null;
  readonly trustedAuthservIds: readonly string[];
  /** The present one first; none: the door is closed. */
  readonly webhookSecrets: readonly string[];
  readonly postmarkCredentials: string | null;
  readonly sendgridKey: string | null;
  readonly mailgunKey: string | null;
  readonly sesTopics: readonly string[];
}

type Values = { readonly [K in keyof typeof gatewayVariables]: (typeof gatewayVariables)[K]['fallback'] };

export const gatewayOf = (env: Values, mailDomains: readonly string[]): Gateway => ({
  replyDomain: env.EMAIL_REPLY_DOMAIN ?? `inbox.${mailDomains[0] ?? 'localhost'}`,
  replySecret: env.EMAIL_REPLY_SECRET,
  previousSecrets: env.EMAIL_REPLY_SECRETS_PREVIOUS,
  replyTtlMs: env.EMAIL_REPLY_TTL_DAYS * DAY_MS,
  replyToken: env.EMAIL_REPLY_TOKEN,
  mailbox: env.EMAIL_GATEWAY_MAILBOX ?? `postmaster@${mailDomains[0] ?? 'localhost'}`,
  strangers: env.EMAIL_REPLY_STRANGERS,
  hourlyLimit: env.EMAIL_HOURLY_LIMIT,
  inboundMode: env.EMAIL_INBOUND_MODE,
  imap:
    env.EMAIL_INBOUND_MODE === 'imap' && env.EMAIL_IMAP_HOST !== null && env.EMAIL_IMAP_USER !== null && env.EMAIL_IMAP_PASS !== null
      ? {
          ...{ host: env.EMAIL_IMAP_HOST, port: env.EMAIL_IMAP_PORT, tls: env.EMAIL_IMAP_TLS },
          ...{ user: env.EMAIL_IMAP_USER, pass: env.EMAIL_IMAP_PASS, pollMs: env.EMAIL_IMAP_POLL_INTERVAL },
        }
      : null,
  trustedAuthservIds: env.EMAIL_TRUSTED_AUTHSERV_IDS,
  webhookSecrets: env.EMAIL_WEBHOOK_SECRET === null ? [] : [env.EMAIL_WEBHOOK_SECRET, ...env.EMAIL_WEBHOOK_SECRETS_PREVIOUS],
  postmarkCredentials: env.EMAIL_POSTMARK_CREDENTIALS,
  sendgridKey: env.EMAIL_SENDGRID_PUBLIC_KEY,
  mailgunKey: env.EMAIL_MAILGUN_SIGNING_KEY,
  sesTopics: env.EMAIL_SES_TOPICS,
});

/** What does not go together. */
export const gatewayFaults = (env: Values): readonly string[] => [
  ...(env.EMAIL_INBOUND_MODE === 'imap' && [env.EMAIL_IMAP_HOST, env.EMAIL_IMAP_USER, env.EMAIL_IMAP_PASS].includes(null)
    ? ['EMAIL_IMAP_HOST, EMAIL_IMAP_USER and EMAIL_IMAP_PASS must be set when EMAIL_INBOUND_MODE is imap']
    : []),
  ...(env.EMAIL_INBOUND_MODE === 'webhook' && env.EMAIL_WEBHOOK_SECRET === null
    ? ['EMAIL_WEBHOOK_SECRET must be set when EMAIL_INBOUND_MODE is webhook']
    : []),
];
