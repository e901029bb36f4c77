import type { ImportCounts } from '@tidings/contracts/events/import';
import type { TidingsEvent } from '@tidings/contracts/events/index';
import { MOST_FAILURES } from '@tidings/contracts/http/imports';
import { type BlobId, derivedId, type ImportId, type MailboxId, type UserId } from '@tidings/contracts/ids';
import { SHREDDED } from '@tidings/contracts/sealed';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openProjectionBench, recorded, type RunningProjection } from '../../../tests/kit/projection.ts';
import { importById, imports, importsOf, importView, openImports } from './index.ts';

const mailboxId = derivedId<MailboxId>('mailbox');
const by = derivedId<UserId>('ann');
const ids = (name: string) => ({ importId: derivedId<ImportId>('import', name), mailboxId });
const counts = (done: number, failed = 0): ImportCounts => ({ total: 9, done, filed: done - failed, duplicates: 0, failed });
const requested = (name: string): TidingsEvent => {
  const source = { type: 'file', format: 'mbox', blobId: 'a'.repeat(64) as BlobId, size: 10 } as const;
  return { type: 'ImportRequested', data: { ...ids(name), by, source, name: `${name}.mbox`, folders: null } };
};
const progressed = (name: string, done: number, failed = 0): TidingsEvent => {
  const failures = Array.from({ length: failed }, (_, n) => ({ place: `mail ${n}`, reason: 'too large' }));
  return { type: 'ImportProgressed', data: { ...ids(name), ...counts(done, failed), next: done, folders: [], failures } };
};
const finished = (name: string): TidingsEvent => ({ type: 'ImportFinished', data: { ...ids(name), ...counts(9) } });
const error = { code: 'quota', field: null, message: 'The mailbox is full.' } as const;

let bench: RunningProjection;
beforeAll(async () => {
  bench = await openProjectionBench();
});
afterAll(() => bench.close());

const given = async (events: readonly TidingsEvent[], pageSize = 100) => {
  const { schema, apply } = await bench.fresh(imports);
  await apply(recorded(events), pageSize);
  return {
    shown: async () => (await bench.read.any(importsOf(schema, mailboxId))).map(importView),
    one: async (name: string) => bench.read.maybeOne(importById(schema, ids(name).importId)),
    open: async () => (await bench.read.any(openImports(schema))).map(({ importId }) => importId),
  };
};

it.each([1, 100])('shows how far each is, the last one first, in pages of %i', async (pageSize) => {
  const { shown, open } = await given(
    [requested('one'), requested('two'), progressed('one', 3, 1), requested('three'), finished('two'), progressed('one', 5)],
    pageSize,
  );
  expect(await shown()).toMatchObject([
    { id: ids('three').importId, state: 'queued', total: null, done: 0, startedAt: null, endedAt: null },
    { id: ids('two').importId, state: 'done', done: 9, endedAt: '2026-01-01T00:00:05.000Z' },
    {
      ...{ id: ids('one').importId, mailboxId, source: { type: 'mbox', name: 'one.mbox', size: 10 }, state: 'running' },
      ...{ total: 9, done: 5, filed: 5, failed: 0, requestedAt: '2026-01-01T00:00:01.000Z', startedAt: '2026-01-01T00:00:03.000Z' },
      failures: [{ place: 'mail 0', reason: 'too large' }],
    },
  ]);
  expect(await open()).toEqual([ids('one').importId, ids('three').importId]);
});

it('says how it ended, and counts what was being filed as it was cancelled', async () => {
  const { one, open } = await given([
    ...[requested('failed'), { type: 'ImportFailed', data: { ...ids('failed'), ...counts(4), error } } as const],
    ...[requested('cancelled'), { type: 'ImportCancelled', data: { ...ids('cancelled'), ...counts(2), by } } as const],
    progressed('cancelled', 4),
  ]);
  expect(await one('failed')).toMatchObject({ state: 'failed', done: 4, error });
  expect(await one('cancelled')).toMatchObject({ state: 'cancelled', done: 4, endedAt: '2026-01-01T00:00:04.000Z', error: null });
  expect(await open()).toEqual([]);
});

it('tells the first failures, and no more', async () => {
  const { one } = await given([requested('one'), progressed('one', 200, 70), progressed('one', 400, 70)]);
  expect((await one('one'))?.failures).toHaveLength(MOST_FAILURES);
});

it('goes with its mailbox, and knows no names that were erased', async () => {
  const erased = requested('one');
  const shredded = { ...erased, data: { ...erased.data, name: SHREDDED, folders: SHREDDED } } as TidingsEvent;
  expect(await (await given([shredded])).one('one')).toMatchObject({ name: null, wanted: null });
  const closed: TidingsEvent = { type: 'MailboxClosed', data: { mailboxId, by } };
  expect(await (await given([requested('one'), closed])).shown()).toEqual([]);
});
