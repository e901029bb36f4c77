import { eventOf } from '@tidings/contracts/events/definition';
import { RoomDelivered, RoomRead } from '@tidings/contracts/events/read-receipt';

export type { ReadReceiptEvent } from '@tidings/contracts/events/read-receipt';
export const roomRead = eventOf(RoomRead);
export const roomDelivered = eventOf(RoomDelivered);
