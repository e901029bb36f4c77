/** Writes pages into one instance: apply, park what cannot be applied, move the fenced checkpoint, commit. All or nothing. */
import type { Recorded } from '@tidings/contracts/events/index';
import type { Position } from '@tidings/contracts/ports/event-log';
import type { Projection } from '@tidings/contracts/projection';
import type { Pool, PoolClient } from 'pg';
import { backoff } from './backoff.ts';
import { advanceAndCommit, type Lease } from './lease.ts';
import { errorText, park, type Parking } from './parking.ts';
import { classify, findCulprit } from './poison.ts';
import { schemaOf, type Instance } from './registry.ts';
import { projectionTx, withClient } from './session.ts';

export interface WriterSettings {
  /** How often a page is tried before its failure counts as poison. */
  readonly attempts: number;
  /** When more streams of one page fail, the projection is wrong and not the streams. */
  readonly maxParkedPerPage: number;
}

/** A rebuild met an event that it cannot apply. Rebuilds are strict: a half-right read model must not become live. */
export class RebuildStopped extends Error {
  override readonly name = 'RebuildStopped';
}

/** The projection fails on everything; nothing was parked. */
export class ProjectionBroken extends Error {
  override readonly name = 'ProjectionBroken';
}

/**
 * Read models can be derived again and their checkpoint travels in the same transaction, so a power cut may cost the last commits and
 * never consistency. Statements look rows up by key: an index is right however empty the table was as the statement was
 * planned, and one plan for all pages: making another costs more than a live page takes.
 */
const BEGIN = 'begin; set local synchronous_commit = off; set local enable_seqscan = off; set local plan_cache_mode = force_generic_plan';

export interface PageWriter {
  /** Applies and commits, moving the checkpoint `from` → `to`. @throws Fenced, and what `apply` throws */
  commit(events: readonly Recorded[], from: Position, to: Position, extra?: (client: PoolClient) => Promise<void>): Promise<void>;
  /**
   * As `commit`, with everything tried to get the page in: again, then without the streams that fail, which are parked with it.
   * Gives all that was parked.
   * @throws RebuildStopped (when `strict`), ProjectionBroken, Fenced, and transient errors
   */
  commitOrPark(page: WritePage): Promise<readonly Parking[]>;
}

export interface WritePage {
  readonly events: readonly Recorded[];
  /** Streams found to be unreadable before anything was applied. */
  readonly unreadable: readonly Parking[];
  readonly from: Position;
  readonly to: Position;
  readonly strict: boolean;
  readonly signal: AbortSignal;
}

export const createPageWriter = (deps: {
  readonly pool: Pool;
  readonly instance: Instance;
  readonly projection: Projection;
  readonly lease: Lease;
  readonly settings: WriterSettings;
}): PageWriter => {
  const { pool, instance, projection, lease, settings } = deps;
  const schema = schemaOf(instance);

  const commit: PageWriter['commit'] = (events, from, to, extra) =>
    withClient(pool, async (client) => {
      await client.query(BEGIN);
      if (events.length > 0) await projection.apply(events, projectionTx(client, schema));
      await extra?.(client);
      await advanceAndCommit(client, lease, from, to);
    });

  const works = async (events: readonly Recorded[]): Promise<boolean> => {
    try {
      await withClient(pool, async (client) => {
        await client.query(BEGIN);
        await projection.apply(events, projectionTx(client, schema));
        await client.query('rollback');
      });
      return true;
    } catch (error) {
      if (classify(error) === 'poison') return false;
      throw error;
    }
  };

  return {
    commit,
    commitOrPark: async ({ events, unreadable, from, to, strict, signal }) => {
      const [hopeless] = unreadable;
      if (strict && hopeless !== undefined) throw new RebuildStopped(describe(hopeless));
      const parkings = [...unreadable];
      let rest = events;
      for (let attempt = 1; ; attempt += 1) {
        try {
          await commit(rest, from, to, parkings.length === 0 ? undefined : (client) => park(client, lease.name, lease.shard, parkings));
          return parkings;
        } catch (error) {
          if (classify(error) !== 'poison' || signal.aborted) throw error;
          if (attempt < settings.attempts) {
            await backoff(attempt, signal);
            continue;
          }
          const culprit = await findCulprit(rest, works);
          if (culprit === null) throw error;
          const parking = parkingOf(culprit, errorText(error), attempt);
          if (strict) throw new RebuildStopped(describe(parking), { cause: error });
          parkings.push(parking);
          if (parkings.length > settings.maxParkedPerPage) {
            throw new ProjectionBroken(`more than ${settings.maxParkedPerPage} streams of one page fail, the last with: ${parking.error}`, {
              cause: error,
            });
          }
          rest = rest.filter((event) => event.stream !== culprit.stream || event.position < culprit.position);
        }
      }
    },
  };
};

const parkingOf = (event: Recorded, error: string, attempts: number): Parking => ({
  stream: event.stream,
  fromRevision: event.revision,
  fromPosition: event.position,
  error,
  attempts,
});

const describe = (parking: Parking): string =>
  `cannot apply revision ${parking.fromRevision} of ${parking.stream} (position ${parking.fromPosition}): ${parking.error}`;
