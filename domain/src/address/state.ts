import type { MailboxId } from '@tidings/contracts/ids';
import type { AddressEvent } from './events.ts';

export type State = { readonly kind: 'free' } | { readonly kind: 'claimed'; readonly mailboxId: MailboxId };

export const initial: State = { kind: 'free' };

export const evolve = (state: State, event: AddressEvent): State => {
  switch (event.type) {
    case 'AddressClaimed':
      return { kind: 'claimed', mailboxId: event.data.mailboxId };
    case 'AddressReleased':
      return initial;
    default:
      return state;
  }
};
