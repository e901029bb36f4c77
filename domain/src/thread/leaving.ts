/**
 * Emails leave a thread of a mailbox: destroyed for ever, or split off together with all behind them into a thread of their own. Both tell what
 * lists show of the emails that stay. That is in their texts, which a thread does not remember: whoever asks brings it along, and says of which emails it is.
 */
import type { Remainder } from '@tidings/contracts/events/thread';
import type { EmailId, MailboxId, ThreadId, UserId } from '@tidings/contracts/ids';
import type { Sealed } from '@tidings/contracts/sealed';
import { type Either, left, right } from 'fp-ts/lib/Either.js';
import { chunksOf } from 'fp-ts/lib/ReadonlyArray.js';
import { emailsDestroyed, emailsSplitOff, type ThreadEvent } from './events.ts';
import { heldBy, type HeldEmail, holdersOf, type Holding, type State } from './state.ts';
import { threadSplitAt } from './stream.ts';

/** What stays of a thread in a mailbox. */
export interface Stays {
  readonly mailboxId: MailboxId;
  readonly emailIds: readonly EmailId[];
  /** Null when nothing does. */
  readonly remainder: Sealed<Remainder | null>;
}

export type LeavingCommand =
  /** Those in the trash or in spam; what lies elsewhere stays. `by` is null when their time is over. */
  | {
      readonly type: 'DestroyEmails';
      readonly threadId: ThreadId;
      readonly mailboxId: MailboxId;
      readonly emailIds: readonly EmailId[];
      readonly by: UserId | null;
      readonly stays: readonly Stays[];
    }
  /** At an email as this mailbox has it; in every mailbox that shares the thread. */
  | {
      readonly type: 'SplitThread';
      readonly threadId: ThreadId;
      readonly mailboxId: MailboxId;
      readonly emailId: EmailId;
      readonly by: UserId;
      readonly stays: readonly Stays[];
    };

export type LeavingRejection =
  | { readonly type: 'NotInThread'; readonly emailId: EmailId }
  | { readonly type: 'NotInTrash' }
  | { readonly type: 'SplitAtFirst' }
  | { readonly type: 'SplitAtDraft' }
  /** `stays` is no longer what stays: read again. */
  | { readonly type: 'ThreadMovedOn' };

/** Per mailbox what leaves. */
export type Leaving = ReadonlyMap<MailboxId, readonly HeldEmail[]>;

/** What of these emails can be destroyed. */
export const toDestroy = (
  { mailboxId, emailIds }: { readonly mailboxId: MailboxId; readonly emailIds: readonly EmailId[] },
  state: State,
): Either<LeavingRejection, Leaving> => {
  const held = heldBy(state, mailboxId);
  const asked = new Set(emailIds);
  const found = held.emails.filter(({ emailId }) => asked.has(emailId));
  const unknown = emailIds.find((id) => !held.gone.has(id) && !found.some(({ emailId }) => emailId === id));
  if (unknown !== undefined) return left({ type: 'NotInThread', emailId: unknown });
  const lying = found.filter(({ place }) => place === 'trash' || place === 'spam');
  if (lying.length === 0 && found.length > 0) return left({ type: 'NotInTrash' });
  return right(new Map(lying.length === 0 ? [] : [[mailboxId, lying]]));
};

/** What goes on in the thread that begins with this email; nothing once it does. */
export const toSplitOff = (
  { threadId, mailboxId, emailId }: { readonly threadId: ThreadId; readonly mailboxId: MailboxId; readonly emailId: EmailId },
  state: State,
): Either<LeavingRejection, Leaving> => {
  const held = heldBy(state, mailboxId);
  if (held.gone.get(emailId) === threadSplitAt(threadId, emailId)) return right(new Map());
  const at = held.emails.findIndex((email) => email.emailId === emailId);
  if (at < 0) return left({ type: 'NotInThread', emailId });
  if (at === 0) return left({ type: 'SplitAtFirst' });
  if (held.emails[at]?.place === 'drafts') return left({ type: 'SplitAtDraft' });
  const leaving = new Set(held.emails.slice(at).map((email) => email.emailId));
  return right(
    new Map(
      [...state.holdings].flatMap(([mailbox, theirs]) => {
        const some = from(theirs, emailId, leaving);
        return some.length === 0 ? [] : [[mailbox, some] as const];
      }),
    ),
  );
};

/** In their own order where they have the email; where they do not, what goes elsewhere goes there too. */
const from = ({ emails }: Holding, emailId: EmailId, leaving: ReadonlySet<EmailId>): readonly HeldEmail[] => {
  const at = emails.findIndex((email) => email.emailId === emailId);
  return at < 0 ? emails.filter((email) => leaving.has(email.emailId)) : emails.slice(at);
};

/** By mailbox the emails that stay when these leave, of the mailboxes that something leaves. */
export const staying = (leaving: Leaving, state: State): ReadonlyMap<MailboxId, readonly HeldEmail[]> =>
  new Map(
    [...leaving].map(([mailboxId, some]) => {
      const ids = new Set(some.map(({ emailId }) => emailId));
      return [mailboxId, heldBy(state, mailboxId).emails.filter(({ emailId }) => !ids.has(emailId))];
    }),
  );

export const leave = (command: LeavingCommand, state: State): Either<LeavingRejection, readonly ThreadEvent[]> => {
  const found = command.type === 'DestroyEmails' ? toDestroy(command, state) : toSplitOff(command, state);
  if (found._tag === 'Left') return found;
  const leaving = found.right;
  const stay = staying(leaving, state);
  const told = new Map(command.stays.map((one) => [one.mailboxId, one]));
  for (const [mailboxId, emails] of stay) {
    const ids = emails.map(({ emailId }) => emailId).join();
    if (told.get(mailboxId)?.emailIds.join() !== ids) return left({ type: 'ThreadMovedOn' });
  }
  const heldAfter = holdersOf(state).filter((mailboxId) => stay.get(mailboxId)?.length !== 0);
  return right(
    [...leaving].flatMap(([mailboxId, emails]) => {
      const { remainder = null } = told.get(mailboxId) ?? {};
      let left = heldBy(state, mailboxId).emails.length;
      return chunksOf(LEAVING_PER_EVENT)(emails).map((some) => {
        left -= some.length;
        const { threadId } = command;
        const emailIds = some.map(({ emailId }) => emailId);
        const bytes = some.reduce((sum, { size }) => sum + size, 0);
        const removal = { threadId, mailboxId, emailIds, bytes, left, remainder, heldBy: heldAfter };
        return command.type === 'DestroyEmails'
          ? emailsDestroyed({ ...removal, by: command.by })
          : emailsSplitOff({ ...removal, into: threadSplitAt(threadId, command.emailId), by: command.by });
      });
    }),
  );
};

/** Keeps an event well below `MAX_EVENT_BYTES`, however long the thread. */
const LEAVING_PER_EVENT = 1000;
