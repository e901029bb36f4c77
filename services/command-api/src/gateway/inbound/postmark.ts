/** Postmark's inbound webhook: JSON, behind HTTP Basic authentication in the address that it is told. 403 makes it stop. */
import { decode } from '@tidings/contracts/codec';
import * as E from 'fp-ts/lib/Either.js';
import * as t from 'io-ts';
import { invalid } from '../../../../http-kit/src/errors.ts';
import { addressesIn, type Delivery, fromBase64, type Headers, jsonIn, rebuilt, sameText, saidBy } from './delivery.ts';
import type { Door, InboundRequest } from './door.ts';
import { unsigned } from './seed.ts';

const Mail = t.intersection([
  t.type({ From: t.string, To: t.string }),
  t.partial({
    Cc: t.string,
    OriginalRecipient: t.string,
    Subject: t.string,
    TextBody: t.string,
    HtmlBody: t.string,
    RawEmail: t.string,
    Headers: t.readonlyArray(t.type({ Name: t.string, Value: t.string })),
    Attachments: t.readonlyArray(t.intersection([t.type({ Content: t.string }), t.partial({ Name: t.string, ContentType: t.string })])),
  }),
]);

/** @param credentials `user:password` */
export const postmarkDoor = (credentials: string): Door => ({
  name: 'postmark',
  types: /^application\/json\b/i,
  stop: 403,
  authenticate: ({ header }) => {
    const given = /^basic +(\S+)$/i.exec(header('authorization') ?? '')?.[1] ?? '';
    if (!sameText(Buffer.from(given, 'base64').toString('utf8'), credentials)) throw unsigned('User name or password are not right.');
  },
  read: async ({ body }: InboundRequest): Promise<Delivery> => {
    const decoded = decode(Mail, jsonIn(body));
    if (E.isLeft(decoded)) throw invalid(decoded.left);
    const {
      From,
      To,
      Cc = '',
      OriginalRecipient = '',
      Subject = '',
      TextBody = null,
      HtmlBody = null,
      RawEmail,
      Headers = [],
      Attachments = [],
    } = decoded.right;
    const headers: Headers = Headers.map(({ Name, Value }) => [Name, Value] as const);
    const [author = ''] = addressesIn(From);
    const rcptTo = OriginalRecipient === '' ? [...addressesIn(To), ...addressesIn(Cc)] : [OriginalRecipient];
    const files = Attachments.map(({ Name = null, ContentType = null, Content }, at) => ({
      ...{ filename: Name, contentType: ContentType, content: fromBase64(Content, `Attachments.${at}.Content`) },
    }));
    const raw =
      RawEmail === undefined
        ? await rebuilt({ from: From, to: To, cc: Cc, subject: Subject, text: TextBody, html: HtmlBody, headers, files })
        : Buffer.from(RawEmail, 'utf8');
    const said = saidBy(headers, author, author);
    return { raw, mailFrom: author, rcptTo, said: said.verdict === 'pass' || RawEmail === undefined ? said : null };
  },
});
