/** Which addresses are the same recipient. */
import type { OutboundRecipient } from '@tidings/contracts/events/outbound';
import * as E from 'fp-ts/lib/Either.js';
import { normaliseAddress } from '../mail/address.ts';

/** What is no address is like nothing but itself; sending it fails, and says so. */
export const normalForm = (address: string): string => E.getOrElse(() => address)(normaliseAddress(address));

/** Each once, as it came first. */
export const distinct = (recipients: readonly OutboundRecipient[]): readonly OutboundRecipient[] => {
  const seen = new Map<string, OutboundRecipient>();
  for (const one of recipients) {
    const key = normalForm(one.address);
    if (!seen.has(key)) seen.set(key, one);
  }
  return [...seen.values()];
};
