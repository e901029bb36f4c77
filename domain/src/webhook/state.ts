import type { MailboxId } from '@tidings/contracts/ids';
import type { Sealed } from '@tidings/contracts/sealed';
import type { WebhookEvent } from './events.ts';

export type State =
  | { readonly kind: 'none' }
  | {
      readonly kind: 'registered';
      readonly mailboxId: MailboxId | null;
      readonly url: string;
      readonly events: readonly string[];
      readonly secret: Sealed<string>;
    }
  | { readonly kind: 'removed' };

export const initial: State = { kind: 'none' };

export const evolve = (state: State, event: WebhookEvent): State => {
  switch (event.type) {
    case 'WebhookRegistered': {
      const { mailboxId = null, url, events, secret } = event.data;
      return state.kind === 'removed' ? state : { kind: 'registered', mailboxId, url, events, secret };
    }
    case 'WebhookRemoved':
      return { kind: 'removed' };
    default:
      return state;
  }
};
