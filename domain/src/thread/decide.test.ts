import { describe, expect, it } from 'vitest';
import * as E from 'fp-ts/lib/Either.js';
import { specify } from '../testing/given.ts';
import { alice, blobNo, bob, emailNo, importNo, labelNo, mailboxNo, threadNo, userNo } from '../testing/people.ts';
import {
  emailFiled,
  emailKeywordsSet,
  emailsDestroyed,
  emailsMoved,
  emailsSplitOff,
  threadAssigned,
  threadLabelled,
  threadRead,
  threadShared,
  threadSplitOff,
  threadStarred,
  threadUnassigned,
  threadUnshared,
} from './events.ts';
import type { Flags } from './flags.ts';
import { type EmailToFile, marksToTakeOver, takingOver, thread, type ThreadCommand, threadSplitAt, toSplitOff } from './index.ts';
import { SHREDDED } from '@tidings/contracts/sealed';
import { timestamp } from '@tidings/contracts/time';
import type { Place } from '@tidings/contracts/events/thread';

const given = specify(thread);
const [mine, theirs] = [mailboxNo(1), mailboxNo(2)];
const here = { threadId: threadNo(1), mailboxId: mine, by: alice };

const mail = (n: number, change: Partial<EmailToFile> = {}): EmailToFile => ({
  threadId: threadNo(1),
  mailboxId: mine,
  emailId: emailNo(n),
  blobId: blobNo(n),
  bodyBlobId: blobNo(100 + n),
  size: 10,
  direction: 'in',
  place: 'inbox',
  messageIdReused: false,
  envelope: null,
  content: SHREDDED,
  ...change,
});
const file = (email: EmailToFile): ThreadCommand => ({ type: 'FileEmail', email });
const first = emailFiled({ ...mail(1), startsThread: true });
const second = emailFiled({ ...mail(2), startsThread: false });
const ours = emailFiled({ ...mail(3, { direction: 'out', place: 'sent' }), startsThread: false });
const draft = emailFiled({ ...mail(4, { direction: 'out', place: 'drafts' }), startsThread: false });

describe('filing', () => {
  it('starts the thread with the first email of each mailbox', () => {
    given()
      .when(file(mail(1)))
      .then(first);
    given(first)
      .when(file(mail(2)))
      .then(second);
    given(first)
      .when(file(mail(1, { mailboxId: theirs })))
      .then(emailFiled({ ...mail(1, { mailboxId: theirs }), startsThread: true }));
  });

  it('files an email once per mailbox', () => {
    given(first)
      .when(file(mail(1)))
      .thenNothing();
    given(first)
      .when(file(mail(1, { place: 'spam' })))
      .thenNothing();
  });

  it('files several in order, each as the one before it left the thread, and only those that are not there', () => {
    given()
      .when({ type: 'FileEmails', emails: [mail(1), mail(2), mail(1)] })
      .then(first, second);
    given(first)
      .when({ type: 'FileEmails', emails: [mail(1), mail(2)] })
      .then(second);
    given(first, second)
      .when({ type: 'FileEmails', emails: [mail(1), mail(2)] })
      .thenNothing();
  });
});

const read = (upTo: ReturnType<typeof emailNo> | null): ThreadCommand => ({ type: 'MarkThreadRead', ...here, upTo });

describe('reading', () => {
  it('is up to an email, and back to nothing', () => {
    given(first, second)
      .when(read(emailNo(1)))
      .then(threadRead({ ...here, upTo: emailNo(1) }));
    given(first, second, threadRead({ ...here, upTo: emailNo(2) }))
      .when(read(emailNo(2)))
      .thenNothing();
    given(first, threadRead({ ...here, upTo: emailNo(1) }))
      .when(read(null))
      .then(threadRead({ ...here, upTo: null }));
    given(first).when(read(null)).thenNothing();
  });

  it('needs an email of this thread in this mailbox', () => {
    given(first)
      .when(read(emailNo(9)))
      .thenRejected({ type: 'NotInThread', emailId: emailNo(9) });
    given().when(read(null)).thenRejected({ type: 'NoSuchThread' });
    given(emailFiled({ ...mail(1, { mailboxId: theirs }), startsThread: true }))
      .when(read(null))
      .thenRejected({ type: 'NoSuchThread' });
  });
});

