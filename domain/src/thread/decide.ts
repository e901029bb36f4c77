/** A conversation as the mailboxes that hold it keep it (mail-contract §1): filed emails, how far it is read, where each email lies. */
import type { EmailFiled, Place } from '@tidings/contracts/events/thread';
import type { EmailId, LabelId, MailboxId, ThreadId, UserId } from '@tidings/contracts/ids';
import { type Either, left, right } from 'fp-ts/lib/Either.js';
import { chunksOf } from 'fp-ts/lib/ReadonlyArray.js';
import {
  emailFiled,
  emailsMoved,
  threadAssigned,
  type ThreadEvent,
  threadLabelled,
  threadRead,
  threadStarred,
  threadUnassigned,
} from './events.ts';
import { type Flags, type Move, movesFor } from './flags.ts';
import { heldBy, holdersOf, type Holding, holds, type State } from './state.ts';

interface ByUser {
  readonly threadId: ThreadId;
  readonly mailboxId: MailboxId;
  readonly by: UserId;
}

export type EmailToFile = Omit<EmailFiled['data'], 'startsThread'>;

export type Command =
  /** Whether it starts the thread in this mailbox is decided here. */
  | { readonly type: 'FileEmail'; readonly email: EmailToFile }
  /** Null makes the whole thread unread. */
  | ({ readonly type: 'MarkThreadRead'; readonly upTo: EmailId | null } & ByUser)
  | ({ readonly type: 'MoveEmails'; readonly emailIds: readonly EmailId[]; readonly place: Place } & ByUser)
  | ({ readonly type: 'SetThreadFlags'; readonly set: Flags } & ByUser)
  /** Whether the mailbox has such a label is the labels' own to say. */
  | ({ readonly type: 'LabelThread'; readonly labelId: LabelId; readonly labelled: boolean } & ByUser)
  /** Whether they may take care of it is `may`'s to say. */
  | ({ readonly type: 'AssignThread'; readonly by: UserId } & OfUser)
  /** Null: by itself, as they may no longer. */
  | ({ readonly type: 'UnassignThread'; readonly by: UserId | null } & OfUser);

interface OfUser {
  readonly threadId: ThreadId;
  readonly userId: UserId;
}

export type Rejection =
  | { readonly type: 'NoSuchThread'; readonly threadId: ThreadId }
  | { readonly type: 'NotInThread'; readonly emailId: EmailId }
  | { readonly type: 'TooManyLabelsOnThread' }
  | { readonly type: 'TooManyAssignees' };

/** On one thread of one mailbox. */
export const MOST_LABELS_ON_THREAD = 100;
export const MOST_ASSIGNEES = 50;

export const decide = (command: Command, state: State): Either<Rejection, readonly ThreadEvent[]> => {
  if (command.type === 'FileEmail') return right(file(command.email, heldBy(state, command.email.mailboxId)));
  if (command.type === 'AssignThread' || command.type === 'UnassignThread') return assign(command, state);
  const held = heldBy(state, command.mailboxId);
  if (held.emails.length === 0) return left({ type: 'NoSuchThread', threadId: command.threadId });

  const { threadId, mailboxId, by } = command;
  switch (command.type) {
    case 'MarkThreadRead': {
      const { upTo } = command;
      if (upTo !== null && !holds(held, upTo)) return left({ type: 'NotInThread', emailId: upTo });
      return right(upTo === held.readUpTo ? [] : [threadRead({ threadId, mailboxId, upTo, by })]);
    }
    case 'MoveEmails': {
      const { place } = command;
      const placeOf = new Map(held.emails.map((email) => [email.emailId, email.place]));
      const unknown = command.emailIds.find((emailId) => !placeOf.has(emailId));
      if (unknown !== undefined) return left({ type: 'NotInThread', emailId: unknown });
      const emailIds = [...new Set(command.emailIds)].filter((emailId) => placeOf.get(emailId) !== place);
      return right(moved(command, [{ place, emailIds }]));
    }
    case 'SetThreadFlags': {
      const { set } = command;
      const star = set.starred !== undefined && set.starred !== held.starred;
      return right([
        ...(star ? [threadStarred({ threadId, mailboxId, starred: set.starred, by })] : []),
        ...moved(command, movesFor(held.emails, set)),
      ]);
    }
    case 'LabelThread': {
      const { labelId, labelled } = command;
      if (held.labels.has(labelId) === labelled) return right([]);
      if (labelled && held.labels.size >= MOST_LABELS_ON_THREAD) return left({ type: 'TooManyLabelsOnThread' });
      return right([threadLabelled({ threadId, mailboxId, labelId, labelled, by })]);
    }
  }
};

const assign = (
  command: Extract<Command, { readonly type: 'AssignThread' | 'UnassignThread' }>,
  state: State,
): Either<Rejection, readonly ThreadEvent[]> => {
  const { threadId, userId } = command;
  const mailboxIds = holdersOf(state);
  if (mailboxIds.length === 0) return left({ type: 'NoSuchThread', threadId });
  const isAssigned = state.assignees.has(userId);
  if (command.type === 'UnassignThread') {
    return right(isAssigned ? [threadUnassigned({ threadId, mailboxIds, userId, by: command.by })] : []);
  }
  if (isAssigned) return right([]);
  if (state.assignees.size >= MOST_ASSIGNEES) return left({ type: 'TooManyAssignees' });
  return right([threadAssigned({ threadId, mailboxIds, userId, by: command.by })]);
};

const file = (email: EmailToFile, held: Holding): readonly ThreadEvent[] =>
  holds(held, email.emailId) ? [] : [emailFiled({ ...email, startsThread: held.emails.length === 0 })];

/** Keeps an event well below `MAX_EVENT_BYTES`, however long the thread. */
const MOVED_PER_EVENT = 1000;

const moved = ({ threadId, mailboxId, by }: ByUser, moves: readonly Move[]): readonly ThreadEvent[] =>
  moves.flatMap(({ place, emailIds }) =>
    chunksOf(MOVED_PER_EVENT)(emailIds).map((chunk) => emailsMoved({ threadId, mailboxId, emailIds: chunk, place, by })),
  );
