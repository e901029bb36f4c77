/** Finding mail (mail-contract §6). */
import * as t from 'io-ts';
import { text } from '../codec.ts';
import { EmailId, MailboxId } from '../ids.ts';
import { LONGEST_QUERY } from '../mail-query/parse.ts';
import { LARGEST_MAIL_PAGE } from './mail.ts';
import { mailPageOf, Thread } from './mail-objects.ts';
import { intParam } from './query.ts';
import { defineRoute, type Route } from './route.ts';

/** Of a thread that was found. */
export const MOST_FOUND_EMAILS = 20;

export const SearchText = text(1, LONGEST_QUERY);

export const FoundThread = t.readonly(
  t.type({
    thread: Thread,
    /** The mailbox it was found in. */
    mailboxId: MailboxId,
    /** The emails that were found, the newest first; 20 at most. */
    emailIds: t.readonlyArray(EmailId),
    /** Of the newest of them: the part of its text that was found, plain, with `…` where something was left out. */
    snippet: t.string,
  }),
);
export type FoundThread = t.TypeOf<typeof FoundThread>;

export const searchMail = defineRoute({
  id: 'searchMail',
  method: 'GET',
  path: '/api/search',
  tag: 'Threads',
  summary:
    'Threads of your mailboxes (or of one) with emails that `q` finds, the one with the newest such email first. Words must all be there, in any case, with or without accents, also as beginnings of longer ones and with other endings (English, French, Dutch); `"a phrase"`, `-not`, `a OR b`, brackets; `from: to: cc: bcc: subject: body: filename: has:attachment in: label: is: before: after: on: larger: smaller:`. Trash and spam only when asked for (`in:trash`). A page may be short, or empty, and still have a `cursor` behind which to go on looking. A query that is not understood answers 400, and `errors` tell where: `offset` and `length` in `q`.',
  query: t.readonly(
    t.intersection([
      t.type({ q: SearchText }),
      t.partial({ mailboxId: MailboxId, cursor: t.string, limit: intParam(1, LARGEST_MAIL_PAGE) }),
    ]),
  ),
  response: mailPageOf(FoundThread),
  errors: [404],
});

export const mailSearchRoutes: readonly Route[] = [searchMail];
