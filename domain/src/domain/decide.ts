/** Who manages a mail domain. Which domains there are, and who manages all of them, is the operator's to configure (docs/decisions/029). */
import type { UserId } from '@tidings/contracts/ids';
import { type Either, right } from 'fp-ts/lib/Either.js';
import { domainAdminAdded, domainAdminRemoved, type DomainEvent } from './events.ts';
import type { State } from './state.ts';

interface Admin {
  readonly domain: string;
  readonly userId: UserId;
  readonly by: UserId;
}
export type Command = ({ readonly type: 'AddDomainAdmin' } & Admin) | ({ readonly type: 'RemoveDomainAdmin' } & Admin);

/** The last may go too: the administrators of the service remain. */
export const decide = (command: Command, state: State): Either<never, readonly DomainEvent[]> => {
  const { domain, userId, by } = command;
  const isOne = state.admins.has(userId);
  switch (command.type) {
    case 'AddDomainAdmin':
      return right(isOne ? [] : [domainAdminAdded({ domain, userId, by })]);
    case 'RemoveDomainAdmin':
      return right(isOne ? [domainAdminRemoved({ domain, userId, by })] : []);
  }
};
