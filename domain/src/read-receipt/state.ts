import type { ReadReceiptEvent } from './events.ts';

/** How far a room has come with one member: the `seq` of an entry, 0 when there was none. */
export interface State {
  /** The last entry seen; null when they never looked. */
  readonly upToSeq: number | null;
  /** The last one that reached a device of theirs; what was read has. */
  readonly deliveredToSeq: number;
}

export const initial: State = { upToSeq: null, deliveredToSeq: 0 };

export const evolve = (state: State, event: ReadReceiptEvent): State => {
  const { upToSeq, deliveredToSeq } = state;
  switch (event.type) {
    case 'RoomRead':
      return { upToSeq: Math.max(upToSeq ?? 0, event.data.upToSeq), deliveredToSeq: Math.max(deliveredToSeq, event.data.upToSeq) };
    case 'RoomDelivered':
      return { upToSeq, deliveredToSeq: Math.max(deliveredToSeq, event.data.upToSeq) };
    default:
      return state;
  }
};
