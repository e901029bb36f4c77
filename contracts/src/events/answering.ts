/**
 * What a mailbox answers without anybody writing it. Streams `answering-<mailboxId>` (what it is to say, and when) and `answered-<mailboxId>.<id>`
 * (what it answered to one sender, or about one mail), which are reservations: whoever answers asks there first.
 */
import * as t from 'io-ts';
import { int, oneOf, text } from '../codec.ts';
import { EmailId, MailboxId, ThreadId, UserId } from '../ids.ts';
import { sealed } from '../sealed.ts';
import { Timestamp } from '../time.ts';
import { defineEvent, type EventOf } from './definition.ts';
import { ClockTime } from './notices.ts';

/** ISO 8601: Monday is 1. */
export const WeekTime = t.readonly(t.type({ day: int(1, 7), time: ClockTime }));
export type WeekTime = t.TypeOf<typeof WeekTime>;

/** `weekly` hours may go over the end of the week; the zone is an IANA name, so they follow summer time. */
export const AnswerSchedule = t.union([
  t.readonly(t.type({ type: t.literal('always') })),
  t.readonly(t.type({ type: t.literal('range'), from: Timestamp, to: Timestamp })),
  t.readonly(
    t.type({
      type: t.literal('weekly'),
      timeZone: text(1, 100),
      hours: t.readonlyArray(t.readonly(t.type({ from: WeekTime, to: WeekTime }))),
    }),
  ),
]);
export type AnswerSchedule = t.TypeOf<typeof AnswerSchedule>;

/** HTML is sanitised before it gets here; empty: plain text only. An empty subject stands for that of the mail that is answered. */
export const AnswerText = t.readonly(t.type({ subject: text(0, 900), text: t.string, html: t.string }));
export type AnswerText = t.TypeOf<typeof AnswerText>;

export const AutoreplySet = defineEvent({
  type: 'AutoreplySet',
  doc: 'A mailbox has an automatic reply, or another one in its place; all of it as it is now.',
  data: t.readonly(
    t.type({ mailboxId: MailboxId, isActive: t.boolean, schedule: AnswerSchedule, content: sealed(AnswerText), by: UserId }),
  ),
  personal: [{ subject: 'mailboxId', fields: ['content'] }],
});
export type AutoreplySet = EventOf<typeof AutoreplySet>;

export const AutoreplyRemoved = defineEvent({
  type: 'AutoreplyRemoved',
  doc: 'A mailbox has no automatic reply any more.',
  data: t.readonly(t.type({ mailboxId: MailboxId, by: UserId })),
});
export type AutoreplyRemoved = EventOf<typeof AutoreplyRemoved>;

export const ReceiptPolicy = oneOf('ask', 'never');
export type ReceiptPolicy = t.TypeOf<typeof ReceiptPolicy>;

export const ReceiptPolicySet = defineEvent({
  type: 'ReceiptPolicySet',
  doc: 'Whether a mailbox sends read receipts to who asks for them: never, or when somebody says so for a mail.',
  data: t.readonly(t.type({ mailboxId: MailboxId, policy: ReceiptPolicy, by: UserId })),
});
export type ReceiptPolicySet = EventOf<typeof ReceiptPolicySet>;

export const AutoreplyDecided = defineEvent({
  type: 'AutoreplyDecided',
  doc: 'A mailbox answers a mail by itself (RFC 3834). The stream stands for the sender: not twice in a day.',
  data: t.readonly(t.type({ mailboxId: MailboxId, emailId: EmailId, threadId: ThreadId, at: Timestamp })),
});
export type AutoreplyDecided = EventOf<typeof AutoreplyDecided>;

export const ReceiptAnswered = defineEvent({
  type: 'ReceiptAnswered',
  doc: 'Somebody was asked whether the author of a mail may know that it was read (RFC 8098), and said so. A receipt goes out only if they said yes.',
  data: t.readonly(t.type({ mailboxId: MailboxId, emailId: EmailId, threadId: ThreadId, sent: t.boolean, by: UserId })),
});
export type ReceiptAnswered = EventOf<typeof ReceiptAnswered>;

export const answeringEvents = [AutoreplySet, AutoreplyRemoved, ReceiptPolicySet, AutoreplyDecided, ReceiptAnswered] as const;
export type AnsweringEvent = EventOf<(typeof answeringEvents)[number]>;
