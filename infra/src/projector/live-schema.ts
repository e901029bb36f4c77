/** Which instance serves the readers of a projection right now, as this process sees it. */
import type { Signals } from '@tidings/contracts/ports/signals';
import type { LiveSchema } from '@tidings/contracts/projection';
import type { Pool } from 'pg';
import { REGISTRY_CHANGED } from './announce.ts';
import { instances, schemaOf, type Instance } from './registry.ts';

export interface LiveInstances {
  /** Quoted schema of the live instance. @throws ProjectionUnavailable */
  readonly schemaOf: LiveSchema;
  /** The live instance, or undefined when there is none (yet). */
  instanceOf(projection: string): Instance | undefined;
  /** Projections that exist in more than one version: code of one of them may meet the tables of another. */
  readonly changing: () => readonly string[];
  /** Reads the registry now. */
  refresh(): Promise<void>;
  close(): void;
}

/** No instance of the projection serves readers: it was never started, or the registry could not be read. Worth a retry. */
export class ProjectionUnavailable extends Error {
  override readonly name = 'ProjectionUnavailable';
  readonly projection: string;
  constructor(projection: string) {
    super(`the projection ${projection} is not there yet`);
    this.projection = projection;
  }
}

const REFRESH_MS = 1_000;

/** Reads the registry once, then again on a signal and every second: a cut-over elsewhere is seen within that. */
export const createLiveSchema = async (pool: Pool, signals: Signals, refreshMs: number = REFRESH_MS): Promise<LiveInstances> => {
  let live: ReadonlyMap<string, { readonly instance: Instance; readonly schema: string }> = new Map();
  let changing: readonly string[] = [];
  let reading: Promise<void> | null = null;
  let again = false;

  const read = async (): Promise<void> => {
    do {
      again = false;
      const found = await instances(pool);
      live = new Map(
        found.filter((one) => one.state === 'live').map((instance) => [instance.name, { instance, schema: schemaOf(instance) }]),
      );
      changing = inTwoVersions(found);
    } while (again);
  };
  const refresh = (): Promise<void> => {
    if (reading !== null) {
      again = true;
      return reading;
    }
    reading = read().finally(() => {
      reading = null;
    });
    return reading;
  };
  /** The registry is unreachable together with everything it routes to; what is known stays valid, and the next tick asks again. */
  const refreshQuietly = (): void => void refresh().catch(() => undefined);

  await refresh();
  const timer = setInterval(refreshQuietly, refreshMs);
  timer.unref();
  const unsubscribe = signals.subscribe('registry', (payload) => {
    if (payload === REGISTRY_CHANGED) refreshQuietly();
  });

  return {
    schemaOf: (projection) => {
      const found = live.get(projection);
      if (found !== undefined) return found.schema;
      refreshQuietly();
      throw new ProjectionUnavailable(projection);
    },
    instanceOf: (projection) => live.get(projection)?.instance,
    changing: () => changing,
    refresh,
    close: () => {
      clearInterval(timer);
      unsubscribe();
    },
  };
};

const inTwoVersions = (found: readonly Instance[]): readonly string[] =>
  [...Map.groupBy(found, ({ name }) => name)].flatMap(([name, some]) =>
    new Set(some.map(({ version }) => version)).size > 1 ? [name] : [],
  );
