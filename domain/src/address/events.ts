import { eventOf } from '@tidings/contracts/events/definition';
import { AddressClaimed } from '@tidings/contracts/events/mailbox';

export type AddressEvent = AddressClaimed;
export const addressClaimed = eventOf(AddressClaimed);
