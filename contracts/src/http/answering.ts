/** What a mailbox answers without anybody writing it: its automatic reply (RFC 3834), and read receipts (RFC 8098). */
import * as t from 'io-ts';
import { int, oneOf } from '../codec.ts';
import { ReceiptPolicy } from '../events/answering.ts';
import { ClockTime } from '../events/notices.ts';
import { EmailId, MailboxId } from '../ids.ts';
import { described } from '../json-schema.ts';
import { Timestamp } from '../time.ts';
import { oneLine } from './drafts.ts';
import { listOf } from './mail.ts';
import { defineRoute, type Route } from './route.ts';

/** Octets of text and HTML together. */
export const MAX_AUTOREPLY_BYTES = 64 * 1024;
export const MOST_AUTOREPLY_HOURS = 50;

/** An IANA name, such as `Europe/Paris`. */
export const TimeZone = described(
  new t.Type<string>(
    'TimeZone',
    (u): u is string => typeof u === 'string' && isTimeZone(u),
    (u, c) => (typeof u === 'string' && isTimeZone(u) ? t.success(u) : t.failure(u, c, 'must be a time zone like Europe/Paris')),
    t.identity,
  ),
  { type: 'string' },
);

const isTimeZone = (name: string): boolean => {
  if (!/^[A-Za-z][\w+/-]{0,99}$/.test(name)) return false;
  try {
    void new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
};

const WeekTime = t.readonly(t.type({ day: int(1, 7), time: ClockTime }));

/** `weekly`: Monday is day 1; hours that end before they begin go over the end of the week. */
export const Schedule = t.union([
  // By literals and bare types, so that faults are those of the kind that was meant.
  t.type({ type: t.literal('always') }),
  t.type({ type: t.literal('range'), from: Timestamp, to: Timestamp }),
  t.type({
    type: t.literal('weekly'),
    timeZone: TimeZone,
    hours: listOf(t.readonly(t.type({ from: WeekTime, to: WeekTime })), 1, MOST_AUTOREPLY_HOURS),
  }),
]);

export const Autoreply = t.readonly(
  t.type({
    isActive: t.boolean,
    /** By its schedule, at this moment. */
    isActiveNow: t.boolean,
    schedule: Schedule,
    /** Empty: that of the mail that is answered, behind `Auto:`. */
    subject: t.string,
    text: t.string,
    /** Empty: plain text only. */
    html: t.string,
  }),
);
export type Autoreply = t.TypeOf<typeof Autoreply>;

/** It has a text, HTML or both. */
export const SetAutoreply = t.readonly(
  t.partial({ isActive: t.boolean, schedule: Schedule, subject: oneLine(0, 900), text: t.string, html: t.string }),
);

const mailbox = t.readonly(t.type({ mailboxId: MailboxId }));

export const getAutoreply = defineRoute({
  ...{ id: 'getAutoreply', method: 'GET', path: '/api/mailboxes/{mailboxId}/autoreply', tag: 'Mailboxes' },
  summary: 'The automatic reply of a mailbox; 404 when it has none.',
  ...{ params: mailbox, response: Autoreply, errors: [404] },
});

export const setAutoreply = defineRoute({
  ...{ id: 'setAutoreply', method: 'PUT', path: '/api/mailboxes/{mailboxId}/autoreply', tag: 'Mailboxes' },
  summary:
    'Sets the automatic reply of a mailbox, all of it. Each sender gets it once a day; lists, machines and mail that does not name the mailbox get none. For its admins.',
  ...{ params: mailbox, body: SetAutoreply, response: Autoreply, errors: [403, 404] },
});

export const removeAutoreply = defineRoute({
  ...{ id: 'removeAutoreply', method: 'DELETE', path: '/api/mailboxes/{mailboxId}/autoreply', tag: 'Mailboxes' },
  summary: 'Takes the automatic reply of a mailbox away. For its admins.',
  ...{ params: mailbox, errors: [403, 404] },
});

/** `ask`: a receipt goes out when somebody says so for a mail. `never`: none ever does. */
export const Receipts = t.readonly(t.type({ policy: ReceiptPolicy }));
export type Receipts = t.TypeOf<typeof Receipts>;

export const getReceiptPolicy = defineRoute({
  ...{ id: 'getReceiptPolicy', method: 'GET', path: '/api/mailboxes/{mailboxId}/receipts', tag: 'Mailboxes' },
  summary: 'Whether a mailbox may send read receipts to who asks for them.',
  ...{ params: mailbox, response: Receipts, errors: [404] },
});

export const setReceiptPolicy = defineRoute({
  ...{ id: 'setReceiptPolicy', method: 'PUT', path: '/api/mailboxes/{mailboxId}/receipts', tag: 'Mailboxes' },
  summary: 'Says whether a mailbox may send read receipts to who asks for them. For its admins.',
  ...{ params: mailbox, body: Receipts, response: Receipts, errors: [403, 404] },
});

export const ReceiptAnswer = t.readonly(t.type({ answer: oneOf('sent', 'declined') }));

export const answerReceipt = defineRoute({
  ...{ id: 'answerReceipt', method: 'POST', path: '/api/emails/{emailId}/receipt', tag: 'Mail' },
  summary:
    'Answers what an email asks in `receiptRequest`: sends its author a receipt, or decides that none is sent. Once; a receipt cannot be called back. For senders.',
  params: t.readonly(t.type({ emailId: EmailId })),
  body: t.readonly(t.type({ mailboxId: MailboxId, send: t.boolean })),
  response: ReceiptAnswer,
  errors: [403, 404, 409],
});

export const answeringRoutes: readonly Route[] = [
  ...[getAutoreply, setAutoreply, removeAutoreply],
  ...[getReceiptPolicy, setReceiptPolicy, answerReceipt],
];
