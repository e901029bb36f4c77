import type { DraftContent } from '@tidings/contracts/events/draft';
import type { TidingsEvent } from '@tidings/contracts/events/index';
import { samples } from '@tidings/contracts/events/samples';
import type { BlobId, DraftId, MailboxId } from '@tidings/contracts/ids';
import { SHREDDED } from '@tidings/contracts/sealed';
import { timestamp } from '@tidings/contracts/time';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Instance, openProjectionBench, recorded, type RunningProjection } from '../../../tests/kit/projection.ts';
import { draftById, draftCount, drafts, draftsIn, draftsOn, draftsWith, uploadsBefore, uploadsOf } from './index.ts';

let bench: RunningProjection;
beforeAll(async () => {
  bench = await openProjectionBench();
});
afterAll(() => bench.close());

const saved = samples.DraftSaved;
const { draftId, mailboxId, threadId } = saved;
const second = '10000000-0000-4000-8000-000000000002' as DraftId;
const elsewhere = '40000000-0000-4000-8000-000000000009' as MailboxId;
const file = samples.BlobUploaded.blobId;
const big = '9'.repeat(64) as BlobId;
const save = (more: Partial<typeof saved> = {}): TidingsEvent => ({ type: 'DraftSaved', data: { ...saved, revision: 1, ...more } });
const submitted: TidingsEvent = { type: 'DraftSubmitted', data: samples.DraftSubmitted };
const undone: TidingsEvent = { type: 'DraftSendUndone', data: samples.DraftSendUndone };
const dispatched: TidingsEvent = { type: 'DraftDispatched', data: samples.DraftDispatched };
const whole: TidingsEvent = { type: 'DraftSubmitted', data: { ...samples.DraftSubmitted, draftId: second, revision: 0, threadId: null } };

const after = async (...events: readonly TidingsEvent[]): Promise<Instance> => {
  const instance = await bench.fresh(drafts);
  await instance.apply(recorded(events));
  return instance;
};
const one = ({ schema }: Instance, id = draftId) => bench.read.maybeOne(draftById(schema, id));

it('shows what was saved last, and where it is to be found', async () => {
  const instance = await after(save(), save({ revision: 2, content: null, contentBlobId: big, blobIds: [big, file] }));
  expect(await one(instance)).toMatchObject({ revision: 2, content: null, contentBlobId: big, summary: saved.summary, submission: null });
  expect(await bench.read.any(draftsOn(instance.schema, [threadId ?? samples.EmailFiled.threadId], [mailboxId, elsewhere]))).toHaveLength(
    1,
  );
  expect(await bench.read.any(draftsWith(instance.schema, file, [mailboxId]))).toEqual([{ draftId }]);
  expect(await bench.read.any(draftsWith(instance.schema, file, [elsewhere]))).toEqual([]);
  expect(await bench.read.any(draftsWith(instance.schema, big, [mailboxId]))).toEqual([]); // its own content is no file of its
});

it('follows a draft to another mailbox, and what happens to it there', async () => {
  const instance = await after(save(), save({ revision: 2, mailboxId: elsewhere, movedFrom: mailboxId, threadId: null }));
  expect(await bench.read.any(draftsIn(instance.schema, mailboxId, null, 10))).toEqual([]);
  expect(await bench.read.any(draftsIn(instance.schema, elsewhere, null, 10))).toMatchObject([{ draftId, revision: 2 }]);
  expect(await one(await after(save(), { type: 'DraftDiscarded', data: samples.DraftDiscarded }))).toBeNull();
});

it('knows what waits to be sent, and keeps its bytes', async () => {
  const { sendAt, emailId, messageId } = samples.DraftSubmitted;
  const waiting = await after(save(), submitted);
  expect(await one(waiting)).toMatchObject({ submission: { sendAt, emailId, messageId } });
  const back = await after(save(), submitted, undone);
  expect(await one(back)).toMatchObject({ submission: null, revision: 1 });
  expect(await one(await after(save(), submitted, dispatched))).toBeNull();
});

it('takes a message that was handed over whole for nobody’s draft', async () => {
  const instance = await after(whole);
  expect(await one(instance, second)).toBeNull();
  expect(await bench.read.one(draftCount(instance.schema, mailboxId))).toEqual({ drafts: 0 });
});

it('keeps files while they are reserved, and forgets all of a closed mailbox', async () => {
  const put: TidingsEvent = { type: 'BlobUploaded', data: samples.BlobUploaded };
  const instance = await after(put, put);
  expect(await bench.read.any(uploadsOf(instance.schema, file, [mailboxId]))).toMatchObject([
    { name: 'Nœud.pdf', type: 'application/pdf' },
  ]);
  expect(await bench.read.any(uploadsOf(instance.schema, file, [elsewhere]))).toEqual([]);
  expect(await bench.read.any(uploadsBefore(instance.schema, timestamp(Date.UTC(2030, 0, 1)), 10))).toEqual([{ mailboxId, blobId: file }]);
  const forgotten = await after(put, { type: 'UploadForgotten', data: samples.UploadForgotten });
  expect(await bench.read.any(uploadsOf(forgotten.schema, file, [mailboxId]))).toEqual([]);
  const closed = await after(put, save(), { type: 'MailboxClosed', data: samples.MailboxClosed });
  expect(await closed.dump()).toEqual([]);
});

it('reads pages of any size alike, NUL and erased words among them', async () => {
  const content = { ...(saved.content as DraftContent), text: 'a\0b' };
  const events = recorded([save({ content }), submitted, undone, save({ revision: 2, summary: SHREDDED, content: SHREDDED }), whole]);
  const dumps = await Promise.all(
    [1, 2, 500].map(async (size) => {
      const instance = await bench.fresh(drafts);
      await instance.apply(events, size);
      return instance.dump();
    }),
  );
  expect(dumps[1]).toEqual(dumps[0]);
  expect(dumps[2]).toEqual(dumps[0]);
});
