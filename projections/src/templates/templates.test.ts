import type { TidingsEvent } from '@tidings/contracts/events/index';
import { samples } from '@tidings/contracts/events/samples';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openProjectionBench, recorded, type RunningProjection } from '../../../tests/kit/projection.ts';
import { templates, templatesOf, templateView } from './index.ts';

let bench: RunningProjection;
beforeAll(async () => {
  bench = await openProjectionBench();
});
afterAll(() => bench.close());

const own: TidingsEvent = { type: 'TemplateSaved', data: samples.TemplateSaved };
const ofDomain: TidingsEvent = { type: 'DomainTemplateSaved', data: samples.DomainTemplateSaved };
const { mailboxId } = samples.TemplateSaved;

it('shows a mailbox its templates and those of its domain, as they are now', async () => {
  const instance = await bench.fresh(templates);
  const content = { name: 'Zealous', subject: '', text: 'x', html: '' };
  await instance.apply(recorded([own, ofDomain, { type: 'TemplateSaved', data: { ...samples.TemplateSaved, isDefault: false, content } }]));
  const found = await bench.read.any(templatesOf(instance.schema, [mailboxId, 'tidings.test'], 'signature'));
  expect(found.map((row) => templateView(row, 'tidings.test'))).toMatchObject([
    { scope: 'domain', name: 'Imprint', isForced: true },
    { scope: 'mailbox', name: 'Zealous', isDefault: false },
  ]);
  expect(await bench.read.any(templatesOf(instance.schema, [mailboxId], 'message'))).toEqual([]);
});

it('forgets what is removed, and all of a closed mailbox', async () => {
  const removed: readonly TidingsEvent[] = [
    { type: 'TemplateRemoved', data: samples.TemplateRemoved },
    { type: 'DomainTemplateRemoved', data: samples.DomainTemplateRemoved },
  ];
  const instance = await bench.fresh(templates);
  await instance.apply(recorded([own, ofDomain, ...removed]));
  expect(await instance.dump()).toEqual([]);
  const closed = await bench.fresh(templates);
  await closed.apply(recorded([own, { type: 'MailboxClosed', data: { mailboxId, by: samples.TemplateSaved.by } }]));
  expect(await closed.dump()).toEqual([]);
});
