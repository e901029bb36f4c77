/** Stream `webhook-<webhookId>`: an address of a back end that is told what happens. */
import * as t from 'io-ts';
import { text } from '../codec.ts';
import { MailboxId, UserId, WebhookId } from '../ids.ts';
import { sealed } from '../sealed.ts';
import { defineEvent, type EventOf } from './definition.ts';

export const WebhookRegistered = defineEvent({
  type: 'WebhookRegistered',
  version: 2,
  doc: 'A back end asked to be told of these kinds of events at an address. Its secret, which signs what we tell, is sealed with a key of its own.',
  data: t.readonly(
    t.intersection([
      t.type({
        webhookId: WebhookId,
        url: text(1, 2000),
        events: t.readonlyArray(text(1, 100)),
        secret: sealed(text(1, 200)),
        by: UserId,
      }),
      t.partial({
        /** It is told of this mailbox alone. */
        mailboxId: MailboxId,
      }),
    ]),
  ),
  personal: [{ subject: 'webhookId', fields: ['secret'] }],
  // Those of everything stay as they were.
  upcasts: [{ to: 2, apply: (data) => data }],
});
export type WebhookRegistered = EventOf<typeof WebhookRegistered>;

export const WebhookRemoved = defineEvent({
  type: 'WebhookRemoved',
  doc: 'A webhook was removed: its address is told nothing more.',
  data: t.readonly(t.type({ webhookId: WebhookId, by: UserId })),
});
export type WebhookRemoved = EventOf<typeof WebhookRemoved>;

export const webhookEvents = [WebhookRegistered, WebhookRemoved] as const;
export type WebhookEvent = EventOf<(typeof webhookEvents)[number]>;
