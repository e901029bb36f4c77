/** Pictures that mails load from elsewhere (mail-contract §2). */
import * as t from 'io-ts';
import { text } from '../codec.ts';
import { MailboxId } from '../ids.ts';
import { intParam } from './query.ts';
import { defineRoute, type Route } from './route.ts';

export const getRemoteImage = defineRoute({
  id: 'getRemoteImage',
  method: 'GET',
  path: '/api/images',
  tag: 'Emails',
  summary:
    'A picture that a mail of a mailbox of yours shows from elsewhere, fetched for you. Links to it in `bodyValues` are signed and need no token, for a day. What is refused answers with an empty picture, and `Tidings-Image-Refused` says why. Only where `IMAGE_PROXY` is on.',
  query: t.readonly(
    t.intersection([t.type({ url: text(1, 4000), mailboxId: MailboxId }), t.partial({ until: intParam(0, 1e12), signature: t.string })]),
  ),
  produces: 'binary',
  errors: [404],
});

export const imageRoutes: readonly Route[] = [getRemoteImage];