describe('moving', () => {
  it('moves what is not there yet, in this mailbox only', () => {
    const move: ThreadCommand = { type: 'MoveEmails', ...here, emailIds: [emailNo(1), emailNo(2), emailNo(2)], place: 'archive' };
    const archived = emailsMoved({ ...here, emailIds: [emailNo(1)], place: 'archive' });
    given(first, second, archived)
      .when(move)
      .then(emailsMoved({ ...here, emailIds: [emailNo(2)], place: 'archive' }));
    given(first)
      .when(move)
      .thenRejected({ type: 'NotInThread', emailId: emailNo(2) });
    const theirCopy = emailFiled({ ...mail(1, { mailboxId: theirs }), startsThread: true });
    const state = [first, theirCopy, archived].reduce(thread.evolve, thread.initial);
    expect([mine, theirs].map((each) => state.holdings.get(each)?.emails[0]?.place)).toEqual(['archive', 'inbox']);
  });

  it('keeps each event small in a thread of thousands', () => {
    const emails = Array.from({ length: 2500 }, (_, n) => emailFiled({ ...mail(n), startsThread: n === 0 }));
    const decided = thread.decide(
      { type: 'SetThreadFlags', ...here, set: { trashed: true } },
      emails.reduce(thread.evolve, thread.initial),
    );
    const sizes = E.isRight(decided) ? decided.right.map((event) => (event.type === 'EmailsMoved' ? event.data.emailIds.length : 0)) : [];
    expect(sizes).toEqual([1000, 1000, 500]);
  });
});

const flag = (set: Flags): ThreadCommand => ({ type: 'SetThreadFlags', ...here, set });
const moved = (place: Place, ...emails: number[]) => emailsMoved({ ...here, emailIds: emails.map(emailNo), place });

describe('flags', () => {
  const all = [first, second, ours, draft] as const;

  it('stars a thread', () => {
    given(first)
      .when(flag({ starred: true }))
      .then(threadStarred({ ...here, starred: true }));
    given(first)
      .when(flag({ starred: false }))
      .thenNothing();
    given(first, threadStarred({ ...here, starred: true }))
      .when(flag({ starred: true }))
      .thenNothing();
  });

  it('archives what is in the inbox', () => {
    given(...all)
      .when(flag({ archived: true }))
      .then(moved('archive', 1, 2));
    given(...all, moved('archive', 1, 2))
      .when(flag({ archived: false }))
      .then(moved('inbox', 1, 2));
  });

  it('trashes and marks as spam all but drafts', () => {
    given(...all)
      .when(flag({ trashed: true }))
      .then(moved('trash', 1, 2, 3));
    given(...all)
      .when(flag({ spam: true }))
      .then(moved('spam', 1, 2, 3));
  });

  it('restores to inbox or sent, by direction', () => {
    given(...all, moved('trash', 1, 2, 3))
      .when(flag({ trashed: false }))
      .then(moved('inbox', 1, 2), moved('sent', 3));
    given(...all, moved('spam', 1, 2, 3))
      .when(flag({ spam: false }))
      .then(moved('inbox', 1, 2), moved('sent', 3));
  });

  it('takes back before it sets, and trash wins', () => {
    given(first, moved('trash', 1))
      .when(flag({ trashed: false, archived: true }))
      .then(moved('archive', 1));
    given(first)
      .when(flag({ archived: true, spam: true, trashed: true }))
      .then(moved('trash', 1));
    given(first, moved('trash', 1))
      .when(flag({ spam: true }))
      .thenNothing();
    given(first, moved('trash', 1))
      .when(flag({ archived: false, spam: false }))
      .thenNothing();
  });

  it('does several things at once', () => {
    given(first, second)
      .when(flag({ starred: true, archived: true }))
      .then(threadStarred({ ...here, starred: true }), moved('archive', 1, 2));
  });
});

