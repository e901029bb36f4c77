import { eventOf } from '@tidings/contracts/events/definition';
import { MailMapped } from '@tidings/contracts/events/gateway';
import { GatewayMailReceived, GatewayMailSettled, HeldMailConfirmed, HeldMailRefused } from '@tidings/contracts/events/gateway-mail';

export type GatewayMailEvent = GatewayMailReceived | GatewayMailSettled | HeldMailConfirmed | HeldMailRefused | MailMapped;
export const gatewayMailReceived = eventOf(GatewayMailReceived);
export const gatewayMailSettled = eventOf(GatewayMailSettled);
export const heldMailConfirmed = eventOf(HeldMailConfirmed);
export const heldMailRefused = eventOf(HeldMailRefused);
export const mailMapped = eventOf(MailMapped);
