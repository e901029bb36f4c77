/** Mail endpoints (mail-contract §3). A mailbox, thread or email that is not the caller's to see looks like one that does not exist. */
import * as E from 'fp-ts/lib/Either.js';
import * as t from 'io-ts';
import { nullable, oneOf, text } from '../codec.ts';
import { MailboxRole } from '../events/mailbox.ts';
import { EmailId, LabelId, MailboxId, ThreadId, UserId } from '../ids.ts';
import { described } from '../json-schema.ts';
import { LONGEST_QUERY } from '../mail-query/parse.ts';
import { Email, Mailbox, MailboxCounts, MailboxMember, mailPageOf, Me, Thread, View } from './mail-objects.ts';
import { boolParam, intParam } from './query.ts';
import { defineRoute, type Route } from './route.ts';

export const MAIL_PAGE = 25;
export const LARGEST_MAIL_PAGE = 100;
/** Threads that one request may flag. */
export const MOST_FLAGGED = 100;

const mailboxParams = t.readonly(t.type({ mailboxId: MailboxId }));
const threadParams = t.readonly(t.type({ threadId: ThreadId }));
const emailParams = t.readonly(t.type({ emailId: EmailId }));
const memberParams = t.readonly(t.type({ mailboxId: MailboxId, userId: UserId }));
const paging = { cursor: t.string, limit: intParam(1, LARGEST_MAIL_PAGE) };
/** Needed only by who sees the same thread or email in several mailboxes; left out, the one where they may do most. */
const through = { mailboxId: MailboxId };

/** Between `min` and `max` items. */
export const listOf = <A, O>(item: t.Type<A, O>, min: number, max: number): t.Type<readonly A[], readonly O[]> => {
  const codec = t.readonlyArray(item);
  return described(
    new t.Type<readonly A[], readonly O[]>(
      `a list of ${min}-${max} items`,
      (u): u is readonly A[] => codec.is(u),
      (u, c) => {
        const decoded = codec.validate(u, c);
        if (E.isLeft(decoded)) return decoded;
        const { length } = decoded.right;
        return length >= min && length <= max ? decoded : t.failure(u, c, `must have ${min}-${max} items`);
      },
      codec.encode,
    ),
    (inner) => ({ type: 'array', items: inner(item), minItems: min, maxItems: max }),
  );
};

export const getMe = defineRoute({
  id: 'getMe',
  method: 'GET',
  path: '/api/me',
  tag: 'Mailboxes',
  summary: 'Who you are here, and your mailboxes with your role in each.',
  response: Me,
});

export const listMailboxes = defineRoute({
  id: 'listMailboxes',
  method: 'GET',
  path: '/api/mailboxes',
  tag: 'Mailboxes',
  summary: 'The mailboxes you are a member of, by address.',
  query: t.partial(paging),
  response: mailPageOf(Mailbox),
});

export const getMailbox = defineRoute({
  id: 'getMailbox',
  method: 'GET',
  path: '/api/mailboxes/{mailboxId}',
  tag: 'Mailboxes',
  summary: 'One mailbox.',
  params: mailboxParams,
  response: Mailbox,
  errors: [404],
});

export const OpenMailbox = t.readonly(
  t.intersection([
    t.type({ kind: oneOf('shared'), address: text(3, 320), name: text(1, 200) }),
    /** Left out, the caller becomes its admin. One of them must be an admin. */
    t.partial({ members: listOf(t.readonly(t.type({ userId: UserId, role: MailboxRole })), 1, 100) }),
  ]),
);

export const openMailbox = defineRoute({
  id: 'openMailbox',
  method: 'POST',
  path: '/api/mailboxes',
  tag: 'Mailboxes',
  summary: 'Opens a shared mailbox at an address of one of our domains. For domain admins.',
  body: OpenMailbox,
  response: Mailbox,
  errors: [403, 404, 409, 422],
});

export const listMailboxMembers = defineRoute({
  id: 'listMailboxMembers',
  method: 'GET',
  path: '/api/mailboxes/{mailboxId}/members',
  tag: 'Mailboxes',
  summary: 'Who is in a mailbox, and what they may do there.',
  params: mailboxParams,
  query: t.partial(paging),
  response: mailPageOf(MailboxMember),
  errors: [404],
});

export const setMailboxMember = defineRoute({
  id: 'setMailboxMember',
  method: 'PUT',
  path: '/api/mailboxes/{mailboxId}/members/{userId}',
  tag: 'Mailboxes',
  summary: 'Adds someone to a mailbox or changes their role. For its admins and domain admins.',
  params: memberParams,
  body: t.readonly(t.type({ role: MailboxRole })),
  response: MailboxMember,
  errors: [403, 404, 409],
});

