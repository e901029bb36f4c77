import { type ConversationId, derivedId, type UserId } from '@tidings/contracts/ids';
import type { EmailAddress } from '../mail/address.ts';

export const category = 'gateway';
/** On the shard of the room or thread that it is about. */
export const gatewayKey = (conversation: ConversationId): string => conversation;

/** Who writes from an address of somewhere else is a user like any other, the same one in all conversations. */
export const mailPersonIdOf = (address: EmailAddress): UserId => derivedId<UserId>('mail-person', address);