describe('labels', () => {
  const label = (n: number, labelled = true): ThreadCommand => ({ type: 'LabelThread', ...here, labelId: labelNo(n), labelled });
  const labelled = (n: number, on = true) => threadLabelled({ ...here, labelId: labelNo(n), labelled: on });

  it('are put on and taken off', () => {
    given(first).when(label(1)).then(labelled(1));
    given(first, labelled(1)).when(label(1)).thenNothing();
    given(first, labelled(1)).when(label(1, false)).then(labelled(1, false));
    given(first).when(label(1, false)).thenNothing();
    given().when(label(1)).thenRejected({ type: 'NoSuchThread' });
  });

  it('are so many at most', () => {
    const many = Array.from({ length: 100 }, (_, n) => labelled(n));
    given(first, ...many)
      .when(label(100))
      .thenRejected({ type: 'TooManyLabelsOnThread' });
  });
});

describe('assignment', () => {
  const who = { threadId: threadNo(1), userId: bob };
  const both = [mine, theirs];
  const theirCopy = emailFiled({ ...mail(1, { mailboxId: theirs }), startsThread: true });

  it('is of the thread, for all mailboxes that hold it', () => {
    const assigned = threadAssigned({ ...who, mailboxIds: both, by: alice });
    given(first, theirCopy)
      .when({ type: 'AssignThread', ...who, by: alice })
      .then(assigned);
    given(first, theirCopy, assigned)
      .when({ type: 'AssignThread', ...who, by: alice })
      .thenNothing();
    given(first, theirCopy, assigned)
      .when({ type: 'UnassignThread', ...who, by: null })
      .then(threadUnassigned({ ...who, mailboxIds: both, by: null }));
    given(first)
      .when({ type: 'UnassignThread', ...who, by: alice })
      .thenNothing();
    given()
      .when({ type: 'AssignThread', ...who, by: alice })
      .thenRejected({ type: 'NoSuchThread' });
  });

  it('is of so many people at most', () => {
    const many = Array.from({ length: 50 }, (_, n) => threadAssigned({ ...who, userId: userNo(n + 10), mailboxIds: [mine], by: alice }));
    given(first, ...many)
      .when({ type: 'AssignThread', ...who, by: alice })
      .thenRejected({ type: 'TooManyAssignees' });
  });
});

