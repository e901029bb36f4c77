import type { MailedStatus } from '@tidings/contracts/events/mailing';
import type { EmailId, UserId } from '@tidings/contracts/ids';
import type { MailingEvent } from './events.ts';

/** Where it stands for one member. */
export type Standing =
  | { readonly kind: 'planned' }
  | { readonly kind: 'not-mailed' }
  | { readonly kind: 'mailed'; readonly emailId: EmailId; readonly status: MailedStatus };

export interface State {
  readonly planned: boolean;
  readonly recipients: ReadonlyMap<UserId, Standing>;
}

export const initial: State = { planned: false, recipients: new Map() };

export const evolve = (state: State, event: MailingEvent): State => {
  switch (event.type) {
    case 'MailingPlanned':
      return {
        planned: true,
        recipients: new Map([...event.data.recipients.map(({ userId }) => [userId, { kind: 'planned' }] as const), ...state.recipients]),
      };
    case 'MessageMailed': {
      const { userId, emailId } = event.data;
      const was = state.recipients.get(userId);
      const isOpen = was?.kind === 'planned' || (was?.kind === 'mailed' && was.status === 'cancelled');
      return isOpen ? withStanding(state, userId, { kind: 'mailed', emailId, status: 'queued' }) : state;
    }
    case 'MessageNotMailed':
      return isPlanned(state, event.data.userId) ? withStanding(state, event.data.userId, { kind: 'not-mailed' }) : state;
    case 'MessageMailStatusChanged': {
      const { userId, emailId, status } = event.data;
      const was = state.recipients.get(userId);
      return was?.kind === 'mailed' && was.emailId === emailId ? withStanding(state, userId, { ...was, status }) : state;
    }
    default:
      return state;
  }
};

export const isPlanned = (state: State, user: UserId): boolean => state.recipients.get(user)?.kind === 'planned';

const withStanding = (state: State, user: UserId, standing: Standing): State => ({
  ...state,
  recipients: new Map(state.recipients).set(user, standing),
});
