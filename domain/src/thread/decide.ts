/** A conversation as the mailboxes that hold it keep it (mail-contract §1): filed emails, how far it is read, where each email lies. */
import type { EmailFiled, Imported, Keywords, Place, ThreadAccess } from '@tidings/contracts/events/thread';
import type { EmailId, LabelId, MailboxId, ThreadId, UserId } from '@tidings/contracts/ids';
import { type Either, left, right } from 'fp-ts/lib/Either.js';
import { chunksOf } from 'fp-ts/lib/ReadonlyArray.js';
import {
  emailFiled,
  emailKeywordsSet,
  emailsMoved,
  threadAssigned,
  type ThreadEvent,
  threadLabelled,
  threadRead,
  threadShared,
  threadStarred,
  threadUnassigned,
  threadUnshared,
} from './events.ts';
import { type Flags, type Move, movesFor } from './flags.ts';
import { leave, type LeavingCommand, type LeavingRejection } from './leaving.ts';
import { evolve, heldBy, holdersOf, type Holding, holds, keywordsOf, type State } from './state.ts';
import { takeOver, type TakeOver } from './taking-over.ts';

interface ByUser {
  readonly threadId: ThreadId;
  readonly mailboxId: MailboxId;
  readonly by: UserId;
}

export type EmailToFile = Omit<EmailFiled['data'], 'startsThread'>;

export type Command =
  /** Whether it starts the thread in this mailbox is decided here. `after` is the email for whose sake it belongs to the thread. */
  | { readonly type: 'FileEmail'; readonly email: EmailToFile; readonly after?: EmailId }
  /** Brought along together, each filed as the one before it left the thread. */
  | { readonly type: 'FileEmails'; readonly emails: readonly EmailToFile[] }
  /** Null makes the whole thread unread. */
  | ({ readonly type: 'MarkThreadRead'; readonly upTo: EmailId | null } & ByUser)
  | ({ readonly type: 'MoveEmails'; readonly emailIds: readonly EmailId[]; readonly place: Place } & ByUser)
  | ({ readonly type: 'SetThreadFlags'; readonly set: Flags } & ByUser)
  | ({ readonly type: 'SetKeywords'; readonly emailId: EmailId; readonly set: Keywords } & ByUser)
  /** Whether the mailbox has such a label is the labels' own to say. */
  | ({ readonly type: 'LabelThread'; readonly labelId: LabelId; readonly labelled: boolean } & ByUser)
  /** Whether they may take care of it is `may`'s to say. */
  | ({ readonly type: 'AssignThread'; readonly by: UserId } & OfUser)
  /** Null: by itself, as they may no longer. */
  | ({ readonly type: 'UnassignThread'; readonly by: UserId | null } & OfUser)
  /** `emails` are what it shall hold; what it does already stays as it is. More may follow by the same command. */
  | ({ readonly type: 'ShareThread'; readonly role: ThreadAccess; readonly emails: readonly SharedEmail[] } & ByUser)
  | ({ readonly type: 'UnshareThread' } & ByUser)
  | LeavingCommand
  | TakeOver;

/** An email of the thread as another mailbox gets it: without what the envelope said, which was not for it. */
export type SharedEmail = Omit<EmailToFile, 'threadId' | 'mailboxId' | 'envelope' | 'messageIdReused'>;

interface OfUser {
  readonly threadId: ThreadId;
  readonly userId: UserId;
}

export type Rejection =
  | { readonly type: 'NoSuchThread'; readonly threadId: ThreadId }
  | LeavingRejection
  /** It went on in this thread, with the email for whose sake this one was to come here. */
  | { readonly type: 'WentOn'; readonly threadId: ThreadId }
  | { readonly type: 'TooManyLabelsOnThread' }
  | { readonly type: 'TooManyAssignees' }
  /** The mailbox has it by itself, from nobody. */
  | { readonly type: 'ThreadIsItsOwn'; readonly mailboxId: MailboxId }
  | { readonly type: 'TooManyShares' };

/** On one thread of one mailbox. */
export const MOST_LABELS_ON_THREAD = 100;
export const MOST_ASSIGNEES = 50;
/** Every email is filed in each. */
export const MOST_SHARES = 20;

