/** `Commands` over an event store: a cache of states, one command at a time per stream, bounded retries. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Decider } from '@tidings/contracts/decider';
import type { TidingsEvent } from '@tidings/contracts/events/index';
import { streamId, type StreamId } from '@tidings/contracts/ids';
import { type AppendResult, LogUnavailable } from '@tidings/contracts/ports/event-log';
import * as E from 'fp-ts/lib/Either.js';
import type { CommandContext, EventStore } from '../event-store/event-store.ts';
import type { Commands, Outcome } from './commands.ts';
import { createLanes } from './lanes.ts';
import { createStates, type Loaded } from './states.ts';

/** How far `load` may be behind other nodes, in milliseconds. */
export const FRESH_FOR_MS = 1000;

export interface CommandsOptions {
  /** Streams whose state is kept; default 20,000. */
  readonly cacheSize?: number;
  /** Default `FRESH_FOR_MS`. */
  readonly freshForMs?: number;
  /** Appends tried per command before `TooManyConflicts`; default 8. */
  readonly maxAttempts?: number;
  /** Commands that may wait for one stream before `Overloaded`; default 1,000. */
  readonly laneLimit?: number;
  /** Milliseconds, never going back; default the process's monotonic clock. */
  readonly now?: () => number;
}

/** Other nodes kept writing to the stream. Nothing was written; the caller may try again. */
export class TooManyConflicts extends Error {
  override readonly name = 'TooManyConflicts';
  constructor(stream: StreamId, attempts: number) {
    super(`${stream} changed under ${attempts} attempts to append to it`);
  }
}

/** Conflicts before attempts are spread over time; the first few retries are free. */
const CALM_ATTEMPTS = 3;

type AnyRejection = { readonly type: string };

export const createCommands = (store: EventStore, options: CommandsOptions = {}): Commands => {
  const { freshForMs = FRESH_FOR_MS, maxAttempts = 8, cacheSize = 20_000, laneLimit = 1000, now = () => performance.now() } = options;
  const states = createStates(store, { cacheSize, now });
  const lanes = createLanes<StreamId>(laneLimit);

  /** One command, alone on its stream within this process. */
  const run = async <State, Command, Event extends TidingsEvent, Rejection extends AnyRejection>(
    decider: Decider<State, Command, Event, Rejection>,
    stream: StreamId,
    command: Command,
    context: CommandContext,
  ): Promise<E.Either<Rejection, Outcome<State, Event>>> => {
    let base: Loaded<State> | null = states.cached(decider, stream);
    let verified = false; // read from the log during this call, so that a refusal rests on more than a memory
    let lastUnknown: LogUnavailable | null = null;

    for (let attempt = 1; attempt <= maxAttempts; attempt += 1) {
      if (base === null && decider.writtenOnce && attempt === 1) base = states.unread(decider);
      else if (base === null) {
        base = await states.refresh(decider, stream, states.unread(decider));
        verified = true;
      }
      let decision = decider.decide(command, base.state);
      if (!verified && (E.isLeft(decision) || decision.right.length === 0)) {
        base = await states.refresh(decider, stream, base);
        verified = true;
        decision = decider.decide(command, base.state);
      }
      if (E.isLeft(decision)) return decision;
      const events = decision.right;
      if (events.length === 0) return E.right({ ...placeOf(base), events, recordedAt: null });

      const result = await tryAppend(stream, base.revision, events, context);
      if (result.type === 'appended') {
        const state = events.reduce(decider.evolve, base.state);
        const after = { state, revision: result.revision, position: result.position };
        if (!decider.writtenOnce) states.keep(decider, stream, after);
        return E.right({ ...after, events, recordedAt: result.recordedAt });
      }

      // Somebody was faster, or we were: an earlier try of this very command whose answer was lost.
      if (result.type === 'unknown') lastUnknown = result.error;
      states.forget(stream);
      const reread: { readonly loaded: Loaded<State>; readonly applied: Outcome<State, Event> | null } = await states
        .readFor<State, Event>(decider, stream, context.commandId)
        .catch((error: unknown) => {
          throw lastUnknown ?? error; // the log is still away, so the append's own report stands
        });
      if (reread.applied !== null) return E.right(reread.applied);
      base = reread.loaded;
      verified = true;
      if (attempt > CALM_ATTEMPTS) await delay(Math.random() * 2 ** attempt);
    }
    throw lastUnknown ?? new TooManyConflicts(stream, maxAttempts);
  };

  /**
   * An unknown outcome may be met by reading and deciding anew: event ids derive from the command and the append names a revision, so a
   * late arrival of the first try either is found, or comes back as `duplicate` or `conflict`. It can never stand beside the second.
   */
  const tryAppend = async (
    stream: StreamId,
    revision: number,
    events: readonly TidingsEvent[],
    context: CommandContext,
  ): Promise<AppendResult | { readonly type: 'unknown'; readonly error: LogUnavailable }> => {
    try {
      return await store.append(stream, revision < 0 ? 'none' : { revision }, events, context);
    } catch (error) {
      if (error instanceof LogUnavailable && error.outcome === 'unknown') return { type: 'unknown', error };
      throw error;
    }
  };

  return {
    transact: (decider, key, command, context) => {
      const stream = streamId(decider.category, key);
      return lanes.run(stream, () => run(decider, stream, command, context));
    },
    load: async (decider, key, maxAgeMs = freshForMs) => placeOf(await states.recent(decider, streamId(decider.category, key), maxAgeMs)),
    learn: (decider, key, event) => {
      if (!decider.writtenOnce) states.learn(decider, streamId(decider.category, key), event);
    },
  };
};

const placeOf = <State>({ state, revision, position }: Loaded<State>) => ({ state, revision, position });
