/** One mail that came in. Its bytes are durable before this is asked, and the peer hears 250 after it is recorded. */
import type { BlobId, EmailId, ThreadId } from '@tidings/contracts/ids';
import { type Either, left, right } from 'fp-ts/lib/Either.js';
import { type EmailEvent, emailReceived } from './events.ts';
import type { State } from './state.ts';

export interface Command {
  readonly type: 'ReceiveEmail';
  readonly emailId: EmailId;
  readonly blobId: BlobId;
  readonly size: number;
  readonly recipients: EmailEvent['data']['recipients'];
  /** Absent from what came by SMTP. */
  readonly origin?: 'internal';
  /** Where it belongs, as far as its mailboxes own that thread. */
  readonly threadId?: ThreadId;
}

export type Rejection = { readonly type: 'EmailIdReused'; readonly emailId: EmailId };

export const decide = (command: Command, state: State): Either<Rejection, readonly EmailEvent[]> => {
  const { type: _, ...received } = command;
  const { emailId, blobId } = command;
  if (state.kind === 'none') return right([emailReceived(received)]);
  return state.blobId === blobId ? right([]) : left({ type: 'EmailIdReused', emailId });
};
