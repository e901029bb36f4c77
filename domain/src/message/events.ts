import { eventOf } from '@tidings/contracts/events/definition';
import { MessageSent } from '@tidings/contracts/events/message';

export type { MessageEvent } from '@tidings/contracts/events/message';
export const messageSent = eventOf(MessageSent);
