/** Variables about mail that tells of chat messages. Names as in the plugin that the gateway stands in for. */
import { flag, text, variable, wholeNumber } from './variable.ts';

const MIB = 1024 * 1024;
const ADDRESS =
  /^[!#-'*+/-9=?A-Z^-~-]+(\.[!#-'*+/-9=?A-Z^-~-]+)*@([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/i;

export const gatewayOutVariables = {
  EMAIL_OUTBOUND_ENABLED: flag(true).means(
    'Whether members of rooms are told of messages by mail, those who want it and those who take part by mail alone.',
  ),
  SMTP_FROM: variable<string | null>('an email address', null, (value) =>
    value.length <= 320 && ADDRESS.test(value) ? value.toLowerCase() : undefined,
  ).means(
    'The address that mail about chat messages comes from, under the name of who wrote; without it `noreply` at the first of `MAIL_DOMAINS`. What bounces finds its delivery where its domain is one of those.',
  ),
  SMTP_FROM_NAME: text('').means('The name of the service in such mail, and of the sender of digests; without it its domain.'),
  EMAIL_OUTBOUND_HOLD_SECONDS: wholeNumber(0, 86_400, 10).means(
    'How long a message waits before it goes out by mail, so that its author can still rewrite it or take it back.',
  ),
  EMAIL_DIGEST_EVERY_SECONDS: wholeNumber(0, 86_400, 0).means(
    'Digests go out so often, counted from midnight UTC, whatever their readers say, to try them out; `0` keeps to the times that each reader names.',
  ),
  EMAIL_ATTACHMENT_MAX_BYTES: wholeNumber(0, 20 * MIB, 5 * MIB).means(
    'Files up to this size go along with such mail; of larger ones a link does.',
  ),
  EMAIL_LINK_DAYS: wholeNumber(1, 3_650, 30).means('How long such a link works, as long as its message stands.'),
};

export interface GatewayOut {
  readonly enabled: boolean;
  /** In lower case. */
  readonly from: string;
  readonly fromName: string;
  readonly holdMs: number;
  /** Null: at the times of each reader. */
  readonly digestEveryMs: number | null;
  readonly attachmentMaxBytes: number;
  readonly linkMs: number;
}

type Values = { readonly [K in keyof typeof gatewayOutVariables]: (typeof gatewayOutVariables)[K]['fallback'] };

/** @param domain the first of ours */
export const gatewayOutOf = (env: Values, domain: string): GatewayOut => ({
  enabled: env.EMAIL_OUTBOUND_ENABLED,
  from: env.SMTP_FROM ?? `noreply@${domain}`,
  fromName: env.SMTP_FROM_NAME === '' ? domain : env.SMTP_FROM_NAME,
  holdMs: env.EMAIL_OUTBOUND_HOLD_SECONDS * 1000,
  digestEveryMs: env.EMAIL_DIGEST_EVERY_SECONDS === 0 ? null : env.EMAIL_DIGEST_EVERY_SECONDS * 1000,
  attachmentMaxBytes: env.EMAIL_ATTACHMENT_MAX_BYTES,
  linkMs: env.EMAIL_LINK_DAYS * 86_400_000,
});