describe('sharing', () => {
  const toThem = { threadId: threadNo(1), mailboxId: theirs, by: alice };
  const part = (n: number, change: Partial<EmailToFile> = {}) => {
    const { threadId: _thread, mailboxId: _mailbox, envelope: _envelope, messageIdReused: _reused, ...email } = mail(n, change);
    return email;
  };
  const share = (role: 'viewer' | 'editor', ...emails: ReturnType<typeof part>[]): ThreadCommand => ({
    type: 'ShareThread',
    ...toThem,
    role,
    emails,
  });
  const shared = (role: 'viewer' | 'editor') => threadShared({ ...toThem, role, assignees: [], heldBy: [mine] });
  const copy = (n: number, change: Partial<EmailToFile> = {}, startsThread = n === 1) =>
    emailFiled({ ...mail(n, { mailboxId: theirs, ...change }), startsThread });
  const unshared = threadUnshared({ ...toThem, heldBy: [mine] });

  it('files what there is in the other mailbox, where mail begins', () => {
    const filedThere = [copy(1), copy(3, { direction: 'out', place: 'sent' }), shared('viewer')] as const;
    given(first, ours)
      .when(share('viewer', part(1, { place: 'archive' }), part(3, { direction: 'out', place: 'sent' }), part(5, { place: 'trash' })))
      .then(...filedThere);
    given(first, shared('viewer'), copy(1))
      .when(share('viewer', part(1)))
      .thenNothing();
    given(first, shared('viewer'), copy(1))
      .when(share('editor', part(1)))
      .then(shared('editor'));
    given(first, copy(1)).when(share('viewer')).thenRejected({ type: 'ThreadIsItsOwn' });
    given().when(share('viewer')).thenRejected({ type: 'NoSuchThread' });
  });

  it('files what comes later in all mailboxes, but not what comes to a viewer', () => {
    given(first, shared('editor'), copy(1))
      .when(file(mail(2)))
      .then(second, copy(2));
    given(first, shared('editor'), copy(1))
      .when(file(mail(2, { mailboxId: theirs })))
      .then(copy(2), second);
    given(first, shared('viewer'), copy(1))
      .when(file(mail(2, { mailboxId: theirs })))
      .then(copy(2));
    given(first, shared('viewer'), copy(1))
      .when(file(mail(2, { place: 'spam' })))
      .then(emailFiled({ ...mail(2, { place: 'spam' }), startsThread: false }), copy(2, { place: 'spam' }));
  });

  it('files nothing anew in the other mailboxes when emails come again', () => {
    const batch = { type: 'FileEmails', emails: [mail(1, { mailboxId: theirs }), mail(2)] } as const;
    const filed = [copy(1), emailFiled({ ...mail(2), startsThread: true }), copy(2)] as const;
    given(shared('editor'))
      .when(batch)
      .then(...filed);
    given(shared('editor'), ...filed)
      .when(batch)
      .thenNothing();
  });

  it('ends with nothing left there', () => {
    given(first, shared('editor'), copy(1))
      .when({ type: 'UnshareThread', ...toThem })
      .then(unshared);
    given(first, shared('editor'), copy(1), unshared)
      .when({ type: 'UnshareThread', ...toThem })
      .thenNothing();
    given(first, shared('editor'), copy(1), unshared)
      .when(file(mail(2)))
      .then(second);
    given(first)
      .when({ type: 'UnshareThread', ...toThem, mailboxId: mine })
      .thenRejected({ type: 'ThreadIsItsOwn' });
  });
});

describe('keywords', () => {
  const mark = (n: number, set: { readonly $seen?: boolean; readonly $flagged?: boolean }): ThreadCommand => ({
    type: 'SetKeywords',
    ...here,
    emailId: emailNo(n),
    set,
  });
  const marked = (n: number, set: { readonly $seen?: boolean; readonly $flagged?: boolean }) =>
    emailKeywordsSet({ ...here, emailId: emailNo(n), set });
  const readAll = threadRead({ ...here, upTo: emailNo(2) });

  it('are set where they are not yet', () => {
    given(first)
      .when(mark(1, { $flagged: true, $seen: false }))
      .then(marked(1, { $flagged: true }));
    given(first, marked(1, { $flagged: true }))
      .when(mark(1, { $flagged: true }))
      .thenNothing();
    given(first)
      .when(mark(9, { $flagged: true }))
      .thenRejected({ type: 'NotInThread', emailId: emailNo(9) });
    given(first, ours)
      .when(mark(3, { $seen: true }))
      .thenNothing();
  });

  it('make exceptions to how far the thread is read, until that changes', () => {
    given(first, second, readAll)
      .when(mark(1, { $seen: true }))
      .thenNothing();
    given(first, second, readAll)
      .when(mark(1, { $seen: false }))
      .then(marked(1, { $seen: false }));
    given(first, second, readAll, marked(1, { $seen: false }))
      .when(read(emailNo(2)))
      .then(readAll);
    given(first, second, readAll, marked(1, { $seen: false, $flagged: true }), readAll)
      .when(mark(1, { $seen: true, $flagged: true }))
      .thenNothing();
  });
});

const stays = (mailboxId: typeof mine, ...emails: number[]) => ({ mailboxId, emailIds: emails.map(emailNo), remainder: SHREDDED });
const removal = (mailboxId: typeof mine, emails: number[], left: number, heldBy = [mine]) => ({
  ...{ threadId: threadNo(1), mailboxId, emailIds: emails.map(emailNo), bytes: 10 * emails.length, left, remainder: SHREDDED, heldBy },
});

