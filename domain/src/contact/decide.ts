/** A contact as people want it: saved under a name, or not shown. What mail brings is the read model's own affair. */
import type { ContactId, MailboxId, UserId } from '@tidings/contracts/ids';
import { type Either, right } from 'fp-ts/lib/Either.js';
import type { EmailAddress } from '../mail/address.ts';
import { contactRemoved, contactSaved, type ContactEvent } from './events.ts';
import type { State } from './state.ts';

export type Command =
  | {
      readonly type: 'SaveContact';
      readonly mailboxId: MailboxId;
      readonly contactId: ContactId;
      readonly email: EmailAddress;
      readonly name: string | null;
      readonly by: UserId;
    }
  | { readonly type: 'RemoveContact'; readonly mailboxId: MailboxId; readonly contactId: ContactId; readonly by: UserId };

export const decide = (command: Command, state: State): Either<never, readonly ContactEvent[]> => {
  const { mailboxId, contactId, by } = command;
  switch (command.type) {
    case 'SaveContact': {
      const { email, name } = command;
      return right(state.kind === 'saved' && state.name === name ? [] : [contactSaved({ mailboxId, contactId, email, name, by })]);
    }
    case 'RemoveContact':
      return right(state.kind === 'removed' ? [] : [contactRemoved({ mailboxId, contactId, by })]);
  }
};
