/**
 * Emails that leave a thread: destroyed, or split off into one of their own. What lists show of the emails that stay is in the log's texts, so it is
 * read first, and again should the thread have moved on meanwhile.
 */
import type { Recorded } from '@tidings/contracts/events/index';
import type { EmailFiled, EmailsSplitOff } from '@tidings/contracts/events/thread';
import { type CommandId, derivedId, type EmailId, type MailboxId, streamId, type ThreadId, type UserId } from '@tidings/contracts/ids';
import type { Position } from '@tidings/contracts/ports/event-log';
import {
  heldBy,
  type Leaving,
  marksToTakeOver,
  remainderOf,
  staying,
  type Stays,
  takingOver,
  thread,
  type ThreadCommand,
  threadKey,
  type ThreadRejection,
  threadSplitAt,
  type ThreadState,
  toDestroy,
  toSplitOff,
} from '@tidings/domain/thread/index';
import type { CommandContext } from '@tidings/infra/event-store/event-store';
import * as E from 'fp-ts/lib/Either.js';
import type { Platform } from './platform.ts';

type Parts = Pick<Platform, 'events' | 'commands'>;

/** Somebody else may change the thread between reading and deciding; so often in a row nobody does. */
const TRIES = 8;

interface OfMailbox {
  readonly threadId: ThreadId;
  readonly mailboxId: MailboxId;
}

export interface Left {
  /** How many emails went; none when they had gone before. */
  readonly emails: number;
  readonly position: Position;
}

/** Those of the emails that lie in the trash or in spam of the mailbox. `by` is null when their time is over. */
export const destroyEmails = async (
  parts: Parts,
  asked: OfMailbox & { readonly emailIds: readonly EmailId[]; readonly by: UserId | null },
  context: CommandContext,
): Promise<E.Either<ThreadRejection, Left>> =>
  leaveThread(
    parts,
    asked.threadId,
    (state) => toDestroy(asked, state),
    (stays) => ({ type: 'DestroyEmails', ...asked, stays }),
    context,
  );

export interface SplitOff {
  readonly into: ThreadId;
  /** Behind them all read models know of both threads. */
  readonly positions: readonly Position[];
}

/** The email and all behind it go on in a thread of their own. Whoever asks a second time is told the same. */
export const splitThread = async (
  parts: Parts,
  asked: OfMailbox & { readonly emailId: EmailId; readonly by: UserId },
  context: CommandContext,
): Promise<E.Either<ThreadRejection, SplitOff>> => {
  const decided = await leaveThread(
    parts,
    asked.threadId,
    (state) => toSplitOff(asked, state),
    (stays) => ({ type: 'SplitThread', ...asked, stays }),
    context,
  );
  if (E.isLeft(decided)) return decided;
  const into = threadSplitAt(asked.threadId, asked.emailId);
  return E.right({ into, positions: [decided.right.position, await completeSplit(parts, asked.threadId, into, context)] });
};

const leaveThread = async (
  { events, commands }: Parts,
  threadId: ThreadId,
  leavingIn: (state: ThreadState) => E.Either<ThreadRejection, Leaving>,
  commandOf: (stays: readonly Stays[]) => ThreadCommand,
  context: CommandContext,
): Promise<E.Either<ThreadRejection, Left>> => {
  for (let tried = 1; ; tried += 1) {
    const history = await events.readStream(streamId('thread', threadKey(threadId)));
    const state = stateOf(history);
    const leaving = leavingIn(state);
    if (E.isLeft(leaving)) return leaving;
    const command = commandOf(staysOf(history, leaving.right, state));
    const decided = await commands.transact(thread, threadKey(threadId), command, context);
    if (E.isLeft(decided) && decided.left.type === 'ThreadMovedOn' && tried < TRIES) continue;
    if (E.isLeft(decided)) return decided;
    const gone = decided.right.events.flatMap((event) => ('emailIds' in event.data ? event.data.emailIds : []));
    return E.right({ emails: gone.length, position: decided.right.position });
  }
};

