/** Variables of the email gateway. Their names are the seed's where it has them. */
import { optionalText, variable, wholeNumber, word } from './variable.ts';

const DOMAIN = /^(?=.{1,190}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;
const DAY_MS = 86_400_000;

/** Texts with commas between them; what is secret is shown nowhere. */
const secrets = variable<readonly string[]>('texts with commas between them', [], (value) =>
  value.split(',').flatMap((one) => (one.trim() === '' ? [] : [one.trim()])),
);

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
};

export interface Gateway {
  /** Lower-case. */
  readonly replyDomain: string;
  /** Null: made at the first start. */
  readonly replySecret: string | null;
  readonly previousSecrets: readonly string[];
  readonly replyTtlMs: number;
  readonly replyToken: 'v1' | 'v2';
}

type Values = { readonly [K in keyof typeof gatewayVariables]: (typeof gatewayVariables)[K]['fallback'] };

export const gatewayOf = (env: Values, mailDomains: readonly string[]): Gateway => ({
  replyDomain: env.EMAIL_REPLY_DOMAIN ?? `inbox.${mailDomains[0] ?? 'localhost'}`,
  replySecret: env.EMAIL_REPLY_SECRET,
  previousSecrets: env.EMAIL_REPLY_SECRETS_PREVIOUS,
  replyTtlMs: env.EMAIL_REPLY_TTL_DAYS * DAY_MS,
  replyToken: env.EMAIL_REPLY_TOKEN,
});
