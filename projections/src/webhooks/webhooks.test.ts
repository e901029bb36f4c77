import type { TidingsEvent } from '@tidings/contracts/events/index';
import { derivedId, type MailboxId, type UserId, type WebhookId } from '@tidings/contracts/ids';
import { SHREDDED, type Sealed } from '@tidings/contracts/sealed';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openProjectionBench, recorded, type RunningProjection } from '../../../tests/kit/projection.ts';
import { allWebhooks, webhookById, webhooks, webhooksOf } from './index.ts';

const by = derivedId<UserId>('ada');
const hook = (name: string): WebhookId => derivedId<WebhookId>('webhook', name);
const registered = (name: string, secret: Sealed<string> = `secret of ${name}`): TidingsEvent => ({
  type: 'WebhookRegistered',
  data: { webhookId: hook(name), url: `https://${name}.example.org/`, events: ['push.requested', 'NewRoom'], secret, by },
});
const removed = (name: string): TidingsEvent => ({ type: 'WebhookRemoved', data: { webhookId: hook(name), by } });

let bench: RunningProjection;
beforeAll(async () => {
  bench = await openProjectionBench();
});
afterAll(() => bench.close());

it.each([1, 100])('shows webhooks until they are removed or their secret is erased, in pages of %i', async (pageSize) => {
  const instance = await bench.fresh(webhooks);
  await instance.apply(recorded([registered('one'), registered('two'), registered('three', SHREDDED), removed('two')]), pageSize);
  const shown = await bench.read.any(allWebhooks(instance.schema));
  expect(shown).toEqual([
    {
      id: hook('one'),
      url: 'https://one.example.org/',
      events: ['push.requested', 'NewRoom'],
      secret: 'secret of one',
      createdBy: by,
      createdAt: '2026-01-01T00:00:01.000Z',
      mailboxId: null,
    },
  ]);
  expect(await bench.read.maybeOne(webhookById(instance.schema, hook('one')))).toEqual(shown[0]);
  expect(await bench.read.maybeOne(webhookById(instance.schema, hook('two')))).toBeNull();
});

it('shows those of one mailbox', async () => {
  const instance = await bench.fresh(webhooks);
  const mailboxId = derivedId<MailboxId>('mailbox');
  const inOne = registered('one');
  await instance.apply(recorded([{ ...inOne, data: { ...inOne.data, mailboxId } } as TidingsEvent, registered('two')]), 100);
  expect((await bench.read.any(webhooksOf(instance.schema, mailboxId))).map(({ id }) => id)).toEqual([hook('one')]);
  expect((await bench.read.any(allWebhooks(instance.schema))).map((row) => row.mailboxId)).toEqual([mailboxId, null]);
});