/** What stays, with the texts that lists show of it. */
const staysOf = (history: readonly Recorded[], leaving: Leaving, state: ThreadState): readonly Stays[] => {
  const filed = filedIn(history);
  return [...staying(leaving, state)].map(([mailboxId, emails]) => ({
    mailboxId,
    emailIds: emails.map(({ emailId }) => emailId),
    remainder: remainderOf(emails.map(({ emailId, place }) => ({ place, content: filed(mailboxId, emailId).data.content }))),
  }));
};

/**
 * Brings over what was split off, with what stood on it. Everything follows from the log and each part is written once, so it may be done twice, and
 * at the same time: by who split the thread, and by `caretaker` should they not get to the end.
 */
export const completeSplit = async (parts: Parts, from: ThreadId, into: ThreadId, context: CommandContext): Promise<Position> => {
  const known = await parts.commands.load(thread, threadKey(into));
  if (known.state.splitOff) return known.position;
  const history = await parts.events.readStream(streamId('thread', threadKey(from)));
  const splits = history.filter((event) => isSplitInto(event, into));
  const [first] = splits;
  if (first === undefined) throw new Error(`${from} was never split into ${into}`);
  const before = stateOf(history.slice(0, history.indexOf(first)));
  const leaving: Leaving = new Map(
    [...Map.groupBy(splits, ({ data }) => data.mailboxId)].map(([mailboxId, some]) => {
      const ids = new Set(some.flatMap(({ data }) => data.emailIds));
      return [mailboxId, heldBy(before, mailboxId).emails.filter(({ emailId }) => ids.has(emailId))];
    }),
  );
  const filed = filedIn(history);
  const emails = [...leaving].flatMap(([mailboxId, some]) =>
    some.map(({ emailId, place }) => {
      const { data, recordedAt } = filed(mailboxId, emailId);
      const { blobId, bodyBlobId, size, direction, messageIdReused, envelope, content, movedFrom } = data;
      return {
        ...{ threadId: into, mailboxId, emailId, blobId, bodyBlobId, size, direction, place, messageIdReused, envelope, content },
        movedFrom: { threadId: from, cameAt: movedFrom?.cameAt ?? recordedAt },
      };
    }),
  );
  let { position } = known;
  const base = { threadId: into, from, by: first.data.by };
  for (const [at, command] of takingOver(base, emails, marksToTakeOver(leaving, before), before).entries()) {
    const commandId = derivedId<CommandId>('take over', from, into, String(at));
    const done = await parts.commands.transact(thread, threadKey(into), command, { ...context, commandId });
    if (E.isLeft(done)) throw new Error(`what was split off could not go on: ${done.left.type}`);
    ({ position } = done.right);
  }
  return position;
};

const isSplitInto = (event: Recorded, into: ThreadId): event is Recorded<EmailsSplitOff> =>
  event.type === 'EmailsSplitOff' && event.data.into === into;

const stateOf = (history: readonly Recorded[]): ThreadState =>
  // A thread's stream holds its own events, and `evolve` ignores those it does not know.
  history.reduce((state, event) => thread.evolve(state, event as Parameters<typeof thread.evolve>[1]), thread.initial);

/** The emails that a thread holds or held, each as it was filed there last. */
const filedIn = (history: readonly Recorded[]): ((mailboxId: MailboxId, emailId: EmailId) => Recorded<EmailFiled>) => {
  const filed = new Map(
    history.flatMap((event) => (event.type === 'EmailFiled' ? [[event.data.mailboxId + event.data.emailId, event] as const] : [])),
  );
  return (mailboxId, emailId) => {
    const event = filed.get(mailboxId + emailId);
    if (event === undefined) throw new Error(`${emailId} is in a thread in which it was never filed`);
    return event;
  };
};
