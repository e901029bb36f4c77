import type { TidingsEvent } from '@tidings/contracts/events/index';
import { samples } from '@tidings/contracts/events/samples';
import { SHREDDED } from '@tidings/contracts/sealed';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openProjectionBench, recorded, type RunningProjection } from '../../../tests/kit/projection.ts';
import { answers, autoreplyOf, receiptAnswersOf, receiptPolicyOf } from './index.ts';

let bench: RunningProjection;
beforeAll(async () => {
  bench = await openProjectionBench();
});
afterAll(() => bench.close());

const { mailboxId, by } = samples.AutoreplySet;
const set: TidingsEvent = { type: 'AutoreplySet', data: samples.AutoreplySet };
const never: TidingsEvent = { type: 'ReceiptPolicySet', data: samples.ReceiptPolicySet };
const answered: TidingsEvent = { type: 'ReceiptAnswered', data: samples.ReceiptAnswered };
const { emailId } = samples.ReceiptAnswered;

it('shows what a mailbox answers, as it is now', async () => {
  const instance = await bench.fresh(answers);
  const off: TidingsEvent = { type: 'AutoreplySet', data: { ...samples.AutoreplySet, isActive: false } };
  await instance.apply(recorded([set, off, never, answered]));
  const { schema } = instance;
  const { schedule, content } = samples.AutoreplySet;
  expect(await bench.read.any(autoreplyOf(schema, mailboxId))).toEqual([{ isActive: false, schedule, content }]);
  expect(await bench.read.any(receiptPolicyOf(schema, mailboxId))).toEqual([{ policy: 'never' }]);
  expect(await bench.read.any(receiptAnswersOf(schema, [emailId]))).toEqual([{ emailId, mailboxId, answer: 'sent' }]);
});

it('forgets what is taken away, all of a closed mailbox, and knows nothing of who is erased', async () => {
  const removed = await bench.fresh(answers);
  await removed.apply(recorded([set, { type: 'AutoreplyRemoved', data: samples.AutoreplyRemoved }]));
  expect(await removed.dump()).toEqual([]);
  const closed = await bench.fresh(answers);
  await closed.apply(recorded([set, never, answered, { type: 'MailboxClosed', data: { mailboxId, by } }]));
  expect(await closed.dump()).toEqual([]);
  const erased = await bench.fresh(answers);
  await erased.apply(recorded([{ type: 'AutoreplySet', data: { ...samples.AutoreplySet, content: SHREDDED } }]));
  expect(await erased.dump()).toEqual([]);
});
