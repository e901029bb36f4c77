import { eventOf } from '@tidings/contracts/events/definition';
import { AddressClaimed, AddressReleased } from '@tidings/contracts/events/mailbox';

export type AddressEvent = AddressClaimed | AddressReleased;
export const addressClaimed = eventOf(AddressClaimed);
export const addressReleased = eventOf(AddressReleased);
