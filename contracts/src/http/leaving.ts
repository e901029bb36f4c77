/** Emails that leave their thread: split off into one of their own, or destroyed for ever (mail-contract §1, §3). */
import * as t from 'io-ts';
import { int } from '../codec.ts';
import { EmailId, MailboxId, ThreadId } from '../ids.ts';
import { Thread } from './mail-objects.ts';
import { defineRoute, type Route } from './route.ts';

export const splitThread = defineRoute({
  id: 'splitThread',
  method: 'POST',
  path: '/api/threads/{threadId}/split',
  tag: 'Threads',
  summary:
    'Splits a thread: that email and all behind it go on in a thread of their own, in every mailbox that has them, and replies to them will too. Answers with the new thread; the second time with the same. For editors.',
  params: t.readonly(t.type({ threadId: ThreadId })),
  body: t.readonly(t.type({ emailId: EmailId })),
  response: Thread,
  errors: [403, 404],
});

/** Only what this mailbox holds is destroyed, so it is never guessed. */
const inMailbox = t.readonly(t.type({ mailboxId: MailboxId }));

export const destroyEmail = defineRoute({
  id: 'destroyEmail',
  method: 'DELETE',
  path: '/api/emails/{emailId}',
  tag: 'Emails',
  summary: 'Destroys an email for ever that lies in the trash or in spam of a mailbox; other mailboxes keep theirs. For editors.',
  params: t.readonly(t.type({ emailId: EmailId })),
  query: inMailbox,
  errors: [403, 404, 409],
});

export const destroyThread = defineRoute({
  id: 'destroyThread',
  method: 'DELETE',
  path: '/api/threads/{threadId}',
  tag: 'Threads',
  summary:
    'Destroys for ever what lies of a thread in the trash and in spam of a mailbox, and with its last email the thread; other mailboxes keep theirs. For editors.',
  params: t.readonly(t.type({ threadId: ThreadId })),
  query: inMailbox,
  errors: [403, 404, 409],
});

/** `hasMore`: there is more than one request destroys; ask again. */
export const Emptied = t.readonly(t.type({ destroyed: int(0), hasMore: t.boolean }));

const emptying = {
  method: 'POST',
  tag: 'Mailboxes',
  params: t.readonly(t.type({ mailboxId: MailboxId })),
  response: Emptied,
  errors: [403, 404],
} as const;

export const emptyTrash = defineRoute({
  id: 'emptyTrash',
  path: '/api/mailboxes/{mailboxId}/trash/empty',
  summary: 'Destroys for ever what lies in the trash of a mailbox, up to 1,000 emails at a time. For editors.',
  ...emptying,
});

export const emptySpam = defineRoute({
  id: 'emptySpam',
  path: '/api/mailboxes/{mailboxId}/spam/empty',
  summary: 'Destroys for ever what lies in spam of a mailbox, up to 1,000 emails at a time. For editors.',
  ...emptying,
});

export const leavingRoutes: readonly Route[] = [splitThread, destroyEmail, destroyThread, emptyTrash, emptySpam];
