import type { ReadReceiptEvent } from './events.ts';

/** How far one member has read: the `seq` of the last entry seen, 0 for none. */
export interface State {
  readonly upToSeq: number;
}

export const initial: State = { upToSeq: 0 };

export const evolve = (state: State, event: ReadReceiptEvent): State => {
  switch (event.type) {
    case 'RoomRead':
      return { upToSeq: Math.max(state.upToSeq, event.data.upToSeq) };
    default:
      return state;
  }
};
