/** Marks on single emails, each mailbox's own (RFC 8621 §4.1.1). */
import * as t from 'io-ts';
import { Keywords } from '../events/thread.ts';
import { EmailId, MailboxId } from '../ids.ts';
import { Thread } from './mail-objects.ts';
import { defineRoute, type Route } from './route.ts';

export const setKeywords = defineRoute({
  id: 'setKeywords',
  method: 'PUT',
  path: '/api/emails/{emailId}/keywords',
  tag: 'Emails',
  summary:
    'Marks one email in a mailbox, or takes marks away; what is not named stays. `$seen` makes an exception to how far the thread is read and is for all members, the others are for editors. Answers with the thread.',
  params: t.readonly(t.type({ emailId: EmailId })),
  body: t.readonly(t.type({ mailboxId: MailboxId, set: Keywords })),
  response: Thread,
  errors: [403, 404],
});

export const keywordRoutes: readonly Route[] = [setKeywords];