export const removeMailboxMember = defineRoute({
  id: 'removeMailboxMember',
  method: 'DELETE',
  path: '/api/mailboxes/{mailboxId}/members/{userId}',
  tag: 'Mailboxes',
  summary: 'Takes someone out of a mailbox. For its admins and domain admins.',
  params: memberParams,
  errors: [403, 404, 409],
});

export const listThreads = defineRoute({
  id: 'listThreads',
  method: 'GET',
  path: '/api/mailboxes/{mailboxId}/threads',
  tag: 'Threads',
  summary:
    'Threads of a view (default inbox), the one with the latest email first. Pages of one walk show each thread once, whatever arrives meanwhile. `unread` filters either way; `label` shows those that bear it, `assignee` those that somebody takes care of. `q` searches as `/api/search` does, in all of the mailbox unless a view is named.',
  params: mailboxParams,
  query: t.partial({ ...paging, view: View, unread: boolParam, label: LabelId, assignee: UserId, q: text(1, LONGEST_QUERY) }),
  response: mailPageOf(Thread),
  errors: [404],
});

export const getMailboxCounts = defineRoute({
  id: 'getMailboxCounts',
  method: 'GET',
  path: '/api/mailboxes/{mailboxId}/counts',
  tag: 'Threads',
  summary: 'How many threads each view has, and how many of them are unread.',
  params: mailboxParams,
  response: MailboxCounts,
  errors: [404],
});

export const getThread = defineRoute({
  id: 'getThread',
  method: 'GET',
  path: '/api/threads/{threadId}',
  tag: 'Threads',
  summary: 'One thread as a mailbox of yours has it.',
  params: threadParams,
  query: t.partial(through),
  response: Thread,
  errors: [404],
});

export const listThreadMessages = defineRoute({
  id: 'listThreadMessages',
  method: 'GET',
  path: '/api/threads/{threadId}/messages',
  tag: 'Threads',
  summary:
    'Emails of a thread, the oldest first. Those in spam and trash are left out unless the thread has no others; `view` asks for the ones that lie there. A page may end early when its bodies are large.',
  params: threadParams,
  query: t.partial({ ...paging, ...through, view: View }),
  response: mailPageOf(Email),
  errors: [404],
});

export const FlagThreads = t.readonly(
  t.type({
    mailboxId: MailboxId,
    threadIds: listOf(ThreadId, 1, MOST_FLAGGED),
    set: t.readonly(t.partial({ starred: t.boolean, archived: t.boolean, spam: t.boolean, trashed: t.boolean })),
  }),
);

/** `thread` is null when the mailbox has no such thread. */
export const FlaggedThread = t.readonly(t.type({ threadId: ThreadId, changed: t.boolean, thread: nullable(Thread) }));

export const flagThreads = defineRoute({
  id: 'flagThreads',
  method: 'POST',
  path: '/api/threads/flags',
  tag: 'Threads',
  summary: 'Stars, archives, trashes or marks threads as spam, or takes that back; tells for each what became of it. For editors.',
  body: FlagThreads,
  response: t.readonly(t.type({ content: t.readonlyArray(FlaggedThread) })),
  errors: [403, 404],
});

export const markThreadRead = defineRoute({
  id: 'markThreadRead',
  method: 'PUT',
  path: '/api/threads/{threadId}/read',
  tag: 'Threads',
  summary: 'Marks a thread read in a mailbox up to an email and including it; null marks all of it unread.',
  params: threadParams,
  body: t.readonly(t.type({ mailboxId: MailboxId, upTo: nullable(EmailId) })),
  response: Thread,
  errors: [404],
});

export const getEmail = defineRoute({
  id: 'getEmail',
  method: 'GET',
  path: '/api/emails/{emailId}',
  tag: 'Emails',
  summary: 'One email with its bodies.',
  params: emailParams,
  query: t.partial(through),
  response: Email,
  errors: [404],
});

export const getRawEmail = defineRoute({
  id: 'getRawEmail',
  method: 'GET',
  path: '/api/emails/{emailId}/raw',
  tag: 'Emails',
  summary: 'The email byte for byte as it was received.',
  params: emailParams,
  produces: 'rfc822',
  mayRedirect: true,
  errors: [404],
});

export const getEmailPart = defineRoute({
  id: 'getEmailPart',
  method: 'GET',
  path: '/api/emails/{emailId}/parts/{partId}',
  tag: 'Emails',
  summary: 'The bytes of one part, decoded; always as a download, under a type that no browser executes.',
  params: t.readonly(t.type({ emailId: EmailId, partId: t.string })),
  produces: 'binary',
  mayRedirect: true,
  errors: [404],
});

export const mailRoutes: readonly Route[] = [
  getMe,
  listMailboxes,
  getMailbox,
  openMailbox,
  listMailboxMembers,
  setMailboxMember,
  removeMailboxMember,
  listThreads,
  getMailboxCounts,
  getThread,
  listThreadMessages,
  flagThreads,
  markThreadRead,
  getEmail,
  getRawEmail,
  getEmailPart,
];
