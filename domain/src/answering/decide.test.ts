import { SHREDDED } from '@tidings/contracts/sealed';
import { expect, it } from 'vitest';
import { specify } from '../testing/given.ts';
import { alice, mailboxNo } from '../testing/people.ts';
import { autoreplyRemoved, autoreplySet, receiptPolicySet } from './events.ts';
import { answering } from './index.ts';

const given = specify(answering);
const mailboxId = mailboxNo(1);
const content = { subject: '', text: 'Back on Monday.', html: '' };
const reply = { mailboxId, isActive: true, schedule: { type: 'always' as const }, content, by: alice };
const set = autoreplySet(reply);

it('an automatic reply is set as a whole, changed and taken away', () => {
  given()
    .when({ type: 'SetAutoreply', ...reply })
    .then(set);
  given(set)
    .when({ type: 'SetAutoreply', ...reply })
    .thenNothing();
  given(set)
    .when({ type: 'SetAutoreply', ...reply, isActive: false })
    .then(autoreplySet({ ...reply, isActive: false }));
  given(set)
    .when({ type: 'RemoveAutoreply', mailboxId, by: alice })
    .then(autoreplyRemoved({ mailboxId, by: alice }));
  given(set, autoreplyRemoved({ mailboxId, by: alice }))
    .when({ type: 'RemoveAutoreply', mailboxId, by: alice })
    .thenNothing();
  given(autoreplySet({ ...reply, content: SHREDDED }))
    .when({ type: 'SetAutoreply', ...reply })
    .then(set);
});

it('receipts are asked for unless the mailbox says never', () => {
  const never = { mailboxId, policy: 'never' as const, by: alice };
  expect(answering.initial.receipts).toBe('ask');
  given()
    .when({ type: 'SetReceiptPolicy', ...never, policy: 'ask' })
    .thenNothing();
  given()
    .when({ type: 'SetReceiptPolicy', ...never })
    .then(receiptPolicySet(never));
});
