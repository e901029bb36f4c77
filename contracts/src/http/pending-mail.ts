/** Mail that was taken and is not filed yet, because a checker does not answer (mail-contract §4). */
import * as t from 'io-ts';
import { int } from '../codec.ts';
import { EmailId, MailboxId } from '../ids.ts';
import { Timestamp } from '../time.ts';
import { intParam } from './query.ts';
import { defineRoute, type Route } from './route.ts';

/** A mail that waits, in one mailbox. */
export const PendingMail = t.readonly(
  t.type({
    emailId: EmailId,
    mailboxId: MailboxId,
    receivedAt: Timestamp,
    /** What it waits for: `rspamd`, `clamd` or `webhook`; `filing` when it was set aside and is tried again. */
    step: t.string,
    reason: t.string,
    attempts: int(0),
    nextAttemptAt: Timestamp,
  }),
);
export type PendingMail = t.TypeOf<typeof PendingMail>;

export const PENDING_PAGE = 100;

export const listPendingMail = defineRoute({
  id: 'listPendingMail',
  method: 'GET',
  path: '/api/admin/pending-mail',
  tag: 'Service',
  summary: 'Mail that waits for a checker which does not answer, and how much of it there is. What waits longest comes first.',
  query: t.partial({ limit: intParam(1, PENDING_PAGE) }),
  response: t.readonly(t.type({ total: int(0), content: t.readonlyArray(PendingMail) })),
  errors: [403],
});

export const pendingMailRoutes: readonly Route[] = [listPendingMail];