export const decide = (command: Command, state: State): Either<Rejection, readonly ThreadEvent[]> => {
  if (command.type === 'FileEmail') return fileUnlessGone(command, state);
  if (command.type === 'FileEmails') return right(fileInOrder(command.emails, state));
  if (command.type === 'DestroyEmails' || command.type === 'SplitThread') return leave(command, state);
  if (command.type === 'TakeOverThread') return right(takeOver(command, state));
  if (command.type === 'AssignThread' || command.type === 'UnassignThread') return assign(command, state);
  if (command.type === 'ShareThread' || command.type === 'UnshareThread') return share(command, state);
  const held = heldBy(state, command.mailboxId);
  if (held.emails.length === 0) return left({ type: 'NoSuchThread', threadId: command.threadId });

  const { threadId, mailboxId, by } = command;
  switch (command.type) {
    case 'MarkThreadRead': {
      if (command.upTo !== null && !holds(held, command.upTo)) return left({ type: 'NotInThread', emailId: command.upTo });
      const upTo = withImported(held, command.upTo);
      const asRead = upTo === held.readUpTo && held.emails.every(({ keywords }) => keywords.$seen === undefined);
      return right(asRead ? [] : [threadRead({ threadId, mailboxId, upTo, by })]);
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
    case 'SetKeywords': {
      const { emailId } = command;
      const email = held.emails.find((one) => one.emailId === emailId);
      if (email === undefined) return left({ type: 'NotInThread', emailId });
      const are = keywordsOf(held, email);
      const set = Object.fromEntries(KEYWORDS.flatMap((keyword) => changed(keyword, command.set[keyword], are[keyword])));
      return right(Object.keys(set).length === 0 ? [] : [emailKeywordsSet({ threadId, mailboxId, emailId, set, by })]);
    }
    case 'LabelThread': {
      const { labelId, labelled } = command;
      if (held.labels.has(labelId) === labelled) return right([]);
      if (labelled && held.labels.size >= MOST_LABELS_ON_THREAD) return left({ type: 'TooManyLabelsOnThread' });
      return right([threadLabelled({ threadId, mailboxId, labelId, labelled, by })]);
    }
  }
};

/** What was brought along and filed right behind is older than it looks from there: it is read too. */
const withImported = ({ emails }: Holding, upTo: EmailId | null): EmailId | null => {
  if (upTo === null) return null;
  const behind = emails.slice(emails.findIndex(({ emailId }) => emailId === upTo) + 1);
  const next = behind.findIndex(({ imported }) => !imported);
  return behind.slice(0, next < 0 ? behind.length : next).at(-1)?.emailId ?? upTo;
};

const KEYWORDS = ['$seen', '$flagged', '$answered', '$forwarded'] as const satisfies readonly (keyof Keywords)[];

const changed = <K extends keyof Keywords>(keyword: K, wanted: boolean | undefined, is: boolean): readonly (readonly [K, boolean])[] =>
  wanted === undefined || wanted === is ? [] : [[keyword, wanted]];

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

const file = (email: EmailToFile, held: Holding): readonly ThreadEvent[] => {
  if (holds(held, email.emailId) || held.gone.has(email.emailId)) return [];
  const imported = email.imported === undefined ? {} : { imported: withRoomFor(email.imported, held) };
  return [emailFiled({ ...email, ...imported, startsThread: held.emails.length === 0 })];
};

/** Only labels that the thread has not, and as many as it can take. */
const withRoomFor = (imported: Imported, { labels }: Holding): Imported => ({
  ...imported,
  labels: [...new Set(imported.labels)].filter((id) => !labels.has(id)).slice(0, Math.max(0, MOST_LABELS_ON_THREAD - labels.size)),
});

/** Once filed it is never filed again, wherever it went. */
const fileUnlessGone = (
  { email, after }: Extract<Command, { readonly type: 'FileEmail' }>,
  state: State,
): Either<Rejection, readonly ThreadEvent[]> => {
  const held = heldBy(state, email.mailboxId);
  const isKnown = holds(held, email.emailId) || held.gone.has(email.emailId);
  const wentOn = isKnown || after === undefined ? null : (held.gone.get(after) ?? null);
  return wentOn === null ? right(fileWithShares(email, state)) : left({ type: 'WentOn', threadId: wentOn });
};

const fileInOrder = (emails: readonly EmailToFile[], state: State): readonly ThreadEvent[] => {
  const filed: ThreadEvent[] = [];
  let then = state;
  for (const email of emails) {
    const events = fileWithShares(email, then);
    filed.push(...events);
    then = events.reduce(evolve, then);
  }
  return filed;
};

/**
 * What comes to one that may edit a shared thread comes to all; what comes to a viewer is its own affair. What is there already came to all that shared it
 * then, and whoever came later got it by sharing.
 */
const fileWithShares = (email: EmailToFile, state: State): readonly ThreadEvent[] => {
  const own = file(email, heldBy(state, email.mailboxId));
  if (own.length === 0) return own;
  const others = state.shares.get(email.mailboxId) === 'viewer' ? [] : othersWith(state, email.mailboxId);
  const copies = others.flatMap((mailboxId) => copyFor(mailboxId, email, state));
  return [...own, ...copies];
};

/** Those that share it with `mailbox`: owners that share nothing with each other have only the thread's name in common. */
const othersWith = (state: State, mailbox: MailboxId): readonly MailboxId[] => {
  const { shares } = state;
  const sharing = shares.has(mailbox) ? [...holdersOf(state), ...shares.keys()] : [...shares.keys()];
  return [...new Set(sharing)].filter((other) => other !== mailbox);
};

const copyFor = (mailboxId: MailboxId, email: SharedEmail & { readonly threadId: ThreadId }, state: State): readonly ThreadEvent[] => {
  const { threadId, emailId, blobId, bodyBlobId, size, direction, place, content, imported } = email;
  if (place === 'trash' || place === 'drafts') return [];
  const copy: EmailToFile = {
    ...{ threadId, mailboxId, emailId, blobId, bodyBlobId, size, direction, content, envelope: null, messageIdReused: false },
    place: place === 'spam' ? place : direction === 'in' ? 'inbox' : 'sent',
    // As old there as here, but what one mailbox made of it is no other's.
    ...(imported === undefined ? {} : { imported: { ...imported, keywords: { $seen: true }, starred: false, labels: [] } }),
  };
  return file(copy, heldBy(state, mailboxId));
};

const share = (
  command: Extract<Command, { readonly type: 'ShareThread' | 'UnshareThread' }>,
  state: State,
): Either<Rejection, readonly ThreadEvent[]> => {
  const { threadId, mailboxId, by } = command;
  const others = holdersOf(state).filter((holder) => holder !== mailboxId);
  const shared = state.shares.get(mailboxId);
  if (shared === undefined && heldBy(state, mailboxId).emails.length > 0) return left({ type: 'ThreadIsItsOwn', mailboxId });
  if (command.type === 'UnshareThread') {
    return right(shared === undefined ? [] : [threadUnshared({ threadId, mailboxId, heldBy: others, by })]);
  }
  if (others.length === 0) return left({ type: 'NoSuchThread', threadId });
  if (shared === undefined && state.shares.size >= MOST_SHARES) return left({ type: 'TooManyShares' });
  const { role, emails } = command;
  const told = threadShared({ threadId, mailboxId, role, assignees: [...state.assignees], heldBy: others, by });
  const filed: ThreadEvent[] = [];
  let then = state;
  for (const email of emails) {
    const events = copyFor(mailboxId, { ...email, threadId }, then);
    filed.push(...events);
    then = events.reduce(evolve, then);
  }
  // The emails first: whoever hears of the share finds the thread there.
  return right([...filed, ...(shared === role ? [] : [told])]);
};

/** Keeps an event well below `MAX_EVENT_BYTES`, however long the thread. */
const MOVED_PER_EVENT = 1000;

const moved = ({ threadId, mailboxId, by }: ByUser, moves: readonly Move[]): readonly ThreadEvent[] =>
  moves.flatMap(({ place, emailIds }) =>
    chunksOf(MOVED_PER_EVENT)(emailIds).map((chunk) => emailsMoved({ threadId, mailboxId, emailIds: chunk, place, by })),
  );
