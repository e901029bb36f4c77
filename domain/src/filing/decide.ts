/**
 * Where one mail goes in one mailbox, decided once. Filing works from an index that may have grown by the next try, so whoever comes
 * second takes the first answer from the state instead of being refused.
 */
import type { EmailId, MailboxId } from '@tidings/contracts/ids';
import { type Either, right } from 'fp-ts/lib/Either.js';
import { filingDecided, type FilingEvent } from './events.ts';
import type { FilingOutcome, State } from './state.ts';

export interface Command {
  readonly type: 'DecideFiling';
  readonly mailboxId: MailboxId;
  readonly emailId: EmailId;
  readonly outcome: FilingOutcome;
}

export const decide = (command: Command, state: State): Either<never, readonly FilingEvent[]> => {
  const { mailboxId, emailId, outcome } = command;
  return right(state.kind === 'open' ? [filingDecided({ mailboxId, emailId, outcome })] : []);
};
