/** SendGrid's Inbound Parse: a form, signed by ECDSA over timestamp and body where its security policy says so, which we insist on. */
import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import { addressesIn, type Delivery, type Headers, rebuilt, saidBy } from './delivery.ts';
import type { Door, InboundRequest } from './door.ts';
import { FORMS, formIn } from './form.ts';
import { isRecent, unsigned } from './seed.ts';

/** @param publicKey as SendGrid shows it: base64 of the key's DER form */
export const sendgridDoor = (publicKey: string): Door => {
  const key = keyOf(publicKey);
  return {
    name: 'sendgrid',
    types: FORMS,
    authenticate: ({ body, header, now }) => {
      const timestamp = header('x-twilio-email-event-webhook-timestamp') ?? '';
      const signature = Buffer.from(header('x-twilio-email-event-webhook-signature') ?? '', 'base64');
      const isGood = verify('sha256', Buffer.concat([Buffer.from(timestamp), body]), key, signature);
      if (!isGood) throw unsigned('The signature is not that of this body.');
      if (!isRecent(timestamp, now)) throw unsigned('The timestamp is more than five minutes away.');
    },
    read,
  };
};

const keyOf = (publicKey: string): KeyObject => createPublicKey({ key: Buffer.from(publicKey, 'base64'), format: 'der', type: 'spki' });

const read = async (request: InboundRequest): Promise<Delivery> => {
  const { field, files } = await formIn(request);
  const envelope = envelopeIn(field('envelope') ?? '');
  const mime = field('email');
  const from = field('from') ?? envelope.from;
  const [author = ''] = addressesIn(from);
  const to = field('to') ?? '';
  const rcptTo = envelope.to.length > 0 ? envelope.to : addressesIn(to);
  const headers = headersIn(field('headers') ?? '');
  const spf = field('SPF');
  const said = saidBy(spf === null ? headers : [...headers, ['received-spf', spf]], envelope.from, author);
  if (mime !== null)
    return { raw: Buffer.from(mime, 'utf8'), mailFrom: envelope.from, rcptTo, said: said.verdict === 'pass' ? said : null };
  const raw = await rebuilt({
    ...{ from, to, cc: field('cc'), subject: field('subject') ?? '', text: field('text'), html: field('html') },
    ...{ headers, files: await files() },
  });
  return { raw, mailFrom: envelope.from, rcptTo, said };
};

const envelopeIn = (json: string): { readonly from: string; readonly to: readonly string[] } => {
  try {
    const told: unknown = JSON.parse(json);
    if (typeof told !== 'object' || told === null) return { from: '', to: [] };
    const from = 'from' in told && typeof told.from === 'string' ? told.from : '';
    const to = 'to' in told && Array.isArray(told.to) ? told.to.filter((one): one is string => typeof one === 'string') : [];
    return { from, to };
  } catch {
    return { from: '', to: [] };
  }
};

const headersIn = (text: string): Headers =>
  text
    .replace(/\r?\n[ \t]+/g, ' ')
    .split(/\r?\n/)
    .flatMap((line): Headers => {
      const colon = line.indexOf(':');
      return colon < 1 ? [] : [[line.slice(0, colon).trim(), line.slice(colon + 1).trim()]];
    });
