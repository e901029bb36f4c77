/**
 * Amazon SES by way of SNS: JSON signed by Amazon, whose certificate must come from Amazon's own host (checked by sns-validator). A topic that is to send
 * here asks first, and is answered; only topics that are configured count.
 */
import { decode } from '@tidings/contracts/codec';
import type { Authentication } from '@tidings/contracts/events/email';
import * as E from 'fp-ts/lib/Either.js';
import * as t from 'io-ts';
import MessageValidator from 'sns-validator';
import { ApiError, invalid } from '../../../../http-kit/src/errors.ts';
import { addressesIn, type Delivery, jsonIn } from './delivery.ts';
import type { Door, InboundRequest } from './door.ts';
import { unsigned } from './seed.ts';

export interface SesOptions {
  readonly topics: readonly string[];
  /** Amazon's, unless a test stands in for it. */
  readonly hosts?: RegExp;
}

const HOSTS = /^sns\.[a-zA-Z0-9-]{3,}\.amazonaws\.com(\.cn)?$/;
const ASK_MS = 10_000;

const Envelope = t.intersection([t.type({ Type: t.string, TopicArn: t.string, Message: t.string }), t.partial({ SubscribeURL: t.string })]);
const Verdict = t.type({ status: t.string });
const Received = t.intersection([
  t.type({
    mail: t.type({ source: t.string, destination: t.readonlyArray(t.string) }),
    receipt: t.intersection([
      t.type({ recipients: t.readonlyArray(t.string) }),
      t.partial({
        spfVerdict: Verdict,
        dkimVerdict: Verdict,
        dmarcVerdict: Verdict,
        action: t.partial({ encoding: t.string }),
      }),
    ]),
  }),
  t.partial({ content: t.string }),
]);

export const sesDoor = ({ topics, hosts = HOSTS }: SesOptions): Door => {
  const validator = new MessageValidator(hosts, 'utf8');
  return {
    name: 'ses',
    types: /^(text\/plain|application\/json)\b/i,
    authenticate: async ({ body }) => {
      const envelope = envelopeIn(body);
      if (!topics.includes(envelope.TopicArn)) throw unsigned('This topic is none of those that are configured.');
      await new Promise<void>((resolve, reject) => {
        validator.validate(body.toString('utf8'), (error) => (error === null ? resolve() : reject(unsigned(error.message))));
      });
    },
    read: async ({ body }: InboundRequest): Promise<Delivery | null> => {
      const { Type, SubscribeURL = '', Message } = envelopeIn(body);
      if (Type === 'SubscriptionConfirmation') return confirm(SubscribeURL, hosts);
      return Type === 'Notification' ? mailIn(Message) : null;
    },
  };
};

const envelopeIn = (body: Buffer): t.TypeOf<typeof Envelope> => {
  const decoded = decode(Envelope, jsonIn(body));
  if (E.isLeft(decoded)) throw invalid(decoded.left);
  return decoded.right;
};

/** The address is signed, and still only Amazon's host is asked. */
const confirm = async (url: string, hosts: RegExp): Promise<null> => {
  if (!URL.canParse(url) || new URL(url).protocol !== 'https:' || !hosts.test(new URL(url).hostname))
    throw unsigned('SubscribeURL is not at Amazon.');
  const answer = await fetch(url, { signal: AbortSignal.timeout(ASK_MS), redirect: 'error' }).catch((error: unknown) => {
    throw new ApiError('SERVICE_UNAVAILABLE', 'The subscription could not be confirmed.', { cause: error });
  });
  await answer.body?.cancel();
  if (!answer.ok) throw new ApiError('SERVICE_UNAVAILABLE', 'The subscription could not be confirmed.');
  return null;
};

const mailIn = (message: string): Delivery => {
  const decoded = decode(Received, jsonIn(Buffer.from(message)));
  if (E.isLeft(decoded)) throw invalid(decoded.left);
  const { mail, receipt, content } = decoded.right;
  if (content === undefined) {
    throw invalid([{ path: 'Message.content', message: 'is required: let the receipt rule publish the mail itself to the topic' }]);
  }
  const raw = Buffer.from(content, receipt.action?.encoding?.toUpperCase() === 'BASE64' ? 'base64' : 'utf8');
  const rcptTo = receipt.recipients.flatMap((one) => addressesIn(one));
  // SES says what passes, but of DKIM and SPF not for whom: only DMARC speaks of the author. Signatures are looked at here.
  const said: Authentication = {
    spf: checkOf(receipt.spfVerdict),
    dkim: checkOf(receipt.dkimVerdict),
    dmarc: 'pass',
    arc: 'none',
    verdict: 'pass',
  };
  return { raw, mailFrom: mail.source, rcptTo, said: checkOf(receipt.dmarcVerdict) === 'pass' ? said : null };
};

const checkOf = (verdict: t.TypeOf<typeof Verdict> | undefined): Authentication['spf'] =>
  verdict?.status === 'PASS' ? 'pass' : verdict?.status === 'FAIL' ? 'fail' : 'none';
