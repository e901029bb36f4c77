import { eventOf } from '@tidings/contracts/events/definition';
import { ReplyAddressIssued, ReplyAddressRevoked } from '@tidings/contracts/events/gateway';

export type GatewayEvent = ReplyAddressIssued | ReplyAddressRevoked;
export const replyAddressIssued = eventOf(ReplyAddressIssued);
export const replyAddressRevoked = eventOf(ReplyAddressRevoked);
