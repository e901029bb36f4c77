/** A reservation: an address belongs to the mailbox that claimed it first, until that mailbox gives it up. */
import type { MailboxId } from '@tidings/contracts/ids';
import { type Either, left, right } from 'fp-ts/lib/Either.js';
import type { EmailAddress } from '../mail/address.ts';
import { addressClaimed, type AddressEvent, addressReleased } from './events.ts';
import type { State } from './state.ts';

export type Command =
  | { readonly type: 'ClaimAddress'; readonly address: EmailAddress; readonly mailboxId: MailboxId }
  | { readonly type: 'ReleaseAddress'; readonly address: EmailAddress; readonly mailboxId: MailboxId };

/** Does not say whose it is: that is nobody else's business. */
export type Rejection = { readonly type: 'AddressTaken'; readonly address: EmailAddress };

export const decide = (command: Command, state: State): Either<Rejection, readonly AddressEvent[]> => {
  const { address, mailboxId } = command;
  const isOurs = state.kind === 'claimed' && state.mailboxId === mailboxId;
  switch (command.type) {
    case 'ClaimAddress':
      if (state.kind === 'free') return right([addressClaimed({ mailboxId, address })]);
      return isOurs ? right([]) : left({ type: 'AddressTaken', address });
    case 'ReleaseAddress':
      return right(isOurs ? [addressReleased({ mailboxId, address })] : []);
  }
};
