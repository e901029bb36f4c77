import { eventOf } from '@tidings/contracts/events/definition';
import { GatewayMailReceived, GatewayMailSettled, HeldMailConfirmed, HeldMailRefused } from '@tidings/contracts/events/gateway-mail';

export type GatewayMailEvent = GatewayMailReceived | GatewayMailSettled | HeldMailConfirmed | HeldMailRefused;
export const gatewayMailReceived = eventOf(GatewayMailReceived);
export const gatewayMailSettled = eventOf(GatewayMailSettled);
export const heldMailConfirmed = eventOf(HeldMailConfirmed);
export const heldMailRefused = eventOf(HeldMailRefused);
