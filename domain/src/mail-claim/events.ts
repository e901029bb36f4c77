import { eventOf } from '@tidings/contracts/events/definition';
import { GatewayMailClaimed } from '@tidings/contracts/events/gateway-mail';

export type MailClaimEvent = GatewayMailClaimed;
export const gatewayMailClaimed = eventOf(GatewayMailClaimed);