describe('destroying', () => {
  const destroy = (emails: number[], ...left: ReturnType<typeof stays>[]): ThreadCommand => ({
    ...{ type: 'DestroyEmails', ...here, emailIds: emails.map(emailNo), stays: left },
  });
  const destroyed = (emails: number[], left: number, heldBy = left > 0 ? [mine] : []) =>
    emailsDestroyed({ ...removal(mine, emails, left, heldBy), by: alice });

  it('is for what lies in the trash or in spam, and tells what stays', () => {
    given(first, second)
      .when(destroy([1]))
      .thenRejected({ type: 'NotInTrash' });
    given(first)
      .when(destroy([9]))
      .thenRejected({ type: 'NotInThread', emailId: emailNo(9) });
    given(first, second, moved('trash', 1))
      .when(destroy([1, 2], stays(mine, 2)))
      .then(destroyed([1], 1));
    given(first, second, moved('spam', 1, 2))
      .when(destroy([1, 2], stays(mine)))
      .then(destroyed([1, 2], 0));
  });

  it('is decided on what stays, and reads again when that changed', () => {
    given(first, second, moved('trash', 1))
      .when(destroy([1], stays(mine)))
      .thenRejected({ type: 'ThreadMovedOn' });
  });

  it('is done once, and what was destroyed is never filed again', () => {
    const gone = [first, second, moved('trash', 1), destroyed([1], 1)] as const;
    given(...gone)
      .when(destroy([1]))
      .thenNothing();
    given(...gone)
      .when(file(mail(1)))
      .thenNothing();
  });

  it('of all that a mailbox has ends its share, and nothing more comes there', () => {
    const copy = emailFiled({ ...mail(1, { mailboxId: theirs }), startsThread: true });
    const shared = threadShared({ ...here, mailboxId: theirs, role: 'editor', assignees: [], heldBy: [mine] });
    const gone = emailsDestroyed({ ...removal(theirs, [1], 0), by: null });
    given(first, copy, shared, gone)
      .when(file(mail(2)))
      .then(second);
  });
});

