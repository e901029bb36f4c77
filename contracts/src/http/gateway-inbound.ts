/** Webhooks by which mail comes into the gateway: the seed's, and those of mail providers. They are signed, not authenticated by a bearer token. */
import * as t from 'io-ts';
import { nullable, text } from '../codec.ts';
import { described } from '../json-schema.ts';
import { defineRoute, type Route } from './route.ts';

export const InboundAttachment = t.readonly(
  t.intersection([t.type({ content: t.string }), t.partial({ filename: nullable(text(0, 1000)), contentType: nullable(text(0, 255)) })]),
);

/** A mail as JSON. `headers` are by name; where one stands several times, as a list. `envelope` says to whom it really went. */
export const InboundEmail = t.readonly(
  t.intersection([
    t.type({ from: text(1, 2000), to: text(1, 20_000) }),
    t.partial({
      cc: nullable(t.string),
      subject: nullable(t.string),
      text: nullable(t.string),
      html: nullable(t.string),
      headers: t.record(t.string, t.union([t.string, t.readonlyArray(t.string)])),
      attachments: t.readonlyArray(InboundAttachment),
      envelope: t.readonly(t.type({ from: text(0, 1000), to: t.readonlyArray(text(1, 1000)) })),
    }),
  ]),
);
export type InboundEmail = t.TypeOf<typeof InboundEmail>;

export const InboundAnswer = t.readonly(t.type({ success: t.boolean, message: t.string }));

/** The very bytes are signed, so they are looked at before they are understood; described as what they say. */
const signed = <C extends t.Mixed>(codec: C): t.Type<unknown> =>
  described(
    new t.Type<unknown>(
      codec.name,
      (_u): _u is unknown => true,
      (u) => t.success(u),
      (a) => a,
    ),
    (refer) => refer(codec),
  );

const shared = { tag: 'Gateway', method: 'POST', public: true, response: InboundAnswer, errors: [401, 413, 415, 422] } as const;

export const inboundEmail = defineRoute({
  ...shared,
  id: 'inboundEmail',
  path: '/gateway/inbound',
  summary:
    'Brings a mail in. `X-Webhook-Signature` is the hex HMAC-SHA256 of the body with `EMAIL_WEBHOOK_SECRET`, with or without `sha256=`; with `X-Webhook-Timestamp` of `timestamp.body`, good for five minutes. The same mail again is answered alike and counts once.',
  body: signed(InboundEmail),
});

const provider = <I extends string>(id: I, path: string, summary: string) =>
  defineRoute({ ...shared, id, path, summary, body: signed(t.unknown) });

export const inboundFromPostmark = provider(
  'inboundFromPostmark',
  '/gateway/inbound/postmark',
  "Postmark's inbound webhook, behind HTTP Basic authentication (`EMAIL_POSTMARK_CREDENTIALS`).",
);
export const inboundFromSendgrid = provider(
  'inboundFromSendgrid',
  '/gateway/inbound/sendgrid',
  "SendGrid's Inbound Parse, signed (`EMAIL_SENDGRID_PUBLIC_KEY`).",
);
export const inboundFromMailgun = provider(
  'inboundFromMailgun',
  '/gateway/inbound/mailgun',
  "Mailgun's routes, signed (`EMAIL_MAILGUN_SIGNING_KEY`).",
);
export const inboundFromSes = provider(
  'inboundFromSes',
  '/gateway/inbound/ses',
  'Amazon SES by way of SNS, signed by Amazon, from the topics of `EMAIL_SES_TOPICS`.',
);

export type InboundRoute = typeof inboundEmail;

export const gatewayInboundRoutes: readonly Route[] = [
  inboundEmail,
  inboundFromPostmark,
  inboundFromSendgrid,
  inboundFromMailgun,
  inboundFromSes,
];
