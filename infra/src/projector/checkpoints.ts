/**
 * The checkpoints of projections that had nothing to do. A page of the log concerns a few of thirty projections and passes the others by: those come here
 * within milliseconds of each other, and share a transaction where each had one of its own ten times a second.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Pool } from 'pg';
import { advanceAllAndCommit, type Advance } from './lease.ts';
import { withClient } from './session.ts';

export interface Checkpoints {
  /** Resolves when the move is committed. @throws Fenced for one that is refused, whatever becomes of the others */
  pass(move: Advance): Promise<void>;
}

interface Waiting {
  readonly move: Advance;
  readonly done: PromiseWithResolvers<void>;
}

const GATHER_MS = 5;
/** A power cut may cost the last of them: what passed by is passed by again. */
const BEGIN = 'begin; set local synchronous_commit = off';

export const createCheckpoints = (pool: Pool): Checkpoints => {
  let waiting: Waiting[] = [];
  let isAtWork = false;

  const commit = (moves: readonly Advance[]): Promise<void> =>
    withClient(pool, async (client) => {
      await client.query(BEGIN);
      await advanceAllAndCommit(client, moves);
    });

  const settle = async (batch: readonly Waiting[]): Promise<void> => {
    try {
      await commit(batch.map(({ move }) => move));
      for (const { done } of batch) done.resolve();
    } catch (error) {
      // One refused, and none was moved: each by itself learns whether it was that one.
      if (batch.length === 1) batch[0]?.done.reject(error);
      else for (const one of batch) await settle([one]);
    }
  };

  const work = async (): Promise<void> => {
    isAtWork = true;
    while (waiting.length > 0) {
      await delay(GATHER_MS);
      const batch = waiting.toSorted((a, b) => (a.move.lease.name < b.move.lease.name ? -1 : 1)); // all nodes lock rows in one order
      waiting = [];
      await settle(batch);
    }
    isAtWork = false;
  };

  return {
    pass: (move) => {
      const done = Promise.withResolvers<void>();
      waiting.push({ move, done });
      if (!isAtWork) void work();
      return done.promise;
    },
  };
};
