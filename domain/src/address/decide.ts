/** A reservation: an address belongs to the mailbox that claimed it first, for good. */
import type { MailboxId } from '@tidings/contracts/ids';
import { type Either, left, right } from 'fp-ts/lib/Either.js';
import type { EmailAddress } from '../mail/address.ts';
import { addressClaimed, type AddressEvent } from './events.ts';
import type { State } from './state.ts';

export interface Command {
  readonly type: 'ClaimAddress';
  readonly address: EmailAddress;
  readonly mailboxId: MailboxId;
}

/** Does not say whose it is: that is nobody else's business. */
export type Rejection = { readonly type: 'AddressTaken'; readonly address: EmailAddress };

export const decide = (command: Command, state: State): Either<Rejection, readonly AddressEvent[]> => {
  const { address, mailboxId } = command;
  if (state.kind === 'free') return right([addressClaimed({ mailboxId, address })]);
  return state.mailboxId === mailboxId ? right([]) : left({ type: 'AddressTaken', address });
};
