/**
 * A thread that goes on from another which was split: the emails, and what stood on them. It comes in parts, for a thread may be long, and each
 * part may come twice; once it is whole, nothing more comes over.
 */
import type { Keywords, ThreadAccess } from '@tidings/contracts/events/thread';
import type { EmailId, LabelId, MailboxId, ThreadId, UserId } from '@tidings/contracts/ids';
import { chunksOf } from 'fp-ts/lib/ReadonlyArray.js';
import {
  emailFiled,
  emailKeywordsSet,
  type ThreadEvent,
  threadAssigned,
  threadLabelled,
  threadRead,
  threadShared,
  threadSplitOff,
  threadStarred,
} from './events.ts';
import type { EmailToFile } from './decide.ts';
import type { Leaving } from './leaving.ts';
import { evolve, heldBy, holdersOf, type Holding, type State } from './state.ts';

/** What a mailbox did with the emails that come over. */
export interface MarksOver {
  readonly mailboxId: MailboxId;
  readonly readUpTo: EmailId | null;
  readonly starred: boolean;
  readonly labels: readonly LabelId[];
  readonly keywords: readonly { readonly emailId: EmailId; readonly set: Keywords }[];
}

export interface TakeOver {
  readonly type: 'TakeOverThread';
  readonly threadId: ThreadId;
  readonly from: ThreadId;
  readonly by: UserId;
  readonly emails: readonly EmailToFile[];
  readonly shares: readonly { readonly mailboxId: MailboxId; readonly role: ThreadAccess }[];
  readonly marks: readonly MarksOver[];
  readonly assignees: readonly UserId[];
  /** Nothing more is to come. */
  readonly isWhole: boolean;
}

export const takeOver = (command: TakeOver, state: State): readonly ThreadEvent[] => {
  if (state.splitOff) return [];
  const { threadId, from, by } = command;
  const events: ThreadEvent[] = [];
  let then = state;
  const add = (some: readonly ThreadEvent[]): void => {
    events.push(...some);
    then = some.reduce(evolve, then);
  };
  for (const email of command.emails) {
    const held = heldBy(then, email.mailboxId);
    const isThere = held.gone.has(email.emailId) || held.emails.some(({ emailId }) => emailId === email.emailId);
    add(isThere ? [] : [emailFiled({ ...email, startsThread: held.emails.length === 0 })]);
  }
  for (const { mailboxId, role } of command.shares) {
    const others = holdersOf(then).filter((holder) => holder !== mailboxId);
    add(then.shares.get(mailboxId) === role ? [] : [threadShared({ threadId, mailboxId, role, assignees: [], heldBy: others, by })]);
  }
  for (const marks of command.marks) {
    const here = { threadId, mailboxId: marks.mailboxId, by };
    if (heldBy(then, marks.mailboxId).emails.length === 0) continue;
    add(readOver(marks, heldBy(then, marks.mailboxId), here));
    // Reading takes back what was said of single emails, so that is looked at behind it.
    add(marksOver(marks, heldBy(then, marks.mailboxId), here));
  }
  const mailboxIds = holdersOf(then);
  const added = command.assignees.filter((userId) => mailboxIds.length > 0 && !then.assignees.has(userId));
  add([...new Set(added)].map((userId) => threadAssigned({ threadId, mailboxIds, userId, by })));
  add(command.isWhole ? [threadSplitOff({ threadId, from, mailboxIds, by })] : []);
  return events;
};

interface Here {
  readonly threadId: ThreadId;
  readonly mailboxId: MailboxId;
  readonly by: UserId;
}

const readOver = ({ readUpTo }: MarksOver, held: Holding, here: Here): readonly ThreadEvent[] =>
  readUpTo === held.readUpTo || !held.emails.some(({ emailId }) => emailId === readUpTo) ? [] : [threadRead({ ...here, upTo: readUpTo })];

const marksOver = ({ starred, labels, keywords }: MarksOver, held: Holding, here: Here): readonly ThreadEvent[] => {
  const emailOf = (id: EmailId) => held.emails.find(({ emailId }) => emailId === id);
  const has = (emailId: EmailId, keyword: keyof Keywords, value: boolean | undefined): boolean =>
    emailOf(emailId)?.keywords[keyword] === value;
  return [
    ...keywords.flatMap(({ emailId, set }) => {
      const all = (Object.keys(set) as (keyof Keywords)[]).every((keyword) => has(emailId, keyword, set[keyword])); // keys of a Keywords
      return all || emailOf(emailId) === undefined ? [] : [emailKeywordsSet({ ...here, emailId, set })];
    }),
    ...[...new Set(labels)].filter((id) => !held.labels.has(id)).map((labelId) => threadLabelled({ ...here, labelId, labelled: true })),
    ...(starred && !held.starred ? [threadStarred({ ...here, starred })] : []),
  ];
};

/** The marks that go over with these emails; a star only when it is younger than they are. */
export const marksToTakeOver = (leaving: Leaving, before: State): readonly MarksOver[] =>
  [...leaving].map(([mailboxId, emails]) => {
    const held = heldBy(before, mailboxId);
    const at = (id: EmailId | null): number => held.emails.findIndex(({ emailId }) => emailId === id);
    const isUpTo = (id: EmailId | null) => emails.findLast(({ emailId }) => at(emailId) <= at(id))?.emailId ?? null;
    return {
      mailboxId,
      readUpTo: isUpTo(held.readUpTo),
      starred: held.starred && isUpTo(held.starredAt) !== null,
      labels: [...held.labels],
      keywords: emails.filter(({ keywords }) => Object.keys(keywords).length > 0).map(({ emailId, keywords: set }) => ({ emailId, set })),
    };
  });

/** Emails of one append: well below what the log takes at once. */
const AT_ONCE = 50;
const MARKS_AT_ONCE = 200;

/** All that is to come over, in parts that the log takes; the last says that it is whole. */
export const takingOver = (
  base: Pick<TakeOver, 'threadId' | 'from' | 'by'>,
  emails: readonly EmailToFile[],
  marks: readonly MarksOver[],
  before: State,
): readonly TakeOver[] => {
  const nothing = { ...base, type: 'TakeOverThread', emails: [], shares: [], marks: [], assignees: [], isWhole: false } as const;
  const over = new Set(marks.map(({ mailboxId }) => mailboxId));
  const shares = [...before.shares].flatMap(([mailboxId, role]) => (over.has(mailboxId) ? [{ mailboxId, role }] : []));
  const manyMarks = marks.flatMap((one): readonly MarksOver[] => {
    const [first = [], ...more] = chunksOf(MARKS_AT_ONCE)(one.keywords);
    return [{ ...one, keywords: first }, ...more.map((keywords) => ({ ...one, keywords }))];
  });
  return [
    ...chunksOf(AT_ONCE)(emails).map((some) => ({ ...nothing, emails: some, shares })),
    ...manyMarks.map((one) => ({ ...nothing, marks: [one] })),
    { ...nothing, assignees: [...before.assignees], isWhole: true },
  ];
};
