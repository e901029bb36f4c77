/** What the peer hears when something stands in the way: reply code (RFC 5321 §4.2), enhanced status code (RFC 3463), words. */
import { BlobStoreUnavailable, BlobTooLarge } from '@tidings/contracts/ports/blob-store';
import { EventTooLarge, LogUnavailable, Overloaded } from '@tidings/contracts/ports/event-log';
import { TooManyConflicts } from '@tidings/infra/commands/create-commands';

export class Reply extends Error {
  override readonly name = 'Reply';
  /** smtp-server answers with it. */
  readonly responseCode: number;
  constructor(code: number, enhanced: string, words: string, cause?: unknown) {
    super(`${enhanced} ${words}`, cause === undefined ? undefined : { cause });
    this.responseCode = code;
  }
}

export const replies = {
  unknownRecipient: () => new Reply(550, '5.1.1', 'No such mailbox here'),
  blockedSender: () => new Reply(550, '5.7.1', 'This mailbox takes no mail from you'),
  overQuota: () => new Reply(452, '4.2.2', 'This mailbox is full, please try again later'),
  notOurDomain: () => new Reply(550, '5.7.1', 'We do not relay: that domain is not ours'),
  tooManyBadTokens: () => new Reply(421, '4.7.0', 'Too many reply addresses that are not good'),
  badRecipient: () => new Reply(501, '5.1.3', 'Bad recipient address syntax'),
  tooLarge: (max: number) => new Reply(552, '5.3.4', `Message exceeds ${max} bytes`),
  bareLineEnd: () => new Reply(550, '5.5.2', 'Bare CR or LF in the message: lines must end with CRLF (RFC 5321 section 2.3.8)'),
  lineTooLong: (max: number) => new Reply(500, '5.5.2', `Line too long, ${max} octets at most`),
  loop: () => new Reply(554, '5.4.6', 'Mail loop: too many Received headers'),
  tooManyRecipients: () => new Reply(452, '4.5.3', 'Too many recipients for one message, send the rest in another'),
  tryLater: (cause: unknown) => new Reply(451, '4.3.0', 'Cannot store mail just now, please try again', cause),
  tooManyUnknownRecipients: () => new Reply(421, '4.7.0', 'Too many unknown recipients'),
  full: () => new Reply(421, '4.3.2', 'Too many sessions, please try again later'),
  tooManyNewSessions: () => new Reply(421, '4.7.0', 'Too many new sessions from your address, please try again later'),
  tooManySessions: () => new Reply(421, '4.7.0', 'Too many sessions from your address, please try again later'),
} as const;

/** Any failure on the way as a reply: refusals stay, outages of ours become 451, so the peer keeps the mail and comes back. */
export const asReply = (error: unknown, maxBytes: number): Reply => {
  if (error instanceof Reply) return error;
  if (error instanceof BlobTooLarge) return replies.tooLarge(maxBytes);
  // Thousands of recipients may be allowed by configuration, yet not fit into one event.
  if (error instanceof EventTooLarge) return replies.tooManyRecipients();
  return replies.tryLater(error);
};

/** Outages are expected and told apart from faults of ours in the logs. */
export const isOutage = (error: unknown): boolean =>
  error instanceof BlobStoreUnavailable ||
  error instanceof LogUnavailable ||
  error instanceof Overloaded ||
  error instanceof TooManyConflicts;
