/** Threads that several mailboxes hold (mail-contract §1): each with its own flags and marks, and with what it may do there. */
import * as t from 'io-ts';
import { ThreadAccess } from '../events/thread.ts';
import { MailboxId, ThreadId } from '../ids.ts';
import { Thread } from './mail-objects.ts';
import { defineRoute, type Route } from './route.ts';

const shared = {
  tag: 'Threads',
  params: t.readonly(t.type({ threadId: ThreadId, mailboxId: MailboxId })),
  errors: [403, 404, 409],
} as const;

export const shareThread = defineRoute({
  id: 'shareThread',
  method: 'PUT',
  path: '/api/threads/{threadId}/mailboxes/{mailboxId}',
  summary:
    'Shares a thread with another mailbox, or changes what it may do there: its members read it as viewers whatever their role, or have as editors the rights of their role. For editors.',
  body: t.readonly(t.type({ role: ThreadAccess })),
  response: Thread,
  ...shared,
});

export const unshareThread = defineRoute({
  id: 'unshareThread',
  method: 'DELETE',
  path: '/api/threads/{threadId}/mailboxes/{mailboxId}',
  summary: 'Takes a thread back from a mailbox that it was shared with. For editors.',
  ...shared,
});

export const sharingRoutes: readonly Route[] = [shareThread, unshareThread];
