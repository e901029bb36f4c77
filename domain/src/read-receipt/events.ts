import { eventOf } from '@tidings/contracts/events/definition';
import { RoomRead } from '@tidings/contracts/events/read-receipt';

export type { ReadReceiptEvent } from '@tidings/contracts/events/read-receipt';
export const roomRead = eventOf(RoomRead);
