import { derivedId } from '@tidings/contracts/ids';
import type { EmailAddress } from '../mail/address.ts';

export const category = 'address';
/** Derived, so that the address itself (personal data) is in no stream id. */
export const addressKey = (address: EmailAddress): string => derivedId<string>('address', address);
