import type { ReadReceiptEvent } from './events.ts';

/** How far one member has read: the `seq` of the last entry seen, 0 when there was none to see, null when they never looked. */
export interface State {
  readonly upToSeq: number | null;
}

export const initial: State = { upToSeq: null };

export const evolve = (state: State, event: ReadReceiptEvent): State => {
  switch (event.type) {
    case 'RoomRead':
      return { upToSeq: Math.max(state.upToSeq ?? 0, event.data.upToSeq) };
    default:
      return state;
  }
};
