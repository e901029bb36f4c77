/** One task at a time per key, in the order they came; different keys do not wait for each other. */
import { Overloaded } from '@tidings/contracts/ports/event-log';

export interface Lanes<Key> {
  /** @throws Overloaded when `limit` tasks already wait for this key */
  run<A>(key: Key, task: () => Promise<A>): Promise<A>;
}

export const createLanes = <Key>(limit: number): Lanes<Key> => {
  const lanes = new Map<Key, { waiting: number; last: Promise<unknown> }>();
  return {
    run: async <A>(key: Key, task: () => Promise<A>): Promise<A> => {
      const lane = lanes.get(key) ?? { waiting: 0, last: Promise.resolve() };
      if (lane.waiting >= limit) throw new Overloaded();
      lane.waiting += 1;
      const mine = lane.waiting === 1 ? task() : lane.last.then(task, task); // a failed task is its own caller's affair
      lane.last = mine;
      lanes.set(key, lane);
      try {
        return await mine;
      } finally {
        lane.waiting -= 1;
        if (lane.waiting === 0) lanes.delete(key);
      }
    },
  };
};
