/** What becomes of a mailbox after it was opened (mail-contract §3). */
import * as t from 'io-ts';
import { int, nullable, text } from '../codec.ts';
import { MailboxId } from '../ids.ts';
import { Mailbox } from './mail-objects.ts';
import { listOf } from './mail.ts';
import { defineRoute, type Route } from './route.ts';

/** Other addresses that one mailbox may have. */
export const MOST_ALIASES = 100;

/**
 * What is left out stays as it is; `aliases` is the whole list. `quotaBytes` (null: what is configured for all) is for domain admins to set.
 */
export const ChangeMailbox = t.readonly(
  t.partial({ name: text(1, 200), aliases: listOf(text(3, 320), 0, MOST_ALIASES), quotaBytes: nullable(int(0)) }),
);

export const changeMailbox = defineRoute({
  id: 'changeMailbox',
  method: 'PATCH',
  path: '/api/mailboxes/{mailboxId}',
  tag: 'Mailboxes',
  summary:
    'Names a mailbox, and says which other addresses deliver to it and how much it may hold. For its admins and domain admins; `postmaster`, `abuse` and the other addresses of RFC 2142 are for domain admins to give.',
  params: t.readonly(t.type({ mailboxId: MailboxId })),
  body: ChangeMailbox,
  response: Mailbox,
  errors: [403, 404, 409],
});

export const closeMailbox = defineRoute({
  id: 'closeMailbox',
  method: 'DELETE',
  path: '/api/mailboxes/{mailboxId}',
  tag: 'Mailboxes',
  summary:
    'Closes a mailbox for good: it takes no more mail, its addresses are free, and nobody sees what it held; threads shared with other mailboxes stay there. For domain admins.',
  params: t.readonly(t.type({ mailboxId: MailboxId })),
  errors: [403, 404],
});

export const mailboxRoutes: readonly Route[] = [changeMailbox, closeMailbox];
