import { timestamp } from '@tidings/contracts/time';
import { expect, it } from 'vitest';
import { specify } from '../testing/given.ts';
import { alice, emailNo, mailboxNo, threadNo } from '../testing/people.ts';
import { AUTOREPLY_EVERY_MS } from './decide.ts';
import { autoreplyDecided, receiptAnswered } from './events.ts';
import { answered, answeredToKey, receiptKey } from './index.ts';

const given = specify(answered);
const reply = (n: number, ms: number) => ({ mailboxId: mailboxNo(1), emailId: emailNo(n), threadId: threadNo(1), at: timestamp(ms) });

it('a sender has an automatic reply once a day, and the same mail never a second one', () => {
  const first = autoreplyDecided(reply(1, 1_000));
  given()
    .when({ type: 'Autoreply', ...reply(1, 1_000) })
    .then(first);
  given(first)
    .when({ type: 'Autoreply', ...reply(1, 1_000 + 2 * AUTOREPLY_EVERY_MS) })
    .thenNothing();
  given(first)
    .when({ type: 'Autoreply', ...reply(2, 999 + AUTOREPLY_EVERY_MS) })
    .thenRejected({ type: 'AnsweredToday' });
  const next = reply(2, 1_000 + AUTOREPLY_EVERY_MS);
  given(first)
    .when({ type: 'Autoreply', ...next })
    .then(autoreplyDecided(next));
});

it('a request for a receipt is answered once', () => {
  const asked = { mailboxId: mailboxNo(1), emailId: emailNo(1), threadId: threadNo(1), by: alice };
  const yes = receiptAnswered({ ...asked, sent: true });
  given()
    .when({ type: 'AnswerReceipt', ...asked, sent: true })
    .then(yes);
  given(yes)
    .when({ type: 'AnswerReceipt', ...asked, sent: true })
    .thenNothing();
  given(yes)
    .when({ type: 'AnswerReceipt', ...asked, sent: false })
    .thenRejected({ type: 'ReceiptAnsweredDifferently' });
});

it('each sender and each mail has a stream of its own, beside those of its mailbox', () => {
  const keys = [answeredToKey(mailboxNo(1), 'a@x'), answeredToKey(mailboxNo(1), 'b@x'), receiptKey(mailboxNo(1), emailNo(1))];
  expect(new Set(keys).size).toBe(3);
  for (const key of keys) expect(key.startsWith(`${mailboxNo(1)}.`)).toBe(true);
});
