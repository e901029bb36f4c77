/**
 * From a received mail's bytes to what is filed: read and checked at once; details and bodies are kept as a blob of their own that all mailboxes
 * share for which the verdict is the same.
 */
import type { EmailContent, EmailReceived, SpamVerdict } from '@tidings/contracts/events/email';
import type { BlobId, MailboxId } from '@tidings/contracts/ids';
import type { BlobStore } from '@tidings/contracts/ports/blob-store';
import { reveal } from '@tidings/contracts/sealed';
import { previewOf } from '@tidings/domain/mail/preview';
import { storeBodies, type Mime } from '@tidings/infra/mime/mime';
import { checkMail, mailToCheck, ruleMail, type Checkers, type Hold, type HookActions, type Patience, type Ruling } from './checks.ts';
import type { Reported, Reports } from './reports.ts';

export interface Understood {
  readonly content: EmailContent;
  readonly contentHash: string;
  /** By the mailboxes it is for. */
  readonly verdicts: ReadonlyMap<MailboxId, Verdict>;
  readonly fault: string | null;
}

/** `bodyBlobId` and `place` are where the mail goes if it is filed after all: an earlier try may have decided so. */
export interface Verdict {
  readonly hold: Hold | null;
  readonly droppedBy: string | null;
  readonly place: 'inbox' | 'spam' | 'archive' | 'trash';
  readonly bodyBlobId: BlobId | null;
  /** What webhooks want done with it once it is filed. */
  readonly actions: readonly HookActions[];
  /** It is a report on a mail that went out, and goes nowhere else. */
  readonly reported: Reported | null;
}

export interface UnderstandParts {
  readonly blobs: BlobStore;
  readonly mime: Mime;
  readonly checkers: Checkers;
  readonly reports: Reports;
}

/** @throws BlobStoreUnavailable, BlobNotFound; never for what is in the mail or what a checker does */
export const understand = async (email: EmailReceived['data'], parts: UnderstandParts, patience: Patience): Promise<Understood> => {
  const { blobs, mime, reports } = parts;
  const checkers = email.origin === 'internal' ? ofOurOwn(parts.checkers) : parts.checkers;
  const raw = await blobs.read(email.blobId);
  const mail = mailToCheck(email, raw);
  const [parsed, findings] = await Promise.all([mime.parse(raw), mail === null ? null : checkMail(checkers, mail, patience)]);
  const { details, opening, bodies, contentHash, fault } = parsed;
  const content = { ...parsed.content, preview: previewOf(opening) };

  /** Equal verdicts are stored once, without asking the store. */
  const stored = new Map<string, Promise<BlobId>>();
  const store = (spam: SpamVerdict | null): Promise<BlobId> => {
    const verdicts = {
      ...(findings?.authentication ? { authentication: findings.authentication } : {}),
      ...(spam === null ? {} : { spam }),
    };
    const key = JSON.stringify(verdicts);
    const storing = stored.get(key) ?? storeBodies(blobs, { details: { ...details, ...verdicts }, bodies });
    stored.set(key, storing);
    return storing;
  };
  const verdictFor = async (recipient: EmailReceived['data']['recipients'][number]): Promise<Verdict> => {
    const { mailboxId, envelope } = recipient;
    const reported = await reports.find({ email, recipient, raw, parsed, authentication: findings?.authentication ?? null });
    // Whoever it is from, it is about a mail of ours: nobody is asked whether it is wanted.
    if (reported !== null) return { ...PLAIN, reported };
    const shown = reveal(envelope, null);
    if (findings === null || mail === null || shown === null) return { ...PLAIN, bodyBlobId: await store(null) };
    const { authentication, spam } = findings;
    const { emailId, size } = email;
    const inbound = () => ({ emailId, mailboxId, size, raw, client: mail.client, recipients: shown.rcptTo, content, authentication, spam });
    return verdictOf(await ruleMail(checkers, findings, inbound, patience));
  };
  const verdictOf = async (ruling: Ruling): Promise<Verdict> => {
    if (ruling.type === 'hold') return { ...PLAIN, hold: ruling.hold };
    const spam = ruling.type === 'file' ? ruling.spam : (findings?.spam ?? null);
    const actions = ruling.type === 'file' ? ruling.actions : [];
    const place = spam?.verdict === 'spam' ? 'spam' : placeBy(actions);
    const bodyBlobId = await store(spam === null || isSilent(spam) ? null : spam);
    return { ...PLAIN, droppedBy: ruling.type === 'drop' ? ruling.by : null, place, bodyBlobId, actions };
  };
  const verdicts = await Promise.all(
    email.recipients.map(async (recipient) => [recipient.mailboxId, await verdictFor(recipient)] as const),
  );
  return { content, contentHash, verdicts: new Map(verdicts), fault };
};

const PLAIN: Verdict = { hold: null, droppedBy: null, place: 'inbox', bodyBlobId: null, reported: null, actions: [] };

const placeBy = (actions: readonly HookActions[]): Verdict['place'] => {
  if (actions.some(({ trashed }) => trashed)) return 'trash';
  return actions.some(({ archived }) => archived) ? 'archive' : 'inbox';
};

/** One of our mailboxes sent it, which was asked who it is then (collaborative inbox §1.8). */
const ofOurOwn = ({ virus, inbound }: Checkers): Checkers => ({
  ...(virus === undefined ? {} : { virus }),
  ...(inbound === undefined ? {} : { inbound }),
});

/** Says no more than its absence does. */
const isSilent = ({ verdict, score, reasons }: SpamVerdict): boolean => verdict === 'none' && score === null && reasons.length === 0;
