/** What a mailbox holds and may hold, and whom it takes no mail from (mail-contract §3-§4). */
import * as t from 'io-ts';
import { int, nullable } from '../codec.ts';
import { MailboxId, ThreadId } from '../ids.ts';
import { mailPageOf } from './mail-objects.ts';
import { defineRoute, type Route } from './route.ts';

const mailboxParams = t.readonly(t.type({ mailboxId: MailboxId }));
/** `sender` in any spelling: an address, or a domain, which stands for all below it too. */
const senderParams = t.readonly(t.type({ mailboxId: MailboxId, sender: t.string }));

/** The threads of a mailbox that `getMailboxStorage` lists. */
export const LARGEST_THREADS = 100;
/** Senders that one mailbox may block. */
export const MOST_BLOCKED_SENDERS = 1_000;

export const MailboxStorage = t.readonly(
  t.type({
    usedBytes: int(0),
    emails: int(0),
    /** Mail over it is put off (452 4.2.2); null: without limit. */
    quotaBytes: nullable(int(0)),
    /** The largest first; none for who manages the mailbox's domain without being in it. */
    largestThreads: t.readonlyArray(t.readonly(t.type({ threadId: ThreadId, subject: t.string, bytes: int(0), emails: int(0) }))),
  }),
);
export type MailboxStorage = t.TypeOf<typeof MailboxStorage>;

export const BlockedSender = t.readonly(t.type({ sender: t.string }));
export type BlockedSender = t.TypeOf<typeof BlockedSender>;

export const getMailboxStorage = defineRoute({
  id: 'getMailboxStorage',
  method: 'GET',
  path: '/api/mailboxes/{mailboxId}/storage',
  tag: 'Mailboxes',
  summary: 'How much a mailbox holds and may hold, and its largest threads. For its members and domain admins.',
  params: mailboxParams,
  response: MailboxStorage,
  errors: [404],
});

export const listBlockedSenders = defineRoute({
  id: 'listBlockedSenders',
  method: 'GET',
  path: '/api/mailboxes/{mailboxId}/blocked-senders',
  tag: 'Mailboxes',
  summary: 'Addresses and domains that a mailbox takes no mail from, all on one page.',
  params: mailboxParams,
  response: mailPageOf(BlockedSender),
  errors: [404],
});

export const blockSender = defineRoute({
  id: 'blockSender',
  method: 'PUT',
  path: '/api/mailboxes/{mailboxId}/blocked-senders/{sender}',
  tag: 'Mailboxes',
  summary:
    'Takes no more mail from an address, or from a domain and all below it: it is refused at the door (550 5.7.1). For admins of the mailbox.',
  params: senderParams,
  response: BlockedSender,
  errors: [403, 404, 409],
});

export const unblockSender = defineRoute({
  id: 'unblockSender',
  method: 'DELETE',
  path: '/api/mailboxes/{mailboxId}/blocked-senders/{sender}',
  tag: 'Mailboxes',
  summary: 'Takes mail from an address or a domain again. For admins of the mailbox.',
  params: senderParams,
  errors: [403, 404],
});

export const storageRoutes: readonly Route[] = [getMailboxStorage, listBlockedSenders, blockSender, unblockSender];
