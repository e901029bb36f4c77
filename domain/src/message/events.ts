import { eventOf } from '@tidings/contracts/events/definition';
import { MediaShown, MessageDeleted, MessageEdited, MessageSent } from '@tidings/contracts/events/message';

export type { MessageEvent } from '@tidings/contracts/events/message';
export const messageSent = eventOf(MessageSent);
export const mediaShown = eventOf(MediaShown);
export const messageEdited = eventOf(MessageEdited);
export const messageDeleted = eventOf(MessageDeleted);
