import type { UserId } from '@tidings/contracts/ids';
import type { Sealed } from '@tidings/contracts/sealed';
import type { GatewayEvent } from './events.ts';

/** Someone who has, or had, a reply address. */
export interface Recipient {
  readonly number: number;
  readonly userId: UserId;
  readonly address: Sealed<string>;
  /** Takes part by mail only. */
  readonly outsider: boolean;
  readonly revoked: boolean;
}

export interface State {
  readonly recipients: readonly Recipient[];
}

export const initial: State = { recipients: [] };

export const evolve = (state: State, event: GatewayEvent): State => {
  switch (event.type) {
    case 'ReplyAddressIssued': {
      const { number, userId, address, outsider } = event.data;
      const others = state.recipients.filter((recipient) => recipient.number !== number);
      return { recipients: [...others, { number, userId, address, outsider, revoked: false }] };
    }
    case 'ReplyAddressRevoked':
      return {
        recipients: state.recipients.map((recipient) =>
          recipient.number === event.data.number ? { ...recipient, revoked: true } : recipient,
        ),
      };
    default:
      return state;
  }
};

/** Those who may answer now. */
export const currentRecipients = ({ recipients }: State): readonly Recipient[] => recipients.filter(({ revoked }) => !revoked);

/** Null for a number that was never given out. */
export const recipientByNumber = ({ recipients }: State, number: number): Recipient | null =>
  recipients.find((recipient) => recipient.number === number) ?? null;

/** The one that is good for this user at this address. */
export const replyAddressFor = (state: State, userId: UserId, address: string): Recipient | null =>
  currentRecipients(state).find((recipient) => recipient.userId === userId && recipient.address === address) ?? null;
