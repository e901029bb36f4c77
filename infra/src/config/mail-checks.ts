/** Variables about what looks at incoming mail (mail-contract §4). */
import { flag, list, names, optionalText, url, wholeNumber } from './variable.ts';

const DOMAIN = /^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/;

export const mailCheckVariables = {
  MAIL_AUTH: flag(true).means('Whether SPF, DKIM, DMARC and ARC of incoming mail are checked, which asks DNS.'),
  ARC_TRUSTED_SEALERS: list('domain names with commas between them', [], DOMAIN).means(
    'Domains that forward mail to us (lists, other mailboxes of our people) and are believed when their ARC seal says that the author was checked.',
  ),
  DNS_SERVERS: names('addresses with commas between them, with a port if it is not 53', /^[0-9a-fA-F.:[\]]{2,60}$/).means(
    "The DNS servers to ask; without them the machine's own.",
  ),
  RSPAMD_URL: url('http', 'https').means('The rspamd (its worker for `/checkv2`) that judges incoming mail; without it none is judged.'),
  RSPAMD_PASSWORD: optionalText.means('The password that rspamd wants, if it wants one.'),
  CLAMD_URL: url('tcp', 'unix').means(
    'The clamd that scans incoming mail, such as `tcp://127.0.0.1:3310` or `unix:///run/clamav/clamd.ctl`.',
  ),
  MAIL_CHECK_TIMEOUT_MS: wholeNumber(100, 120_000, 10_000).means('How long rspamd, clamd or a webhook may take for one mail.'),
  MAIL_CHECK_RETRY_FIRST_MS: wholeNumber(10, 3_600_000, 5_000).means(
    'How soon a mail that no checker answered for is checked again; each further pause is twice as long, up to ten minutes.',
  ),
  MAIL_CHECK_HOLD_SECONDS: wholeNumber(1, 604_800, 172_800).means(
    'How long a mail waits for a checker that is down; then it is filed unchecked, and says so.',
  ),
};

/** What looks at incoming mail, and how long it is waited for. */
export interface MailChecks {
  readonly auth: boolean;
  readonly trustedSealers: readonly string[];
  readonly rspamd: { readonly url: string; readonly password: string | null } | null;
  readonly clamd: string | null;
  readonly timeoutMs: number;
  readonly retryFirstMs: number;
  readonly holdMs: number;
}

type Values = { readonly [K in keyof typeof mailCheckVariables]: (typeof mailCheckVariables)[K]['fallback'] };

export const mailChecksOf = (env: Values): MailChecks => ({
  auth: env.MAIL_AUTH,
  trustedSealers: env.ARC_TRUSTED_SEALERS,
  rspamd: env.RSPAMD_URL === null ? null : { url: env.RSPAMD_URL, password: env.RSPAMD_PASSWORD },
  clamd: env.CLAMD_URL,
  timeoutMs: env.MAIL_CHECK_TIMEOUT_MS,
  retryFirstMs: env.MAIL_CHECK_RETRY_FIRST_MS,
  holdMs: env.MAIL_CHECK_HOLD_SECONDS * 1000,
});
