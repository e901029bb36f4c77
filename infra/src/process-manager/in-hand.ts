/** Events that are being worked on, each in its lane, and how far all of them are done: whatever a crash makes come again begins there. */
import type { Recorded } from '@tidings/contracts/events/index';
import type { Position } from '@tidings/contracts/ports/event-log';

/** Events taken before the oldest of them is done, so that one slow lane does not fill the memory. */
const MOST_IN_HAND = 1_000;

export interface InHandParts {
  /** Where the log is read from. */
  readonly from: Position;
  /** Events of one lane are worked on one after another, in the order in which they were taken. */
  readonly laneOf: (event: Recorded) => string;
  /** Lanes that are worked on at a time; all get their turn. */
  readonly atOnce: number;
  readonly work: (event: Recorded) => Promise<void>;
  /** One more is done. */
  readonly onDone: () => void;
  /** The first failure. Nothing is begun any more. */
  readonly onFailure: (error: unknown) => void;
}

export interface InHand {
  take(event: Recorded): void;
  /** All up to here was taken. */
  reached(position: Position): void;
  /** All up to here is done. */
  readonly doneUpTo: Position;
  readonly isEmpty: boolean;
  /** Resolves when there is room for another event; also when nothing is begun any more. */
  room(): Promise<void>;
  /** Begins nothing more, and waits for what was begun. */
  end(): Promise<void>;
}

interface Taken {
  readonly event: Recorded;
  /** The place before it. */
  readonly after: Position;
}

export const createInHand = ({ from, laneOf, atOnce, work, onDone, onFailure }: InHandParts): InHand => {
  /** In the order of the log. */
  const undone = new Set<Taken>();
  /** What each lane has left, with what is being worked on as its first. */
  const lanes = new Map<string, Taken[]>();
  /** Lanes that have something to do, and nobody who does it. */
  const waiting: string[] = [];
  const working = new Set<Promise<void>>();
  let upTo = from;
  let isOver = false;
  let roomIsMade: () => void = () => undefined;

  const begin = (): void => {
    while (!isOver && working.size < atOnce) {
      const lane = waiting.shift();
      if (lane === undefined) return;
      const run: Promise<void> = workOn(lane).then(() => {
        working.delete(run);
        begin();
      });
      working.add(run);
    }
  };

  /** On one of its events; then it is the turn of others. */
  const workOn = async (lane: string): Promise<void> => {
    const left = lanes.get(lane) ?? [];
    const [taken] = left;
    if (taken === undefined) return;
    try {
      await work(taken.event);
    } catch (error) {
      if (!isOver) onFailure(error);
      isOver = true;
      roomIsMade();
      return;
    }
    undone.delete(taken);
    left.shift();
    if (left.length === 0) lanes.delete(lane);
    else waiting.push(lane);
    roomIsMade();
    onDone();
  };

  return {
    take: (event) => {
      const taken = { event, after: upTo };
      undone.add(taken);
      upTo = event.position;
      const lane = laneOf(event);
      const left = lanes.get(lane);
      if (left === undefined) {
        lanes.set(lane, [taken]);
        waiting.push(lane);
      } else left.push(taken);
      begin();
    },
    reached: (position) => {
      upTo = position;
    },
    get doneUpTo() {
      const [oldest] = undone;
      return oldest?.after ?? upTo;
    },
    get isEmpty() {
      return undone.size === 0;
    },
    room: async () => {
      while (!isOver && undone.size >= MOST_IN_HAND) {
        await new Promise<void>((resolve) => {
          roomIsMade = resolve;
        });
      }
    },
    end: async () => {
      isOver = true;
      roomIsMade();
      await Promise.all(working);
    },
  };
};
