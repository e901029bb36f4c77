import type { UserId } from '@tidings/contracts/ids';
import type { DomainEvent } from './events.ts';

export interface State {
  readonly admins: ReadonlySet<UserId>;
}

export const initial: State = { admins: new Set() };

export const evolve = (state: State, event: DomainEvent): State => {
  switch (event.type) {
    case 'DomainAdminAdded':
      return { admins: new Set(state.admins).add(event.data.userId) };
    case 'DomainAdminRemoved': {
      const admins = new Set(state.admins);
      admins.delete(event.data.userId);
      return { admins };
    }
    default:
      return state;
  }
};
