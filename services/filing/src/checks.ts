/**
 * What looks at a mail before it is filed (mail-contract §4): who sent it, whether it is spam or carries a virus, and what webhooks say. A checker
 * that is down holds the mail and loses nothing; after its time the mail is filed all the same, and says what nobody looked at.
 */
import type { Authentication, EmailContent, EmailReceived, SpamVerdict } from '@tidings/contracts/events/email';
import type { EmailId, MailboxId, UserId } from '@tidings/contracts/ids';
import type { MailAuthenticator, MailClient, SpamChecker, VirusScanner } from '@tidings/contracts/ports/mail-checks';
import { reveal } from '@tidings/contracts/sealed';

/** What is configured; each that is absent is not asked. */
export interface Checkers {
  readonly authenticator?: MailAuthenticator;
  readonly spam?: SpamChecker;
  readonly virus?: VirusScanner;
  readonly inbound?: InboundHooks;
}

/** What checkers know of a mail. */
export interface MailToCheck {
  readonly emailId: EmailId;
  readonly raw: Uint8Array;
  readonly client: MailClient;
  readonly recipients: readonly string[];
}

/** One mail for one mailbox, as a webhook is asked about it. */
export interface InboundMail {
  readonly emailId: EmailId;
  readonly mailboxId: MailboxId;
  readonly size: number;
  readonly raw: Uint8Array;
  readonly client: MailClient;
  readonly recipients: readonly string[];
  readonly content: EmailContent;
  readonly authentication: Authentication | null;
  readonly spam: SpamVerdict;
}
/** `spam` is null for who does not mind. */
export type InboundRuling = { readonly drop: string } | { readonly spam: boolean | null; readonly actions: readonly HookActions[] };

/** What one webhook wants done with a mail once it is filed, in the name of who registered it. */
export interface HookActions {
  readonly by: UserId;
  readonly labels: readonly string[];
  readonly assignTo: readonly UserId[];
  readonly read: boolean;
  readonly starred: boolean;
  readonly archived: boolean;
  readonly trashed: boolean;
}

export interface InboundHooks {
  /** Asks all of them. @throws CheckerUnavailable when one does not answer */
  ask(mail: InboundMail, signal: AbortSignal): Promise<InboundRuling>;
}

/** How long checkers may take, and whether the mail is filed whatever they say. */
export interface Patience {
  readonly ms: number;
  readonly lastChance: boolean;
}

/** What is known of a mail, whatever mailbox it is for. */
export interface MailFindings {
  readonly authentication: Authentication | null;
  readonly spam: SpamVerdict;
  /** It carries a virus, which no later opinion changes. */
  readonly infected: boolean;
  /** Null when everybody answered. */
  readonly hold: Hold | null;
}
export interface Hold {
  /** Which checker is waited for. */
  readonly step: string;
  readonly reason: string;
}

/** What to do with a mail in one mailbox. */
export type Ruling =
  | { readonly type: 'file'; readonly spam: SpamVerdict; readonly actions: readonly HookActions[] }
  | { readonly type: 'hold'; readonly hold: Hold }
  | { readonly type: 'drop'; readonly by: string };

const NOT_JUDGED: SpamVerdict = { verdict: 'none', score: null, reasons: [] };
const NOTHING: MailFindings = { authentication: null, spam: NOT_JUDGED, infected: false, hold: null };

/** Null once its mailboxes are erased: then nobody is asked. */
export const mailToCheck = ({ emailId, recipients }: EmailReceived['data'], raw: Uint8Array): MailToCheck | null => {
  const envelopes = recipients.flatMap(({ envelope }) => reveal(envelope, null) ?? []);
  const [first] = envelopes;
  if (first === undefined) return null;
  const { clientAddress: address, helo, mailFrom } = first;
  return { emailId, raw, client: { address, helo, mailFrom }, recipients: envelopes.flatMap(({ rcptTo }) => rcptTo) };
};

/** All at once: none needs to know what another found. */
export const checkMail = async ({ authenticator, spam, virus }: Checkers, mail: MailToCheck, patience: Patience): Promise<MailFindings> => {
  const { emailId: id, raw, client, recipients } = mail;
  const signal = AbortSignal.timeout(patience.ms);
  const [authentication, judged, scanned] = await Promise.all([
    authenticator?.authenticate(raw, client) ?? null,
    asked('rspamd', spam && (() => spam.check(raw, { ...client, recipients, id }, signal))),
    asked('clamd', virus && (() => virus.scan(raw, signal))),
  ]);
  const holds = [
    'hold' in judged ? judged.hold : judged.found?.type === 'later' ? { step: 'rspamd', reason: judged.found.reason } : null,
    'hold' in scanned ? scanned.hold : null,
  ].filter((hold) => hold !== null);
  const [hold] = holds;
  if (hold !== undefined && !patience.lastChance) return { ...NOTHING, authentication, hold };

  const spamFound = 'found' in judged && judged.found?.type === 'judged' ? judged.found : null;
  const virusFound = 'found' in scanned ? scanned.found : null;
  const infected = virusFound?.type === 'infected';
  const reasons = [
    ...(virusFound?.type === 'infected' ? [`virus: ${virusFound.name}`] : []),
    ...(virusFound?.type === 'unscanned' ? [unchecked('clamd', virusFound.reason)] : []),
    ...holds.map(({ step, reason }) => unchecked(step, reason)),
    ...(spamFound?.reasons ?? []),
  ];
  const isSpam = infected || spamFound?.spam === true;
  const verdict = isSpam ? 'spam' : spamFound === null ? 'none' : 'ham';
  return { authentication, spam: { verdict, score: spamFound?.score ?? null, reasons }, infected, hold: null };
};

/** What webhooks say about it in one mailbox, on top of what is known of the mail. */
export const ruleMail = async (
  { inbound }: Checkers,
  findings: MailFindings,
  mail: () => InboundMail,
  patience: Patience,
): Promise<Ruling> => {
  if (findings.hold !== null) return { type: 'hold', hold: findings.hold };
  const answer = await asked('webhook', inbound && (() => inbound.ask(mail(), AbortSignal.timeout(patience.ms))));
  if ('hold' in answer) {
    if (!patience.lastChance) return { type: 'hold', hold: answer.hold };
    const { spam } = findings;
    return { type: 'file', spam: { ...spam, reasons: [...spam.reasons, unchecked(answer.hold.step, answer.hold.reason)] }, actions: [] };
  }
  if (answer.found === null) return { type: 'file', spam: findings.spam, actions: [] };
  if ('drop' in answer.found) return { type: 'drop', by: answer.found.drop };
  const { actions } = answer.found;
  const opinion = findings.infected ? null : answer.found.spam;
  return { type: 'file', spam: opinion === null ? findings.spam : { ...findings.spam, verdict: opinion ? 'spam' : 'ham' }, actions };
};

const unchecked = (step: string, reason: string): string => `unchecked: ${step}: ${reason}`;

/** Whatever goes wrong with a checker holds the mail; nothing it does may stop filing as a whole. */
const asked = async <A>(
  step: string,
  ask: (() => Promise<A>) | undefined,
): Promise<{ readonly found: A | null } | { readonly hold: Hold }> => {
  if (ask === undefined) return { found: null };
  try {
    return { found: await ask() };
  } catch (error) {
    return { hold: { step, reason: (error instanceof Error ? error.message : String(error)).slice(0, 500) } };
  }
};
