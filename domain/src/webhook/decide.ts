/** An address that is told what happens, from its registration to its removal. To change one, register another. */
import type { MailboxId, UserId, WebhookId } from '@tidings/contracts/ids';
import { type Either, left, right } from 'fp-ts/lib/Either.js';
import { sameValue } from '../same-value.ts';
import { type WebhookEvent, webhookRegistered, webhookRemoved } from './events.ts';
import type { State } from './state.ts';

export type Command =
  | {
      readonly type: 'RegisterWebhook';
      readonly webhookId: WebhookId;
      /** Null: of everything. */
      readonly mailboxId: MailboxId | null;
      readonly url: string;
      readonly events: readonly string[];
      /** Drawn anew on each try, so it does not tell one registration from another: the first one's stays. */
      readonly secret: string;
      readonly by: UserId;
    }
  | { readonly type: 'RemoveWebhook'; readonly webhookId: WebhookId; readonly by: UserId };

export type Rejection =
  | { readonly type: 'WebhookIdReused'; readonly webhookId: WebhookId }
  | { readonly type: 'NoSuchWebhook'; readonly webhookId: WebhookId };

export const decide = (command: Command, state: State): Either<Rejection, readonly WebhookEvent[]> => {
  const { webhookId, by } = command;
  switch (command.type) {
    case 'RegisterWebhook': {
      const { mailboxId, url, events, secret } = command;
      const of = mailboxId === null ? {} : { mailboxId };
      if (state.kind === 'none') return right([webhookRegistered({ webhookId, ...of, url, events, secret, by })]);
      if (state.kind === 'removed') return left({ type: 'NoSuchWebhook', webhookId });
      const isSame = state.mailboxId === mailboxId && state.url === url && sameValue(state.events, events);
      return isSame ? right([]) : left({ type: 'WebhookIdReused', webhookId });
    }
    case 'RemoveWebhook':
      if (state.kind === 'none') return left({ type: 'NoSuchWebhook', webhookId });
      return right(state.kind === 'removed' ? [] : [webhookRemoved({ webhookId, by })]);
  }
};
