/** Someone's live stream during the story: each event is printed as it comes, and the story waits for those it expects. */
import type { StreamEvent } from '@tidings/contracts/http/live';
import { parseCursor } from '@tidings/contracts/http/live';
import { type EventsOptions, liveEvents } from '@tidings/contracts/client/events';
import type { Position } from '@tidings/contracts/ports/event-log';
import { DemoFailed } from './failed.ts';

/** Who comes and goes is not part of the story. */
export type StoryEvent = Exclude<StreamEvent, { readonly type: 'PresenceChanged' }>;
type EventOf<T extends StoryEvent['type']> = Extract<StoryEvent, { readonly type: T }>;

export interface Heard<E extends StoryEvent = StoryEvent> {
  readonly event: E;
  /** In the log; a view asked with it shows what the event tells. `Typing` has none of its own and stands behind the event before it. */
  readonly position: Position;
}

export interface Live {
  /**
   * The first event of the story like this, heard already or yet to come.
   * @throws DemoFailed when it does not come in time, or the stream broke
   */
  readonly until: <T extends StoryEvent['type']>(type: T, matches: (event: EventOf<T>) => boolean) => Promise<Heard<EventOf<T>>>;
}

const PATIENCE_MS = 15_000;

interface Waiting {
  readonly look: () => void;
  readonly fail: (error: Error) => void;
}

/** Resolves once the stream stands: what happens from here on will be told. @param options `signal` ends it */
export const follow = async (
  who: string,
  options: Omit<EventsOptions, 'onOpen' | 'onRetry'>,
  print: (event: StoryEvent) => void,
): Promise<Live> => {
  const heard: Heard[] = [];
  const waiting = new Set<Waiting>();
  let broken: Error | null = null;
  const open = Promise.withResolvers<void>();
  const listen = async (): Promise<void> => {
    for await (const { id, event } of liveEvents({ ...options, onOpen: open.resolve })) {
      if (event?.type === 'PresenceChanged') continue;
      const cursor = id === null ? null : parseCursor(id);
      if (event === null || cursor === null) throw new DemoFailed(`${who}'s live stream carries an event that the client does not know`);
      print(event);
      heard.push({ event, position: cursor.position });
      for (const { look } of waiting) look();
    }
    throw new DemoFailed(`${who}'s live stream has ended`); // to who still waits for something
  };
  listen().catch((error: unknown) => {
    broken = error instanceof Error ? error : new Error(String(error));
    open.reject(broken);
    for (const { fail } of waiting) fail(broken);
  });
  await open.promise;

  return {
    until: <T extends StoryEvent['type']>(type: T, matches: (event: EventOf<T>) => boolean) =>
      new Promise<Heard<EventOf<T>>>((resolve, reject) => {
        if (broken !== null) {
          reject(broken);
          return;
        }
        const isIt = (one: Heard): one is Heard<EventOf<T>> => one.event.type === type && matches(one.event as EventOf<T>); // as its type says
        const done = (): void => {
          clearTimeout(timer);
          waiting.delete(self);
        };
        const self: Waiting = {
          look: () => {
            const hit = heard.find(isIt);
            if (hit === undefined) return;
            done();
            resolve(hit);
          },
          fail: (error) => {
            done();
            reject(error);
          },
        };
        const late = (): void => self.fail(new DemoFailed(`${who}'s live stream did not tell of ${type} within ${PATIENCE_MS / 1000} s`));
        const timer = setTimeout(late, PATIENCE_MS);
        waiting.add(self);
        self.look();
      }),
  };
};