describe('splitting', () => {
  const third = emailFiled({ ...mail(5), startsThread: false });
  const split = (n: number, ...left: ReturnType<typeof stays>[]): ThreadCommand => ({
    ...{ type: 'SplitThread', ...here, emailId: emailNo(n), stays: left },
  });
  const into = threadSplitAt(threadNo(1), emailNo(2));
  const off = emailsSplitOff({ ...removal(mine, [2, 5], 1), into, by: alice });

  it('takes the email and all behind it, once', () => {
    given(first, second, third)
      .when(split(2, stays(mine, 1)))
      .then(off);
    given(first, second, third, off).when(split(2)).thenNothing();
    given(first, second, third, off)
      .when(split(5))
      .thenRejected({ type: 'NotInThread', emailId: emailNo(5) });
  });

  it('is not for the first email, nor for a draft', () => {
    given(first, second).when(split(1)).thenRejected({ type: 'SplitAtFirst' });
    given(first, draft).when(split(4)).thenRejected({ type: 'SplitAtDraft' });
  });

  it('takes along in other mailboxes what they have of it', () => {
    const copies = [1, 2, 5].map((n) => emailFiled({ ...mail(n, { mailboxId: theirs }), startsThread: n === 1 }));
    given(first, second, third, ...copies)
      .when(split(2, stays(mine, 1), stays(theirs, 1)))
      .then(
        emailsSplitOff({ ...removal(mine, [2, 5], 1, [mine, theirs]), into, by: alice }),
        emailsSplitOff({ ...removal(theirs, [2, 5], 1, [mine, theirs]), into, by: alice }),
      );
  });

  it('sends what belongs to an email after it', () => {
    given(first, second, third, off)
      .when({ type: 'FileEmail', email: mail(6), after: emailNo(5) })
      .thenRejected({ type: 'WentOn', threadId: into });
    given(first, second, third, off)
      .when({ type: 'FileEmail', email: mail(6), after: emailNo(1) })
      .then(emailFiled({ ...mail(6), startsThread: false }));
    given(first, second, third, off)
      .when({ type: 'FileEmail', email: mail(5), after: emailNo(2) })
      .thenNothing();
  });

  it('goes on with what stood on it, and only once', () => {
    const before = [
      ...[first, second, third, threadRead({ ...here, upTo: emailNo(2) }), threadStarred({ ...here, starred: true })],
      ...[
        threadLabelled({ ...here, labelId: labelNo(1), labelled: true }),
        emailKeywordsSet({ ...here, emailId: emailNo(5), set: { $flagged: true } }),
      ],
      threadAssigned({ threadId: threadNo(1), mailboxIds: [mine], userId: bob, by: alice }),
    ].reduce(thread.evolve, thread.initial);
    const leaving = toSplitOff({ threadId: threadNo(1), mailboxId: mine, emailId: emailNo(2) }, before);
    if (E.isLeft(leaving)) throw new Error(leaving.left.type);
    const there = { ...here, threadId: into };
    const emails = [2, 5].map((n) => mail(n, { threadId: into }));
    const commands = takingOver({ threadId: into, from: threadNo(1), by: alice }, emails, marksToTakeOver(leaving.right, before), before);
    const run = (commandsToRun: readonly ThreadCommand[], history: readonly Parameters<typeof thread.evolve>[1][] = []) =>
      commandsToRun.reduce((done, command) => {
        const decided = thread.decide(command, done.reduce(thread.evolve, thread.initial));
        return [...done, ...(E.isRight(decided) ? decided.right : [])];
      }, history);
    const whole = run(commands);
    expect(whole).toEqual([
      emailFiled({ ...mail(2, { threadId: into }), startsThread: true }),
      emailFiled({ ...mail(5, { threadId: into }), startsThread: false }),
      threadRead({ ...there, upTo: emailNo(2) }),
      emailKeywordsSet({ ...there, emailId: emailNo(5), set: { $flagged: true } }),
      threadLabelled({ ...there, labelId: labelNo(1), labelled: true }),
      threadStarred({ ...there, starred: true }),
      threadAssigned({ threadId: into, mailboxIds: [mine], userId: bob, by: alice }),
      threadSplitOff({ threadId: into, from: threadNo(1), mailboxIds: [mine], by: alice }),
    ]);
    const taken = [...whole, threadStarred({ ...there, starred: false })];
    expect(run(commands, taken)).toEqual(taken);
  });

  it('keeps what was brought along as read behind the place up to which the others are read', () => {
    const imported = { importId: importNo(1), receivedAt: timestamp(0), keywords: { $seen: true }, starred: false, labels: [] };
    const seen = mail(5, { threadId: into, imported });
    const marks = {
      mailboxId: mine,
      readUpTo: emailNo(2),
      starred: false,
      labels: [],
      keywords: [{ emailId: emailNo(5), set: { $seen: true } }],
    };
    const emails = [mail(2, { threadId: into }), seen];
    const command = { threadId: into, from: threadNo(1), by: alice, emails, shares: [], marks: [marks], assignees: [], isWhole: false };
    const there = { ...here, threadId: into };
    const over = [
      emailFiled({ ...mail(2, { threadId: into }), startsThread: true }),
      emailFiled({ ...seen, startsThread: false }),
      threadRead({ ...there, upTo: emailNo(2) }),
      emailKeywordsSet({ ...there, emailId: emailNo(5), set: { $seen: true } }),
    ] as const;
    given()
      .when({ type: 'TakeOverThread', ...command })
      .then(...over);
    given(...over)
      .when({ type: 'TakeOverThread', ...command })
      .thenNothing();
  });
});
