import { it } from 'vitest';
import { specify } from '../testing/given.ts';
import { alice, bob, mailboxNo, webhookNo } from '../testing/people.ts';
import { webhookRegistered, webhookRemoved } from './events.ts';
import { webhook } from './index.ts';

const given = specify(webhook);
const webhookId = webhookNo(1);
const hook = { webhookId, url: 'https://example.org/hook', events: ['MessageSent'], secret: 'first', by: alice };
const register = { type: 'RegisterWebhook', mailboxId: null, ...hook } as const;
const remove = { type: 'RemoveWebhook', webhookId, by: bob } as const;
const registered = webhookRegistered(hook);
const removed = webhookRemoved({ webhookId, by: bob });

it('a webhook is registered once, and keeps its first secret', () => {
  given().when(register).then(registered);
  given(registered)
    .when({ ...register, secret: 'second' })
    .thenNothing();
  given(registered)
    .when({ ...register, url: 'https://example.org/other' })
    .thenRejected({ type: 'WebhookIdReused', webhookId });
  given(registered)
    .when({ ...register, events: [] })
    .thenRejected({ type: 'WebhookIdReused', webhookId });
});

it('may be of one mailbox', () => {
  const ofOne = { ...register, mailboxId: mailboxNo(1) };
  const made = webhookRegistered({ ...hook, mailboxId: mailboxNo(1) });
  given().when(ofOne).then(made);
  given(made).when(ofOne).thenNothing();
  given(made).when(register).thenRejected({ type: 'WebhookIdReused', webhookId });
  given(registered).when(ofOne).thenRejected({ type: 'WebhookIdReused', webhookId });
});

it('is removed for good', () => {
  given(registered).when(remove).then(removed);
  given(registered, removed).when(remove).thenNothing();
  given(registered, removed).when(register).thenRejected({ type: 'NoSuchWebhook' });
  given().when(remove).thenRejected({ type: 'NoSuchWebhook', webhookId });
});
